"""The figures of peers and floors as cells of a row; a peer that took no part says why."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.contest import MISSING, TITLES, Run
from benchmarks.row import Beside, Row, Target

#: Runs by name; a peer that took no part has none.
Runs = Mapping[str, Sequence[Run | None]]


def beside(runs: Runs, figure: Callable[[Run], float]) -> tuple[Beside, ...]:
    """A cell for everyone but us: the median of `figure` over the runs."""
    cells = []
    for name, all_of_them in runs.items():
        there = [run for run in all_of_them if run is not None]
        if name == "ours":
            continue
        cells.append(Beside(TITLES[name], statistics.median(map(figure, there))) if there else absent(name))
    return tuple(cells)


def ours(runs: Runs, figure: Callable[[Run], float]) -> float:
    """The median of our runs."""
    return statistics.median(figure(run) for run in runs["ours"] if run is not None)


def memory(what: str, runs: Runs, target: Target | None = None) -> Iterator[Row]:
    """A row of peak memory, where memory can be known."""
    peaks = [run.peak for run in runs["ours"] if run is not None and run.peak is not None]
    if not peaks:
        return
    cells = []
    for name, all_of_them in runs.items():
        there = [run for run in all_of_them if run is not None and run.peak is not None]
        if name == "ours":
            continue
        if not there:
            cells.append(absent(name))
            continue
        most = max(there, key=lambda run: run.peak or 0.0)
        unit = "MiB" if most.processes == 1 else f"MiB in {most.processes} processes"
        cells.append(Beside(TITLES[name], most.peak, unit))
    yield Row(what=what, ours=max(peaks), unit="MiB", beside=tuple(cells), target=target)


def absent(name: str) -> Beside:
    """The cell of a peer that took no part."""
    return Beside(TITLES[name], None, why=MISSING.get(TITLES[name], "not run"))
