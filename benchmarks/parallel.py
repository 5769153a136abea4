"""A hundred short simulations in one session: what a second worker brings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.job import export
from benchmarks.peers import task
from benchmarks.row import Beside, Row, Target
from benchmarks.suite import in_turn, medians, ratio, suite

TESTS, PAIRS = 100, 3

SUITE = """
import pytest

from benchmarks.peers import task

@pytest.mark.parametrize("n", range({tests}))
def test_simulation(fedjob, n):
    result = fedjob.simulate({folder!r}, n_clients=2, fresh=True)
    task.check(result.model()["numpy_key"], 9, 3)
"""


def hundred_simulations() -> Iterator[Row]:
    with suite("") as hundred:
        folder = export(hundred.root, sites=2, rounds=3, params=task.start(9))
        (hundred.root / "test_it.py").write_text(SUITE.format(tests=TESTS, folder=str(folder)))
        for isolation in ("process", "shared"):
            chosen = f"--fedjob-isolation={isolation}"
            pairs = in_turn(
                partial(hundred.run, chosen, "-n", "2"), partial(hundred.run, chosen, "-n", "0"), PAIRS
            )
            with_two, alone = medians(pairs)
            yield Row(
                what=f"{TESTS} simulations, {isolation}: -n 2 over -n 0, throughput",
                ours=ratio(pairs),
                unit="x",
                beside=(Beside("-n 0", alone, "s"), Beside("-n 2", with_two, "s")),
                target=Target(1.8, least=True),
            )


BLOCKS = (hundred_simulations,)
