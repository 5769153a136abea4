"""Canonical YAML: one text per value, read back as the same value by both of PyYAML's loaders."""

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fedjob.errors import GoldenError
from fedjob.golden.canonical import dump, load

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(), v, max_size=4), max_leaves=12
)
documents = st.dictionaries(st.text(max_size=12), values, max_size=5)


@settings(max_examples=300, deadline=None)
@given(data=documents)
def test_loading_inverts_dumping(data):
    text = dump(data)
    assert yaml.load(text, yaml.SafeLoader) == (data or None)
    assert load(text, "x") == (data or None)


@settings(max_examples=100, deadline=None)
@given(data=documents, seed=st.randoms())
def test_the_order_of_keys_does_not_show(data, seed):
    keys = list(data)
    seed.shuffle(keys)
    assert dump({k: data[k] for k in keys}) == dump(data)


def test_the_text_itself():
    data = {
        "zeta": [1, 2.5, "a b", None],
        "args": {"lr": 1e-05, "big": 1e20, "on": "yes", "nested": [{"path": "a.B", "args": {}}, []]},
        "id": "controller",
        "files": {"custom/a.py": {"sha256": "0a", "size": 3}},
        "none": {},
        "odd": 'q"\n\x7f\u2028\U0001f600',
        "long": ["x" * 60, "y" * 60],
    }
    assert dump(data) == (
        "id: controller\n"
        "args:\n"
        "  big: 1.0e+20\n"
        "  lr: 1.0e-05\n"
        "  nested:\n"
        "    - path: a.B\n"
        "      args: {}\n"
        "    - []\n"
        '  "on": "yes"\n'
        "files:\n"
        '  custom/a.py: {size: 3, sha256: "0a"}\n'
        "long:\n"
        f"  - {'x' * 60}\n"
        f"  - {'y' * 60}\n"
        "none: {}\n"
        'odd: "q\\"\\n\\u007f\\u2028\U0001f600"\n'
        'zeta: [1, 2.5, "a b", null]\n'
    )


LINED = st.text("ab \t\n#:-'\"{[|>%\u2028\u00e9", max_size=30)


@settings(max_examples=300, deadline=None)
@given(text=LINED, depth=st.integers(0, 3), listed=st.booleans())
def test_lines_stay_what_they_were(text, depth, listed):
    data = {"x": text, "z": 1}
    for _ in range(depth):
        data = {"in": [data, 1] if listed else data, "out": text}
    written = dump(data)
    assert yaml.load(written, yaml.SafeLoader) == data
    assert load(written, "x") == data


def test_lines_stand_as_lines():
    assert dump({"text": "def f():\n    return 1\n\n\nx = 2\n", "z": "no end\n here"}) == (
        "text: |2+\n  def f():\n      return 1\n\n\n  x = 2\nz: |2-\n  no end\n   here\n"
    )


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities(value):
    assert load(dump({"x": value}), "x") == {"x": value}


def test_nan():
    assert math.isnan(load(dump({"x": math.nan}), "x")["x"])


def test_an_empty_container_after_a_long_key():
    data = {"k" * 120: [], "m" * 120: {}}
    assert load(dump(data), "x") == data


def test_what_is_not_data():
    with pytest.raises(GoldenError) as caught:
        dump({"x": {1, 2}})
    assert str(caught.value) == "set {1, 2} cannot stand in a golden; it holds JSON data only"


BROKEN = {
    "a: 1\n<<<<<<< HEAD\nb: 2\n": "golden x.yaml holds the conflict markers of a merge (line 2); resolve them first",
    "a: [1\nb: 2\n": "golden x.yaml is not YAML (line 2): did not find expected ',' or ']'; restore or update it",
    "a: !!python/object:os.system {}\n": (
        "golden x.yaml is not YAML (line 1): could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object:os.system'; restore or update it"
    ),
    "a: 1\nb: 2\na: 3\n": (
        "golden x.yaml is not YAML (line 3): key 'a' stands twice in one mapping; restore or update it"
    ),
    "a: " + "[" * 5000: None,
}


@pytest.mark.parametrize("text", BROKEN)
def test_broken_text(text):
    if not hasattr(yaml, "CSafeLoader"):
        pytest.skip("the messages are libyaml's")
    with pytest.raises(GoldenError) as caught:
        load(text, "x.yaml")
    assert BROKEN[text] in {None, str(caught.value)}
    assert str(caught.value).endswith(("; restore or update it", "; resolve them first"))
