"""A convolutional network on scikit-learn's digits: the engine over the same training written by hand."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from benchmarks.process import run as command
from benchmarks.row import Beside, Row, Target

HERE = Path(__file__).parent
PAIRS = 2


def over_one_process() -> Iterator[Row]:
    if find_spec("torch") is None or find_spec("sklearn") is None:
        raise RuntimeError("torch and scikit-learn are needed, and not installed")
    for epochs in (1, 5):
        answers = [timed(epochs) for _ in range(PAIRS)]
        for isolation in ("shared", "process"):
            over = statistics.median(
                times[isolation] / times["hand"] for answer in answers for times in answer
            )
            yield Row(
                what=f"digits CNN, 4 sites x 5 rounds, {epochs} local epoch{'s' * (epochs > 1)}, {isolation}: over one process by hand",
                ours=(over - 1) * 100,
                unit="%",
                beside=tuple(seconds(answers, name) for name in ("hand", isolation)),
                target=Target(5),
            )


def seconds(answers: list[list[dict[str, float]]], name: str) -> Beside:
    title = {"hand": "by hand"}.get(name, "ours")
    return Beside(title, statistics.median(times[name] for answer in answers for times in answer), "s")


def timed(epochs: int) -> list[dict[str, float]]:
    """Seconds of the engine's runs and of the loop by hand, in turn, in a fresh process; all models must be equal."""
    out = command([sys.executable, "-m", "benchmarks.digits.turns", str(epochs)], cwd=HERE.parents[1]).output
    answer: list[dict[str, float]] = json.loads(out.splitlines()[-1])
    return answer


BLOCKS = (over_one_process,)
