"""Two sites, three rounds, nine floats: through the fixture, and as whole processes beside every peer."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.cells import absent, beside, memory
from benchmarks.contest import Run, Task
from benchmarks.job import export
from benchmarks.peers import task
from benchmarks.row import Beside, Row, Target
from benchmarks.suite import Suite

SITES, ROUNDS, FLOATS = 2, 3, 9
#: Runs of FLARE's simulator, each beside a session of ours. One takes some 17 s.
PAIRS = 3
TESTS = 12

SUITE = """
import time
from pathlib import Path

import pytest

from benchmarks.peers import task

@pytest.mark.parametrize("n", range({tests}))
def test_rounds(fedjob, n):
    start = time.perf_counter()
    result = fedjob.simulate({folder!r}, n_clients={sites}, fresh=True)
    seconds = time.perf_counter() - start
    task.check(result.model()["numpy_key"], {floats}, {rounds})
    with Path("times").open("a") as file:
        file.write(f"{{seconds}}\\n")
"""


def two_sites() -> Iterator[Row]:
    ours = Suite("")
    folder = export(ours.root, sites=SITES, rounds=ROUNDS, params=task.start(FLOATS))
    ours.write(SUITE.format(tests=TESTS, sites=SITES, rounds=ROUNDS, floats=FLOATS, folder=str(folder)))
    sessions, flare = sessions_and_flare(ours)
    yield from through_the_fixture(sessions, flare)
    for isolation in ("shared", "inline"):
        seconds = statistics.median(session(ours, isolation)[1:])
        yield Row(
            what=f"2 sites x 3 rounds through the fixture, {isolation}, warm",
            ours=seconds * 1e3,
            unit="ms",
        )
    yield from whole_processes(flare)
    yield further_round(flare)


def session(ours: Suite, isolation: str) -> list[float]:
    """Seconds of each simulation of one pytest process; the first is cold."""
    return ours.times(f"--fedjob-isolation={isolation}")


def sessions_and_flare(ours: Suite) -> tuple[list[list[float]], list[Run]]:
    """Sessions of ours and runs of FLARE's simulator on an equal folder, in turn; no runs where FLARE is missing."""
    sessions: list[list[float]] = []
    flare: list[Run] = []
    for number in range(PAIRS):
        sessions.append(session(ours, "process"))
        if len(flare) == number and (found := Task(SITES, (ROUNDS,)).try_run("flare")) is not None:
            flare.append(found)
    return sessions, flare


def through_the_fixture(sessions: Sequence[Sequence[float]], flare: Sequence[Run]) -> Iterator[Row]:
    warm = [statistics.median(times[1:]) for times in sessions]
    simulator = (
        absent("flare")
        if not flare
        else Beside("FLARE", statistics.median(r.of(ROUNDS) for r in flare) * 1e3)
    )
    floor = {"pipes": [Task(SITES, (ROUNDS,) * TESTS, warm=True).try_run("pipes")]}
    yield Row(
        what="2 sites x 3 rounds through the fixture, process, warm",
        ours=statistics.median(warm) * 1e3,
        unit="ms",
        beside=(simulator, *beside(floor, lambda run: run.of(ROUNDS) * 1e3)),
        target=Target(60),
    )
    cold = statistics.median(times[0] for times in sessions)
    yield Row(what="  the first of a session", ours=cold * 1e3, unit="ms")
    if len(flare) == len(warm):
        times = statistics.median(run.of(ROUNDS) / mine for run, mine in zip(flare, warm, strict=True))
        yield Row(what="  FLARE's time over ours, warm", ours=times, unit="x", target=Target(200, least=True))


def whole_processes(flare: Sequence[Run]) -> Iterator[Row]:
    """From starting Python to its end: imports, start-up, run."""
    asked = Task(SITES, (ROUNDS,), isolation="process")
    ours = [asked.run("ours") for _ in range(PAIRS)]
    peers = {name: [asked.try_run(name)] for name in ("flower", "pfl", "fedjax")}
    runs = {"ours": ours, "flare": flare, **peers}
    yield Row(
        what="2 sites x 3 rounds, process, a whole Python process",
        ours=statistics.median(run.whole for run in ours),
        unit="s",
        beside=beside(runs, lambda run: run.whole),
    )
    yield from memory(f"  its peak memory, {max(run.processes for run in ours)} processes", runs)


def further_round(flare: Sequence[Run]) -> Row:
    """Milliseconds of one more round of two sites: by difference, of Flower where its rounds end."""
    ours = Task(SITES, (3, 53) * 3, warm=True, isolation="process").run("ours")
    runs = {name: [Task(SITES, (3, 503) * 3, warm=True).try_run(name)] for name in ("pfl", "fedjax", "pipes")}
    runs["flower"] = [Task(SITES, (6,)).try_run("flower")]
    more = Task(SITES, (ROUNDS + 2,)).try_run("flare") if flare else None
    simulator = absent("flare")
    if more is not None:
        difference = more.of(ROUNDS + 2) - statistics.median(run.of(ROUNDS) for run in flare)
        simulator = Beside("FLARE", difference / 2 * 1e3)
    return Row(
        what="  a further round",
        ours=ours.further_round * 1e3,
        unit="ms",
        beside=(simulator, *beside(runs, lambda run: run.further_round * 1e3)),
    )


BLOCKS = (two_sites,)
