"""Many sites, nine floats, ten rounds, sites sharing processes: time, memory, and how both grow."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.cells import Runs, beside, memory, ours
from benchmarks.contest import Run, Task, turns
from benchmarks.loops import two_loops
from benchmarks.row import Beside, Row, Target

ROUNDS = 10
PAIRS = 3
SHARED = Target(30)
#: What counts as linear: so much more per site and round for ten times the sites or four times the rounds.
LINEAR = Target(1.25)
#: What takes the square of the sites takes four times as long for each of the second.
WATCHED_SITES, WATCHED_ROUNDS = (400, 1600), 3
#: Processes are few where each site has one of its own.
PROCESSES = 10


def per_site_round(run: Run) -> float:
    """Microseconds per site and round of a run of ten rounds, its set-up included."""
    return run.of(ROUNDS) / run.sites / ROUNDS * 1e6


def further(run: Run) -> float:
    """Microseconds per site of one more round."""
    return run.site_round * 1e6


def floors(floats: int) -> Runs:
    """Hand-written mechanisms. Processes are fewer: a thousand would measure the machine's memory."""
    many = {
        name: [Task(1000, (2, ROUNDS) * 2, floats, warm=True).try_run(name)]
        for name in ("loop", "greenlet", "thread")
    }
    return {**many, "pipes": [Task(PROCESSES, (10, 210) * 2, floats, warm=True).try_run("pipes")]}


def thousand() -> Iterator[Row]:
    """A thousand sites, ours and the nimblest peers in turn."""
    runs = turns(Task(1000, (2, ROUNDS), warm=True), ("ours", "pfl", "fedjax"), PAIRS)
    others: Runs = {"flower": [Task(1000, (3,)).try_run("flower")], **floors(9)}
    yield Row(
        what=f"1,000 sites x {ROUNDS} rounds, 9 floats, per site and round, set-up included",
        ours=ours(runs, per_site_round),
        unit="μs",
        beside=beside(runs, per_site_round),
        target=SHARED,
    )
    yield Row(
        what="  a further round, per site",
        ours=ours(runs, further),
        unit="μs",
        beside=beside({**runs, **others}, further),
    )
    yield from memory("  peak memory", {**runs, "flower": others["flower"]})
    yield from ratios(runs, 3)


def ratios(runs: Mapping[str, Sequence[Run]], least: float) -> Iterator[Row]:
    """How many times as long as ours pfl's runs take, set-up included: says more than microseconds of one machine."""
    if runs["pfl"]:
        pairs = zip(runs["ours"], runs["pfl"], strict=True)
        times = statistics.median(per_site_round(theirs) / per_site_round(mine) for mine, theirs in pairs)
        yield Row(
            what="  pfl's time over ours",
            ours=times,
            unit="x",
            # pfl runs on one core, ours on two.
            beside=(two_loops(),),
            target=Target(least, least=True),
        )


def ten_thousand() -> Iterator[Row]:
    """Ten thousand sites, once, and fewer beside them."""
    runs = turns(Task(10_000, (ROUNDS,), warm=True, timeout=400), ("ours", "pfl", "fedjax"), 1)
    yield Row(
        what=f"10,000 sites x {ROUNDS} rounds, 9 floats, per site and round, set-up included",
        ours=ours(runs, per_site_round),
        unit="μs",
        beside=beside(runs, per_site_round),
        target=SHARED,
    )
    yield Row(
        what="  in all",
        ours=ours(runs, lambda run: run.of(ROUNDS)),
        unit="s",
        beside=beside(runs, lambda run: run.of(ROUNDS)),
    )
    yield from memory("  peak memory", runs, Target(400))
    yield from ratios(runs, 3)
    fewer = {n: per_site_round(Task(n, (ROUNDS,) * 5, warm=True).run("ours")) for n in (100, 1000)}
    yield Row(
        what="  over that of 1,000 sites",
        ours=ours(runs, per_site_round) / fewer[1000],
        unit="x",
        beside=tuple(Beside(f"{n:,} sites", cost, "μs") for n, cost in fewer.items()),
        target=LINEAR,
    )


def more_rounds() -> Iterator[Row]:
    """Time and memory of five and of twenty rounds, each in processes of its own."""
    # Memory is looked at from time to time: as many rounds of each, so that it is as often.
    few, many = (Task(1000, (rounds,) * (40 // rounds), warm=True).run("ours") for rounds in (5, 20))
    yield Row(
        what="1,000 sites: 20 rounds over 5, per site and round",
        ours=many.of(20) / few.of(5) / 4,
        unit="x",
        target=LINEAR,
    )
    if few.peak and many.peak:
        yield Row(
            what="  peak memory",
            ours=many.peak / few.peak,
            unit="x",
            beside=(Beside("5 rounds", few.peak, "MiB"), Beside("20 rounds", many.peak, "MiB")),
            target=Target(1.05),
        )


def ready_made() -> Iterator[Row]:
    """What a ready-made job brings along listens, too, but to nothing that a task meets on its way."""
    task = Task(1000, (ROUNDS,) * 3, warm=True)
    bare, ready = (replace(task, watched=by).run("ours", watch=False) for by in ("", "BaseFedJob"))
    yield Row(
        what=f"1,000 sites x {ROUNDS} rounds, a BaseFedJob, per site and round, set-up included",
        ours=per_site_round(ready),
        unit="μs",
        beside=(Beside("a FedJob", per_site_round(bare), "μs"),),
    )


def watched() -> Iterator[Row]:
    """Jobs in which something of the user's stands on a task's way, so that it goes the long way."""
    for who, title in (("filter", "a filter on the server"), ("listener", "a listener at each site")):
        few, many = (
            Task(sites, (WATCHED_ROUNDS,) * 2, warm=True, watched=who).run("ours") for sites in WATCHED_SITES
        )
        costs = [run.of(WATCHED_ROUNDS) / run.sites / WATCHED_ROUNDS * 1e6 for run in (few, many)]
        yield Row(
            what=f"{many.sites:,} sites x {WATCHED_ROUNDS} rounds, {title}, per site and round",
            ours=costs[1],
            unit="μs",
        )
        yield Row(
            what=f"  over that of {few.sites} sites",
            ours=costs[1] / costs[0],
            unit="x",
            beside=(Beside(f"{few.sites} sites", costs[0], "μs"),),
            target=LINEAR,
        )
        yield from memory("  peak memory", {"ours": [many]})


BLOCKS = (thousand, ten_thousand, more_rounds, ready_made, watched)
