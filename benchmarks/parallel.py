"""A hundred short simulations in one session: what a second worker brings."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.job import export
from benchmarks.loops import two_loops
from benchmarks.peers import task
from benchmarks.row import Beside, Row, Target
from benchmarks.suite import TIMES, Suite, in_turn, medians, ratio

TESTS, PAIRS = 100, 3

SUITE = """
import time

import pytest

from benchmarks.peers import task

@pytest.mark.parametrize("n", range({tests}))
def test_simulation(fedjob, n):
    begin = time.monotonic()
    result = fedjob.simulate({folder!r}, n_clients=2, fresh=True)
    task.check(result.model()["numpy_key"], 9, 3)
    with open({times!r}, "a") as times:
        times.write(f"{{begin}}\\n{{time.monotonic()}}\\n")
"""

#: The same number of tests that share nothing and wait for nothing.
COMPUTING = """
import time

import pytest

@pytest.mark.parametrize("n", range({tests}))
def test_computing(n):
    begin = time.monotonic()
    total = 0
    for step in range({steps}):
        total += step
    with open({times!r}, "a") as times:
        times.write(f"{{begin}}\\n{{time.monotonic()}}\\n")
"""


def hundred_simulations() -> Iterator[Row]:
    hundred = Suite("")
    folder = export(hundred.root, sites=2, rounds=3, params=task.start(9))
    hundred.write(SUITE.format(tests=TESTS, folder=str(folder), times=str(hundred.root / TIMES)))
    for isolation in ("process", "shared", "inline"):
        yield _second_worker(hundred, isolation)


def _second_worker(hundred: Suite, isolation: str) -> Row:
    """Of the time from the first test's begin to the last one's end: a session's start is no simulation."""
    sessions: dict[str, list[float]] = {"0": [], "2": []}

    def span(workers: str) -> float:
        times = hundred.times(f"--fedjob-isolation={isolation}", "-n", workers)
        sessions[workers].append(hundred.seconds)
        return max(times) - min(times)

    pairs = in_turn(lambda: span("2"), lambda: span("0"), PAIRS)
    with_two, alone = medians(pairs)
    whole = ratio(list(zip(sessions["2"], sessions["0"], strict=True)))
    return Row(
        what=f"{TESTS} simulations, {isolation}: -n 2 over -n 0, throughput",
        ours=ratio(pairs),
        unit="x",
        beside=(
            Beside("-n 0", alone, "s"),
            Beside("-n 2", with_two, "s"),
            Beside("whole sessions", whole, "x"),
            _computing(alone / TESTS),
            two_loops(),
        ),
        target=Target(1.8, least=True),
    )


def _computing(seconds: float) -> Beside:
    """What a second worker brings to as many tests that compute for so long each."""
    begin, steps = time.perf_counter(), 3_000_000
    total = 0
    for step in range(steps):
        total += step
    steps = round(steps * seconds / (time.perf_counter() - begin))
    suite = Suite("")
    suite.write(COMPUTING.format(tests=TESTS, steps=steps, times=str(suite.root / TIMES)))

    def span(workers: str) -> float:
        times = suite.times("-n", workers)
        return max(times) - min(times)

    pairs = in_turn(lambda: span("2"), lambda: span("0"), PAIRS)
    return Beside("as many tests that only compute, as long each", ratio(pairs), "x")


BLOCKS = (hundred_simulations,)
