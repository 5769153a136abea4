"""What a test did with fedjob, as plain data that travels on its report."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedjob.folder.checks.finding import Finding
    from fedjob.result import RunResult


@dataclass
class Tally:
    """Filled by the fixture of one test."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    goldens: list[dict[str, str]] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)  #: result tables, shown if the test fails

    def add_run(self, result: RunResult, *, ran: bool, findings: Sequence[Finding] = ()) -> None:
        errors = [f"{f.code}: {f.place}" for f in findings if f.severity == "error"]
        self.runs.append({**describe(result, ran=ran), "findings": errors})
        self.sections.append("\n".join(_table(result)))

    def add_findings(self, findings: Sequence[Finding]) -> None:
        """What the checks say of a job before its run, for the report of a failing test."""
        lines = [line for f in findings if f.severity == "error" for line in f.lines()]
        section = "\n".join(["Before the run the checks found:", *(f"  {line}" for line in lines)])
        if lines and section not in self.sections:
            self.sections.append(section)

    def add_golden(self, path: str, state: str) -> None:
        self.goldens.append({"path": path, "state": state})

    def to_json(self) -> dict[str, Any]:
        return {"runs": self.runs, "goldens": self.goldens}


def describe(result: RunResult, *, ran: bool) -> dict[str, Any]:
    """A result in numbers and text only: execnet and JUnit take nothing else."""
    return {
        "job": result.job,
        "engine": result.engine,
        "ok": result.ok,
        "ran": ran,
        "seconds": float(result.seconds),
        "rounds": len(result.rounds),
        "sites": len(result.sites),
        "metrics": {name: values for name in result.metric_names if (values := _values(result, name))},
    }


def _values(result: RunResult, name: str) -> list[float]:
    found = [r.metrics.get(name) for r in result.rounds]
    return [float(v) for v in found if isinstance(v, (int, float))]


def _table(result: RunResult) -> list[str]:
    lines = [result.lines()[0], *(f"  problem: {problem}" for problem in result.problems)]
    for name in result.metric_names:
        if _values(result, name):
            lines += [f"  {line}" for line in result.metric(name).lines()]
    return [*lines, f"  run directory: {result.workspace}"]


def properties(tally: Tally) -> list[tuple[str, object]]:
    """JUnit properties: the last finite value of each metric of each run."""
    found: list[tuple[str, object]] = []
    for run in tally.runs:
        found.append((f"fedjob.{run['job']}.rounds", run["rounds"]))
        for name, values in run["metrics"].items():
            if math.isfinite(values[-1]):
                found.append((f"fedjob.{run['job']}.{name}", values[-1]))
    return found
