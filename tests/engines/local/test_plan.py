from __future__ import annotations

import os

import pytest

from fedjob.engines.local import plan
from fedjob.engines.local.plan import cores, gpus, shards
from fedjob.errors import RequestError

SITES = ("site-1", "site-2", "site-3", "site-4", "site-5")


def test_the_isolations_differ_in_how_the_parties_are_dealt_out(monkeypatch):
    monkeypatch.setattr(plan, "cores", lambda: 3)
    assert shards(SITES, "inline") == (("server", *SITES),)
    assert shards(SITES[:2], "process") == (("server",), ("site-1",), ("site-2",))
    dealt = shards(SITES, "shared")
    assert dealt[0] == ("server",)
    assert len(dealt) == 1 + 3
    assert sorted(site for shard in dealt[1:] for site in shard) == list(SITES)
    assert len(shards(SITES[:1], "shared")) == 2


@pytest.mark.parametrize(("runs", "workers"), [(1, 5), (2, 4), (3, 2), (5, 1), (8, 1), (100, 1)])
def test_runs_that_are_on_at_a_time_share_the_cores(monkeypatch, runs, workers):
    monkeypatch.setattr(plan, "cores", lambda: 8)
    many = tuple(f"site-{n + 1}" for n in range(33))
    assert len(shards(many, "shared", runs)) == 1 + (8 // runs or 1)
    # Few sites have a process together with the server where only one core is left for the run.
    assert len(shards(many[:32], "shared", runs)) == (1 if runs >= 8 else 1 + 8 // runs)
    assert len(shards(SITES, "shared", runs)) == (1 if runs >= 8 else 1 + workers)
    assert len(shards(SITES, "process", runs)) == 6


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a way to leave out cores")
def test_cores_that_the_process_may_not_use_do_not_count():
    before = os.sched_getaffinity(0)
    assert cores() == len(before)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []),
        ("", []),
        ("0", ["0", "0", "0"]),
        ("0,1", ["0", "1", "0"]),
        ("[0,1],[2]", ["0,1", "2", "0,1"]),
        ("[0, 1], 3", ["0,1", "3", "0,1"]),
    ],
)
def test_gpus_are_dealt_out_in_turn(text, expected):
    assert list(gpus(text, SITES[: len(expected)]).values()) == expected


@pytest.mark.parametrize("text", ["gpu0", "0,,1", "[0,1", "[]", "-1", "0;1"])
def test_what_is_no_list_of_gpus_is_said(text):
    with pytest.raises(RequestError, match="is not a list of GPU numbers such as '0,1'"):
        gpus(text, SITES)
