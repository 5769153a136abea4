"""RunResult and its parts: plain data, the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fedjob.errors import ResultError
from fedjob.result.contributions import Contribution, MetricValue
from fedjob.result.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Status = Literal["ok", "failed", "deadline", "interrupted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One round: what the sites contributed and what the server made of it."""

    #: FLARE's round number: 0-based, shifted by `start_round`.
    number: int
    #: Metrics as the server aggregated them; empty when a site sent none.
    metrics: Mapping[str, MetricValue]
    #: In the order of the run's sites.
    contributions: Sequence[Contribution]

    @property
    def sites(self) -> dict[str, Mapping[str, MetricValue]]:
        """Metrics by site; where a site answered several tasks, the first task to name a metric wins."""
        merged: dict[str, dict[str, MetricValue]] = {}
        for c in self.contributions:
            merged[c.site] = {**c.metrics, **merged.get(c.site, {})}
        return dict(merged)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteError:
    """One thing that went wrong, at a site or at the server."""

    site: str
    kind: str
    message: str
    round: int | None = None
    task: str | None = None
    #: The user's traceback, as Python prints it; None when there is none (a kill, a deadline).
    traceback: str | None = None
    fatal: bool = True

    def __str__(self) -> str:
        where = [self.site]
        if self.round is not None:
            where.append(f"round {self.round}")
        if self.task:
            where.append(f"task {self.task!r}")
        head = f"{', '.join(where)}: {self.kind}: {self.message}"
        return f"{head}\n{self.traceback.rstrip()}" if self.traceback else head


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """One value that a script logged through a tracking writer."""

    site: str
    name: str
    value: float
    step: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What is known of a run after it ended.

    `problems` says, in sentences, why the result is not `ok`; it is empty exactly when `ok`.
    """

    engine: str
    job: str
    status: Status
    workspace: Path
    sites: tuple[str, ...]
    rounds: tuple[Round, ...]
    errors: tuple[SiteError, ...] = ()
    problems: tuple[str, ...] = ()
    #: Model files by kind ("global", "best", ...).
    models: Mapping[str, Path] = field(default_factory=dict)
    scalars: tuple[Scalar, ...] = ()
    #: Results that are not metrics of a round (cross-site validation, statistics): (task, site, data).
    results: tuple[tuple[str, str, Any], ...] = ()
    #: Bytes by site: {"sent": ..., "received": ...}, as the site sees it.
    traffic: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    #: CUDA_VISIBLE_DEVICES as each site saw it.
    devices: Mapping[str, str | None] = field(default_factory=dict)
    #: The metric by which the best model was chosen, and its rounds.
    best_round: int | None = None
    key_metric: str | None = None
    seed: int | None = None
    #: Wall time of the run in seconds; not part of equality, two equal runs take different times.
    seconds: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """True when the run succeeded *and* did something: rounds or results, from every site, all finite."""
        return self.status == "ok" and not self.problems

    @property
    def metric_names(self) -> tuple[str, ...]:
        names = {n: None for r in self.rounds for n in r.metrics}
        names.update({n: None for r in self.rounds for c in r.contributions for n in c.metrics})
        return tuple(names)

    def metric(
        self, name: str, site: str | None = None, *, best: Literal["max", "min"] | None = None
    ) -> Series:
        """The series of a metric, aggregated by the server, or as `site` reported it.

        `best` says which end is better; by default larger is, except for names that
        contain ``loss`` or ``error``.

        Raises ResultError when no round has the metric; the message lists those there are.
        """
        __tracebackhide__ = True
        by_site = self._reported(name)
        values = self._aggregated(name) if site is None else by_site.get(site, {})
        if not values:
            raise ResultError(self._missing(name, site, list(by_site)))
        smaller = best == "min" or (best is None and any(w in name.lower() for w in ("loss", "error")))
        others = by_site if site is None else {}
        return Series(name, values, others, site, greater_is_better=not smaller)

    def model(self, kind: str = "global") -> dict[str, NDArray[np.generic]]:
        """The parameters of a saved model, by name, as numpy arrays.

        Reads numpy (``.npy``, ``.npz``) and PyTorch (``.pt``, weights only) files.
        Raises ResultError when the run saved no such model.
        """
        from fedjob.result.weights import read_weights

        __tracebackhide__ = True
        if kind not in self.models:
            raise ResultError(f"the run saved no {kind!r} model; it saved {sorted(self.models) or 'none'}")
        return read_weights(self.models[kind])

    @classmethod
    def load(cls, workspace: Path | str) -> RunResult:
        """Rebuild a result from the directory of a run, in any process.

        Raises ResultError when the directory holds no record of a run.
        """
        from fedjob.result.read import read_result

        return read_result(Path(workspace))

    def __repr__(self) -> str:
        # On one line, which is how pytest shows it in an assertion.
        state = "ok" if self.ok else self.status if self.status != "ok" else "not ok"
        return (
            f"{self.job}: {state}, {len(self.rounds)} rounds, {len(self.sites)} sites, {self.engine} engine"
        )

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The result as a few lines: outcome, problems, one line per metric."""
        body = [f"  problem: {p}" for p in self.problems]
        for name in self.metric_names:
            if self._aggregated(name):
                body += [f"  {line}" for line in self.metric(name).lines()[:2]]
        return [repr(self), *body]

    def _aggregated(self, name: str) -> dict[int, float]:
        return {r.number: v for r in self.rounds if (v := _number(r.metrics.get(name))) is not None}

    def _reported(self, name: str) -> dict[str, dict[int, float]]:
        """What the sites reported, by site and round; of several tasks, the first to name the metric counts."""
        found: dict[str, dict[int, float | None]] = {site: {} for site in self.sites}
        for r in self.rounds:
            for c in r.contributions:
                if name in c.metrics and r.number not in (own := found.setdefault(c.site, {})):
                    own[r.number] = _number(c.metrics[name])
        numbers = {s: {n: v for n, v in found[s].items() if v is not None} for s in self.sites}
        return {site: own for site, own in numbers.items() if own}

    def _missing(self, name: str, site: str | None, reporters: list[str]) -> str:
        who = f"site {site!r} reported" if site else "the server aggregated"
        hint = f"metrics there are: {list(self.metric_names) or 'none'}"
        if site is None and reporters:
            hint = f"sites {reporters} reported it: ask metric({name!r}, site=...)"
        return f"{who} no metric {name!r} in {len(self.rounds)} rounds; {hint}"


def _number(value: MetricValue | None) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)
