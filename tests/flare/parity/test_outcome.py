"""The comparison itself finds what differs."""

import json

import numpy as np
import pytest

from .outcome import _content, differences, events


@pytest.mark.parametrize(
    ("expected", "obtained", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["/a: expected 1, obtained 2"]),
        ({"a": 1}, {"b": 1}, ["/a: missing, expected 1", "/b: unexpected 1"]),
        ([1, 2], [1], [": expected 2 items, obtained 1"]),
        ([1, 2, 3], [2, 3], [": expected 3 items, obtained 2", "[0]: expected 1, obtained 2"]),
        ([1, {"x": [0]}], [1, {"x": [1]}], ["[1]/x[0]: expected 0, obtained 1"]),
        (1.0, 1, [": expected 1.0, obtained 1"]),
        (True, 1, [": expected true, obtained 1"]),
        (float("nan"), float("nan"), []),
        (1.0, 1.0 + 1e-12, [": expected 1.0, obtained 1.000000000001"]),
    ],
)
def test_differences(expected, obtained, lines):
    assert differences(expected, obtained) == lines


def test_tolerance_is_relative():
    assert not differences([1e6], [1e6 + 0.5], rtol=1e-6)
    assert differences([1e-6], [2e-6], rtol=1e-6)


def test_events_of_sites_are_taken_apart_at_the_server_only():
    seen = [["_before_train_task", "b"], ["_before_train_task", "a"], ["_before_aggregation", "a"]]
    assert events(seen, at_server=True) == {
        "b": ["_before_train_task"],
        "a": ["_before_train_task"],
        "": ["_before_aggregation"],
    }
    assert events(seen, at_server=False) == {
        "": ["_before_train_task", "_before_train_task", "_before_aggregation"]
    }


def test_arrays_and_metrics_are_read(tmp_path):
    np.save(tmp_path / "m.npy", np.float32([[1, 2]]))
    assert _content(tmp_path / "m.npy") == {"": ["float32", [1, 2], [[1.0, 2.0]]]}
    lines = tmp_path / "r.jsonl"
    lines.write_text(json.dumps({"round": 0, "sites": [{"name": "b"}, {"name": "a"}]}) + "\n")
    assert _content(lines) == [{"round": 0, "sites": [{"name": "a"}, {"name": "b"}]}]
