"""What a second process brings on this machine where nothing stands in its way: two cores are not always two."""

from __future__ import annotations

import statistics
import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.process import run
from benchmarks.row import Beside
from benchmarks.suite import in_turn

#: Work that waits for nothing and shares nothing.
LOOP = """
import time

begin, kept = time.perf_counter(), {}
for n in range(3_000_000):
    kept[n % 1000] = (n, str(n))
print(time.perf_counter() - begin)
"""


def two_loops() -> Beside:
    """How much more two loops of Python at once do than one; two, if the cores are whole."""

    def seconds(processes: int) -> float:
        with ThreadPoolExecutor(processes) as pool:
            loops = [pool.submit(run, [sys.executable, "-c", LOOP]) for _ in range(processes)]
            return max(float(loop.result().output) for loop in loops)

    gain = statistics.median(
        2 * one / both for both, one in in_turn(lambda: seconds(2), lambda: seconds(1), 3)
    )
    return Beside("two loops of Python by hand, just after", gain, "x")
