"""What grows with the sites is decoded by those who look at it, and is a dict like any other to them."""

import copy
import importlib
import json
import pickle
import sys

import pytest

from fedjob.engines.local.postponed import Late, Postponed, put_back, take_back, take_out
from fedjob.engines.local.wire import freeze, thaw
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.shareable import Shareable
from fedjob.job import FilterType
from jobs import ISOLATIONS, run, script_job

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
    assert pickle.loads(late) == {KEY: VALUE}
    assert data["DXO"]["meta"] == {"first": 1, KEY: None, "last": None}
    put_back(data, late)
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
    assert take_out(data) == b""
    assert data == before


@pytest.mark.parametrize(
    ("touch", "stays"),
    [
        (lambda data: None, True),
        (lambda data: data["DXO"].update(meta={**data["DXO"]["meta"], "more": 1}), True),
        (lambda data: data["DXO"]["meta"].pop(KEY), False),
        (lambda data: data["DXO"]["meta"].update({KEY: "mine"}), False),
        (lambda data: data["DXO"]["meta"][KEY].update(more=1), False),
        (lambda data: len(data["DXO"]["meta"][KEY]), False),
        (lambda data: data.pop("DXO"), False),
        (lambda data: data.update(DXO=3), False),
    ],
)
def test_what_nobody_has_looked_at_goes_on_as_it_came(touch, stays):
    data = task({"first": 1, KEY: VALUE})
    late = take_out(data)
    put_back(data, late)
    touch(data)
    goes_on = copy.copy(data)
    assert (take_back(goes_on, late) is late) is stays
    if stays:
        assert goes_on["DXO"]["meta"][KEY] is None
        assert data["DXO"]["meta"][KEY] == VALUE  # for who has kept it.


def test_it_travels_with_the_first_of_many_bodies():
    one, two = freeze(1, b"late"), freeze(2, b"late and later")
    sending, receiving = Late(), Late()
    sent = [one, freeze(3, one.later), freeze(4), two, freeze(5, two.later), one]
    shown = [sending.parts_of(body) for body in sent]
    assert [parts[2] for parts in shown] == [b"late", True, b"", b"late and later", True, b"late"]
    came = [receiving.body_of(parts, b"") for parts in shown]
    assert [(thaw(body), body.later) for body in came] == [(thaw(body), body.later) for body in sent]


FILTERS = f"""
from fedjob.components.roles import Filter


class Keeps(Filter):
    def process(self, shareable, fl_ctx):
        return shareable


class Adds(Filter):
    def process(self, shareable, fl_ctx):
        entry = shareable["DXO"]["meta"].get({KEY!r})
        if entry is not None:
            entry["mine"] = len(entry["site_weights"])
        return shareable
"""

SCRIPT = f"""
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    entry = model.meta.get({KEY!r}) or {{}}
    seen = {{"weights": len(entry.get("site_weights", ())), "mine": entry.get("mine", 0)}}
    flare.send(flare.FLModel(params=dict(model.params), metrics=seen))
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("side", ["server", "clients"])
@pytest.mark.parametrize("name", ["Keeps", "Adds"])
def test_scripts_behind_filters_of_the_users_see_what_flare_sends(
    name, side, isolation, tmp_path, monkeypatch
):
    (tmp_path / "passing.py").write_text(FILTERS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    job = script_job(tmp_path, SCRIPT, rounds=3, sites=5)
    passing = getattr(importlib.import_module("passing"), name)()
    getattr(job, f"to_{side}")(passing, filter_type=FilterType.TASK_DATA, tasks=["train"])
    result = run(job, tmp_path, n_clients=5, isolation=isolation)
    sys.modules.pop("passing", None)
    assert result.ok, result.problems
    seen = [{tuple(c.metrics.items()) for c in r.contributions} for r in result.rounds]
    later = {(("weights", 5), ("mine", 5 if name == "Adds" else 0))}
    assert seen == [{(("weights", 0), ("mine", 0))}, later, later]
