"""A hundred short simulations in one session: what a second worker brings."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.job import export
from benchmarks.peers import task
from benchmarks.process import run
from benchmarks.row import Beside, Row, Target
from benchmarks.suite import TIMES, Suite, in_turn, medians, ratio, suite

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

#: Work that waits for nothing and shares nothing.
LOOP = """
import time

begin, kept = time.perf_counter(), {}
for n in range(3_000_000):
    kept[n % 1000] = (n, str(n))
print(time.perf_counter() - begin)
"""


def two_loops() -> float:
    """What two processes at once bring on this machine where nothing stands in their way; two, if its cores are whole."""

    def seconds(processes: int) -> float:
        with ThreadPoolExecutor(processes) as pool:
            loops = [pool.submit(run, [sys.executable, "-c", LOOP]) for _ in range(processes)]
            return max(float(loop.result().output) for loop in loops)

    return statistics.median(
        2 * one / both for both, one in in_turn(lambda: seconds(2), lambda: seconds(1), 3)
    )


def hundred_simulations() -> Iterator[Row]:
    with suite("") as hundred:
        folder = export(hundred.root, sites=2, rounds=3, params=task.start(9))
        text = SUITE.format(tests=TESTS, folder=str(folder), times=str(hundred.root / TIMES))
        (hundred.root / "test_it.py").write_text(text)
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
            Beside("two loops of Python by hand, just after", two_loops(), "x"),
        ),
        target=Target(1.8, least=True),
    )


BLOCKS = (hundred_simulations,)
