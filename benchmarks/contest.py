"""Run the task of `benchmarks.peers.task` as ours, as a peer or as a hand-written floor, each in a process of its own."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.environments import ROOT, NotInstalled, python
from benchmarks.peers.task import MARK
from benchmarks.process import CommandFailed, run

#: How each is called in the table.
TITLES = {
    "ours": "ours",
    "flare": "FLARE",
    "flower": "Flower",
    "pfl": "pfl",
    "fedjax": "fedjax",
    "loop": "plain loop",
    "greenlet": "greenlets by hand",
    "thread": "threads by hand",
    "pipes": "forks and pipes by hand",
    "memory": "forks and shared memory by hand",
    "zero_copy": "the same without private copies",
    "saving": "the same with the model saved each round",
}
FLOORS = ("loop", "greenlet", "thread", "pipes", "memory", "zero_copy", "saving")

#: Versions of the packages that took part, gathered from the answers.
VERSIONS: dict[str, str] = {}
#: Why a peer took no part, by title.
MISSING: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """What one process said and cost. Times in seconds, memory in MiB."""

    name: str
    sites: int
    rounds: tuple[int, ...]
    seconds: tuple[float, ...]
    round: float | None
    #: The whole process, its imports included.
    whole: float
    peak: float | None
    processes: int

    def of(self, rounds: int) -> float:
        """The median time of its runs of so many rounds."""
        return statistics.median(s for r, s in zip(self.rounds, self.seconds, strict=True) if r == rounds)

    @property
    def further_round(self) -> float:
        """Seconds of one more round: as the peer told, or the difference of its longest and shortest runs."""
        if self.round is not None:
            return self.round
        few, many = min(self.rounds), max(self.rounds)
        return (self.of(many) - self.of(few)) / (many - few)

    @property
    def site_round(self) -> float:
        """Seconds of one more round, per site."""
        return self.further_round / self.sites


@dataclass(frozen=True, slots=True)
class Task:
    """One task, for whoever is to carry it out."""

    sites: int
    rounds: tuple[int, ...]
    floats: int = 9
    warm: bool = False
    isolation: str = "shared"
    #: By whom; ours only, see `benchmarks.job`.
    watched: str = ""
    timeout: float = field(default=300.0, compare=False)

    def run(self, name: str, *, watch: bool = True) -> Run:
        """Carry it out. NotInstalled or CommandFailed if that is not possible. Without `watch` there is no `peak`."""
        words: dict[str, Any] = {
            "sites": self.sites,
            "rounds": self.rounds,
            "floats": self.floats,
            "warm": self.warm,
        }
        module = f"benchmarks.peers.{name}"
        if name in FLOORS:
            module, words["floor"] = "benchmarks.floors", name
        if name == "ours":
            words |= {"isolation": self.isolation, "watched": self.watched}
        command = [python(name), "-m", module, json.dumps(words)]
        ran = run(command, cwd=ROOT, timeout=self.timeout, watch=watch)
        answer = _answer(ran.output)
        VERSIONS.update(answer["versions"])
        return Run(
            name=name,
            sites=self.sites,
            rounds=self.rounds,
            seconds=tuple(answer["seconds"]),
            round=answer["round"],
            whole=ran.seconds,
            peak=ran.peak,
            processes=ran.processes,
        )

    def try_run(self, name: str, *, watch: bool = True) -> Run | None:
        """The same for a peer, which may be missing; why it is goes into MISSING."""
        try:
            return self.run(name, watch=watch)
        except (NotInstalled, CommandFailed) as error:
            kind = "not installed" if isinstance(error, NotInstalled) else "failed"
            lines = str(error).splitlines()
            MISSING[TITLES.get(name, name)] = f"{kind}: {lines[-1] if lines else error}"
            return None


def turns(task: Task, names: Sequence[str], repeats: int) -> dict[str, list[Run]]:
    """Carry out a task by several in turn, so many times; a peer that is missing has no runs.

    Memory is looked at in the first turn only: that takes up to a tenth of a core, which slows down who uses all of them.
    """
    runs: dict[str, list[Run]] = {name: [] for name in names}
    gone: set[str] = set()
    for number in range(repeats):
        for name in names:
            if name in gone:
                continue
            run = task.run if name == "ours" else task.try_run
            found = run(name, watch=number == 0)
            if found is None:
                gone.add(name)
            else:
                runs[name].append(found)
    return runs


def _answer(output: str) -> dict[str, Any]:
    """The line of JSON among what was printed."""
    lines = [line for line in output.splitlines() if MARK in line]
    if not lines:
        raise CommandFailed("no answer")
    answer: dict[str, Any] = json.loads(lines[-1].partition(MARK)[2])
    return answer
