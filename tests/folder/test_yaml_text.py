"""YAML without surprises."""

import pytest
import yaml

from fedjob.folder.yaml_text import parse_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30)
)


def test_data():
    assert parse_yaml("a: &x [1, {b: null}]\nc: *x\n") == {"a": [1, {"b": None}], "c": [1, {"b": None}]}
    assert parse_yaml("") is None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "key 'c' stands twice in one mapping"),
        ("a: &x [*x]\n", "it contains itself"),
        (BOMB, "it unfolds to more than 1,000,000 values"),
    ],
    ids=["key twice", "itself", "bomb"],
)
def test_what_is_refused(source, problem):
    with pytest.raises(yaml.YAMLError) as caught:
        parse_yaml(source)
    assert caught.value.problem == problem
