"""A pytest suite in a directory of its own, run in a process of its own, and the times that its tests wrote down."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks.environments import ROOT
from benchmarks.process import run
from benchmarks.scratch import scratch

#: Tests append seconds to this file, a line each.
TIMES = "times"


class Suite:
    """One test file, in a directory of its own."""

    def __init__(self, text: str) -> None:
        self.root = scratch()
        #: Where its sessions have theirs.
        self._temp = scratch()
        #: How long the last process took.
        self.seconds = 0.0
        # Tests may import the benchmarks; the settings of the project's own tests do not reach here. What earlier
        # sessions have left is removed by none.
        settings = ("[pytest]", f"pythonpath = {ROOT}", "tmp_path_retention_count = 1000")
        (self.root / "pytest.ini").write_text("\n".join(settings))
        self.write(text)

    def write(self, text: str) -> None:
        """Make this the test file."""
        (self.root / "test_it.py").write_text(text)

    def run(
        self,
        *options: str,
        python: str = sys.executable,
        status: int = 0,
        env: Mapping[str, str] | None = None,
    ) -> float:
        """Seconds of one pytest process; CommandFailed unless it ends with `status`."""
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        env = {"TMPDIR": str(self._temp), **(env or {})}
        self.seconds = run(command, cwd=self.root, status=status, env=env).seconds
        return self.seconds

    def times(self, *options: str, python: str = sys.executable) -> list[float]:
        """What the tests of one run wrote down, in seconds, in order."""
        path = self.root / TIMES
        path.unlink(missing_ok=True)
        self.run(*options, python=python)
        return [float(line) for line in path.read_text().split()]


def in_turn(
    first: Callable[[], float], second: Callable[[], float], repeats: int
) -> list[tuple[float, float]]:
    """Pairs of figures taken one right after the other; who begins changes from pair to pair."""
    pairs = []
    for number in range(repeats):
        if number % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        pairs.append((a, b))
    return pairs


def medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The median of each side."""
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """The median over the pairs of the second through the first."""
    return statistics.median(b / a for a, b in pairs)


def added(pairs: Sequence[tuple[float, float]]) -> float:
    """The median over the pairs of the second less the first."""
    return statistics.median(b - a for a, b in pairs)
