"""The server stays out of the way of the worker that is behind, and nothing of it is left afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.engines.local import seat

LINUX = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")


@dataclass
class Worker:
    sent: int
    received: int
    core: int


@pytest.fixture
def moves(monkeypatch):
    """The cores that the server was sent to; it is on the first."""
    found = []
    monkeypatch.setattr(seat, "core", lambda: 1)
    monkeypatch.setattr(seat, "_go_to", found.append)
    monkeypatch.setattr(seat, "_give_way", lambda: None)
    return found


def choose(*workers):
    seat.Seat([Worker(500, done, core) for done, core in workers]).choose()


def test_the_server_goes_to_the_core_of_the_worker_that_is_ahead(moves):
    choose((100, 1), (300, 2))
    choose((100, 1), (200, 3), (300, 2))
    assert moves == [2, 2]


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([(300, 1), (100, 2)], id="it is there"),
        pytest.param([(300, 2), (100, 2)], id="both are there"),
        pytest.param([(100, 1), (163, 2)], id="a frame less than is worth it"),
        pytest.param([(100, 1), (300, 0)], id="the one ahead has not said where it is"),
        pytest.param([(100, 0), (300, 2)], id="nor the one behind"),
        pytest.param([(100, 1)], id="there is but one"),
    ],
)
def test_it_stays_where_it_is_when(moves, workers):
    choose(*workers)
    assert moves == []


@given(
    here=st.integers(1, 4),
    workers=st.lists(
        st.builds(Worker, st.just(500), st.integers(0, 500), st.integers(0, 4)), min_size=1, max_size=4
    ),
)
def test_it_never_leaves_the_core_of_the_one_ahead_nor_goes_elsewhere(here, workers):
    moves = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seat, "core", lambda: here)
        patch.setattr(seat, "_go_to", moves.append)
        patch.setattr(seat, "_give_way", lambda: None)
        seat.Seat(workers).choose()
    ahead = max(workers, key=lambda worker: worker.received)
    assert moves in ([], [ahead.core])
    assert here not in moves
    assert 0 not in moves


@LINUX
def test_a_process_that_was_sent_to_a_core_may_still_use_all(monkeypatch):
    allowed = os.sched_getaffinity(0)
    real, asked = os.sched_setaffinity, []

    def note(pid, cores):
        asked.append(set(cores))
        real(pid, cores)

    monkeypatch.setattr(os, "sched_setaffinity", note)
    try:
        for number in sorted(allowed):
            seat._go_to(number + 1)
            assert os.sched_getaffinity(0) == allowed
        assert asked == [each for number in sorted(allowed) for each in ({number}, allowed)]
        asked.clear()
        seat._go_to(max(allowed) + 2)  # not one of ours.
        assert asked == []
        assert seat.core() - 1 in allowed
    finally:
        real(0, allowed)


@LINUX
def test_where_the_system_does_not_let_it_the_server_stays(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    seat._go_to(1)
