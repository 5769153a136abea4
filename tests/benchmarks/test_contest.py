"""Tasks are carried out in processes of their own; who cannot take part is missing, and nothing else is lost."""

import pytest

from benchmarks import cells, contest, environments
from benchmarks.contest import Run, Task, turns
from benchmarks.environments import NotInstalled
from benchmarks.memory import PROC
from benchmarks.process import CommandFailed


@pytest.fixture(autouse=True)
def nothing_missing(monkeypatch):
    monkeypatch.setattr(contest, "MISSING", {})
    monkeypatch.setattr(cells, "MISSING", contest.MISSING)


@pytest.fixture
def no_pfl(monkeypatch):
    def python(name):
        if name == "pfl":
            raise NotInstalled("no matching distribution")
        return environments.python(name)

    monkeypatch.setattr(contest, "python", python)


def made(**changes):
    values = {
        "name": "ours",
        "sites": 10,
        "rounds": (2, 12, 2, 12, 2, 12),
        "seconds": (1.0, 4.0, 2.0, 5.0, 9.0, 99.0),
        "round": None,
        "whole": 130.0,
        "peak": 10.0,
        "processes": 1,
    }
    return Run(**(values | changes))


def test_a_further_round_is_the_difference_of_medians():
    assert made().further_round == pytest.approx((5.0 - 2.0) / 10)
    assert made().site_round == pytest.approx(0.03)


def test_a_peer_that_timed_its_rounds_is_believed():
    assert made(round=0.5).further_round == 0.5


def test_a_floor_runs_in_a_process_and_answers():
    run = Task(3, (2, 4), warm=True).run("loop")
    assert (run.sites, run.rounds, len(run.seconds)) == (3, (2, 4), 2)
    assert "numpy" in contest.VERSIONS


def test_memory_is_looked_at_in_the_first_turn_only():
    runs = turns(Task(3, (2,)), ("loop",), 3)["loop"]
    assert [run.peak is None for run in runs] == [not PROC.joinpath("self", "stat").exists(), True, True]


def test_our_engine_runs_the_task():
    run = Task(3, (2,)).run("ours")
    assert len(run.seconds) == 1


def test_a_missing_peer_has_no_runs_and_a_reason(no_pfl):
    runs = turns(Task(2, (1,)), ("ours", "pfl"), 2)
    assert (len(runs["ours"]), runs["pfl"]) == (2, [])
    assert contest.MISSING == {"pfl": "not installed: no matching distribution"}
    (cell,) = cells.beside(runs, lambda run: run.whole)
    assert cell.text("s") == "pfl: not installed: no matching distribution"


def test_rows_of_memory_name_a_missing_peer_too(no_pfl):
    runs = turns(Task(2, (1,)), ("ours", "pfl"), 1)
    for row in cells.memory("memory", runs):
        assert "not installed" in row.cells()[2]


def test_a_peer_that_fails_is_missing_with_its_last_words(monkeypatch):
    def run(*_, **__):
        raise CommandFailed("exit status 1: Traceback\nValueError: too many sites")

    monkeypatch.setattr(contest, "run", run)
    assert Task(2, (1,)).try_run("loop") is None
    assert contest.MISSING == {"plain loop": "failed: ValueError: too many sites"}


def test_our_own_failure_is_not_hidden(monkeypatch):
    def run(*_, **__):
        raise CommandFailed("exit status 1")

    monkeypatch.setattr(contest, "run", run)
    with pytest.raises(CommandFailed):
        turns(Task(2, (1,)), ("ours",), 1)
