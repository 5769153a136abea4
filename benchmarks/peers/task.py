"""The task that ours and every peer carry out, and what each says of it. Imports nothing but numpy.

``python -m benchmarks.peers.NAME '{"sites": 2, "floats": 9, "rounds": [3]}'`` runs the task once for each number of
rounds, one after the other in one process, checks each final model, and prints one line of JSON::

    {"seconds": [one per entry of rounds], "round": seconds of a further round or null, "versions": {package: version}}

With ``"warm": true`` a first run of two sites and one round goes untimed.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What comes before the answer in the output, among whatever else a peer prints.
MARK = "benchmark-answer: "

#: (sites, rounds, parameters of the first model) -> parameters of the last.
Work = Callable[[int, int, "NDArray[Any]"], "NDArray[Any]"]

_ends: list[float] = []


def start(floats: int) -> NDArray[Any]:
    """The model before the first round: small whole numbers, of which float32 takes means nearly exactly."""
    import numpy as np

    return np.arange(floats, dtype=np.float32) % 64


def check(final: NDArray[Any], floats: int, rounds: int) -> None:
    """AssertionError unless `final` is what `rounds` rounds of adding one make of the first model."""
    import numpy as np

    obtained, expected = np.asarray(final).reshape(-1), start(floats) + rounds
    # Means over thousands of sites in float32 lose digits; a round that is missing shows in the second one.
    right = obtained.shape == expected.shape and np.allclose(obtained, expected, rtol=1e-3, atol=0)
    assert right, (
        f"the model is wrong after {rounds} rounds: {obtained[:3]} ... instead of {expected[:3]} ..."
    )


def round_done(*_: object) -> None:
    """Called by a peer after each round if its rounds cannot be timed as the difference of two runs."""
    _ends.append(time.perf_counter())


def main(work: Work, packages: Sequence[str]) -> None:
    """Run the task that the command line describes and print the answer."""
    task = json.loads(sys.argv[1])
    floats = task["floats"]
    if task.get("warm"):
        check(work(2, 1, start(floats)), floats, 1)
    seconds = []
    for rounds in task["rounds"]:
        _ends.clear()
        first = start(floats)
        began = time.perf_counter()
        final = work(task["sites"], rounds, first)
        seconds.append(time.perf_counter() - began)
        check(final, floats, rounds)
    answer = {"seconds": seconds, "round": _round(), "versions": {name: version(name) for name in packages}}
    print(f"{MARK}{json.dumps(answer)}", flush=True)


def _round() -> float | None:
    """Seconds of a round of the last run after its first, where the peer told of their ends."""
    lengths = [after - before for before, after in pairwise(_ends)]
    return statistics.median(lengths[1:] or lengths) if lengths else None
