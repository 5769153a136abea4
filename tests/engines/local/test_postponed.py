"""What grows with the sites is decoded by those who look at it, and is a dict like any other to them."""

import copy
import json
import pickle

import pytest

from fedjob.engines.local.postponed import Postponed, put_back, take_out
from fedjob.engines.local.wire import encoded, freeze, thaw
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.shareable import Shareable

KEY = AppConstants.METRICS_AGGREGATION_INFO
VALUE = {"metric_source": "sites", "site_weights": [{"name": "site-1", "weight": 2.0}]}


def postponed():
    """A dict like VALUE, and how often it was loaded."""
    loads = []

    def load():
        loads.append(1)
        return copy.deepcopy(VALUE)

    return Postponed(load), loads


@pytest.mark.parametrize(
    "look",
    [
        len,
        list,
        dict,
        repr,
        bool,
        json.dumps,
        copy.copy,
        copy.deepcopy,
        lambda d: list(reversed(d)),
        lambda d: {**d},
        lambda d: dict(**d),
        lambda d: {} | d,
        lambda d: d | {"more": 1},
        lambda d: {"more": 1} | d,
        lambda d: (d == VALUE, d != VALUE, d == VALUE, d == {}),
        lambda d: ("metric_source" in d, None in d),
        lambda d: d["metric_source"],
        lambda d: d.get("metric_source"),
        lambda d: d.get(None, "nothing"),
        lambda d: list(d.items()),
        lambda d: list(d.keys()),
        lambda d: list(d.values()),
        lambda d: d.copy(),
        lambda d: d.pop("site_weights"),
        lambda d: d.popitem(),
        lambda d: d.setdefault("metric_source", 1),
        lambda d: (d.update(more=1), dict(d)),
        lambda d: (d.__setitem__("more", 1), dict(d)),
        lambda d: (d.__delitem__("metric_source"), dict(d)),
        lambda d: (d.clear(), dict(d)),
        lambda d: d.__ior__({"more": 1}) and dict(d),
        lambda d: pickle.loads(pickle.dumps(d)),
        lambda d: thaw(freeze({"meta": d})),
    ],
)
def test_it_is_loaded_once_and_is_as_a_dict_is(look):
    found, loads = postponed()
    assert look(found) == look(copy.deepcopy(VALUE))
    assert loads == [1]


@pytest.mark.parametrize(
    "copied",
    [dict, copy.copy, copy.deepcopy, dict.copy, lambda d: pickle.loads(pickle.dumps(d)), lambda d: d.copy()],
)
def test_a_copy_is_a_plain_dict(copied):
    found, _ = postponed()
    len(found)
    assert type(copied(found)) is dict
    assert copied(found) == VALUE


def task(meta):
    return Shareable({"DXO": {"kind": "WEIGHTS", "data": {}, "meta": meta}})


def test_what_was_taken_out_comes_back_in_its_place_and_unseen():
    data = task({"first": 1, KEY: VALUE, "last": None})
    late = take_out(data)
    assert late == {KEY: VALUE}
    assert data["DXO"]["meta"] == {"first": 1, KEY: None, "last": None}
    put_back(data, encoded(late))
    meta = data["DXO"]["meta"]
    assert list(meta) == ["first", KEY, "last"]
    assert type(meta[KEY]) is Postponed
    assert meta == {"first": 1, KEY: VALUE, "last": None}
    assert meta[KEY]["site_weights"] is not VALUE["site_weights"]


@pytest.mark.parametrize(
    "data", [Shareable(), task({"first": 1}), task({KEY: "no dict"}), Shareable({"DXO": 3})]
)
def test_nothing_is_taken_out_of_other_tasks(data):
    before = copy.deepcopy(data)
    assert take_out(data) is None
    assert data == before
