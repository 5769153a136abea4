"""Larger models: one MiB at a thousand sites that share processes, 25 MiB at ten sites with a process each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.cells import Runs, beside, memory, ours
from benchmarks.contest import TITLES, Run, Task, turns
from benchmarks.row import Beside, Row, Target
from benchmarks.scale import PROCESSES, ROUNDS, further, per_site_round, ratios

MIB = (1 << 20) // 4  # floats
LARGE, LARGE_SITES, LARGE_ROUNDS = 25 * MIB, 10, 5
PAIRS = 3


def one_mib() -> Iterator[Row]:
    runs = turns(Task(1000, (2, ROUNDS), MIB, warm=True), ("ours", "pfl", "fedjax"), 2)
    yield Row(
        what=f"1,000 sites x {ROUNDS} rounds, 1 MiB, per site and round, set-up included",
        ours=ours(runs, per_site_round),
        unit="μs",
        beside=beside(runs, per_site_round),
        target=Target(150),
    )
    others: Runs = {
        **{
            name: [Task(200, (2, ROUNDS), MIB, warm=True).try_run(name)]
            for name in ("loop", "greenlet", "thread")
        },
        "pipes": [Task(PROCESSES, (2, ROUNDS), MIB, warm=True).try_run("pipes")],
        "flower": [Task(100, (3,), MIB).try_run("flower")],
    }
    yield Row(
        what="  a further round, per site",
        ours=ours(runs, further),
        unit="μs",
        beside=beside({**runs, **others}, further),
    )
    yield from memory("  peak memory", runs, Target(300))
    yield from ratios(runs, 1.5)


def large() -> Iterator[Row]:
    """Ours and the hand-written floor in turn; a run is timed whole, its forks included."""
    few, many = LARGE_ROUNDS, 3 * LARGE_ROUNDS
    task = Task(LARGE_SITES, (few, many, few), LARGE, warm=True, isolation="process")
    runs = turns(task, ("ours", "memory", "zero_copy", "saving"), PAIRS)
    one_round: Runs = {
        **runs,
        "pipes": [Task(LARGE_SITES, (1, 3), LARGE).try_run("pipes")],
        **{
            name: [Task(LARGE_SITES, (few, many), LARGE, warm=True).try_run(name)]
            for name in ("loop", "pfl", "fedjax")
        },
        "flower": [Task(LARGE_SITES, (3,), LARGE).try_run("flower")],
    }
    yield Row(
        what="25 MiB x 10 sites x 5 rounds, process",
        ours=ours(runs, lambda run: run.of(few)),
        unit="s",
        beside=beside(runs, lambda run: run.of(few)),
    )
    yield Row(
        what="  over the floor by hand, shared memory with private copies",
        ours=over(runs, "memory"),
        unit="x",
        beside=tuple(Beside(f"over {TITLES[name]}", over(runs, name)) for name in ("zero_copy", "saving")),
        target=Target(1.5),
    )
    yield Row(
        what="  a further round, per site",
        ours=ours(runs, lambda run: run.site_round * 1e3),
        unit="ms",
        beside=beside(one_round, lambda run: run.site_round * 1e3),
    )
    yield from memory("  peak memory", {name: runs[name] for name in ("ours", "memory")})


def over(runs: Mapping[str, Sequence[Run]], floor: str) -> float:
    """Our time through a floor's, the median of pairs."""
    pairs = zip(runs["ours"], runs[floor], strict=True)
    return statistics.median(mine.of(LARGE_ROUNDS) / theirs.of(LARGE_ROUNDS) for mine, theirs in pairs)


BLOCKS = (one_mib, large)
