"""From a run's events.jsonl to its RunResult. Everything known of a run is derived from that file."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, cast

from fedjob.errors import ResultError
from fedjob.result.contributions import Batch, Contributions
from fedjob.result.model import Round, RunResult, Scalar, SiteError

EVENTS_FILE = "events.jsonl"
Event = dict[str, Any]


def read_events(workspace: Path) -> list[Event]:
    """All events of a run in the order in which they were written.

    A last line that was cut by a kill is left out; a broken line elsewhere raises ResultError.
    """
    with _without_collector():
        return list(chain.from_iterable(map(_one_by_one, _written(workspace))))


def _written(workspace: Path) -> list[Event]:
    """`read_events`, those that many sites have as they were written: one event, a column for each field."""
    path = workspace / EVENTS_FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as e:
        raise ResultError(
            f"no run recorded in {workspace}: {e.strerror}; expected {EVENTS_FILE} there"
        ) from e
    with _without_collector():
        try:
            events: list[Event] = json.loads(b"[" + b",".join(lines[:-1]) + b"]")
        except ValueError:
            events = [_event(line, f"{path}:{number}") for number, line in enumerate(lines[:-1], start=1)]
    return events


def _one_by_one(event: Event) -> Iterable[Event]:
    """The events of an event that many sites have: a column for each field."""
    if "each" not in event:
        return (event,)
    columns = event["each"]
    event = {name: value for name, value in event.items() if name != "each"}
    return [event | dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _event(line: bytes, place: str) -> Event:
    try:
        event: Event = json.loads(line)
    except ValueError as e:
        raise ResultError(f"{place} is not JSON: {e}; the run directory is damaged") from e
    return event


@contextmanager
def _without_collector() -> Iterator[None]:
    """The garbage collector would look again and again at hundreds of thousands of new objects that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_result(workspace: Path) -> RunResult:
    """Build the RunResult of the run recorded in `workspace`; raises ResultError when there is none."""
    events = _written(workspace)
    started = next((e for e in events if e["event"] == "run_started"), None)
    if started is None:
        raise ResultError(f"{workspace / EVENTS_FILE} records no run_started; the run never began")
    with _without_collector():
        tally = _Tally(sites=tuple(started["sites"]))
        for event in events:
            tally.add(event)
        rounds = tally.finished_rounds()
    # The workspace's clock starts with the run, so the last event's time is the run's length.
    return RunResult(
        engine=started["engine"],
        job=started["job"],
        status=tally.status,
        workspace=workspace,
        sites=tally.sites,
        rounds=rounds,
        # A panic is what an error led to; who reads the first error wants the cause.
        errors=tuple(sorted(tally.errors, key=lambda e: (e.site, e.kind) == ("server", "panic"))),
        problems=tuple(tally.problems(rounds)),
        models={kind: workspace / path for kind, path in tally.models.items()},
        scalars=tuple(sorted(tally.scalars, key=lambda s: (s.site, s.name))),
        results=tuple(tally.results),
        traffic=dict(sorted(tally.traffic.items())),
        devices=dict(sorted(tally.devices.items())),
        best_round=tally.best.get("round"),
        key_metric=tally.best.get("metric"),
        seed=started.get("seed"),
        seconds=max((e.get("time", 0.0) for e in events), default=0.0),
    )


@dataclass
class _Tally:
    sites: tuple[str, ...]
    status: Any = "failed"
    reason: str | None = None
    contributions: dict[int, list[Batch]] = field(default_factory=dict)
    aggregated: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    errors: list[SiteError] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)
    scalars: list[Scalar] = field(default_factory=list)
    results: list[tuple[str, str, Any]] = field(default_factory=list)
    traffic: dict[str, dict[str, int]] = field(default_factory=dict)
    devices: dict[str, str | None] = field(default_factory=dict)
    best: Event = field(default_factory=dict)
    #: Who has sent or received a stream.
    streamed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        #: The place of each site among all.
        self.order = {site: place for place, site in enumerate(self.sites)}

    def add(self, event: Event) -> None:
        kind = event["event"]
        if "each" not in event:
            handler = getattr(self, f"_on_{kind}", None)
            if handler is not None:
                handler(event)
        elif (together := getattr(self, f"_on_each_{kind}", None)) is not None:
            together(event["each"])
        else:
            for one in _one_by_one(event):
                self.add(one)

    def _on_run_ended(self, e: Event) -> None:
        self.status, self.reason = e["status"], e.get("reason")

    def _on_site_ready(self, e: Event) -> None:
        self.devices[e["site"]] = e.get("cuda_visible_devices")

    def _on_each_site_ready(self, columns: dict[str, list[Any]]) -> None:
        self.devices.update(zip(columns["site"], columns["cuda_visible_devices"], strict=True))

    def _on_task(self, e: Event) -> None:
        # None says all, so that ten rounds of thousands of sites do not write their names ten times.
        self.asked.update(self.sites if e["sites"] is None else e["sites"])

    def _on_contribution(self, e: Event) -> None:
        metrics = {name: [value] for name, value in _metrics(e["metrics"]).items()}
        self._add(e, [e["site"]], metrics, [e.get("weight")])

    def _on_contributions(self, e: Event) -> None:
        """Those of many sites, as columns."""
        metrics = {entry["name"]: entry["values"] for entry in e["metrics"]}
        self._add(e, self._named(e["sites"]), metrics, e["weights"])

    def _named(self, sites: Any) -> Sequence[str]:
        """The sites of an event, which may be told by the first of them and how many follow."""
        if not isinstance(sites, dict):
            return cast("list[str]", sites)
        begin = self.order[sites["from"]]
        return self.sites[begin : begin + sites["many"]]

    def _add(self, e: Event, sites: Sequence[str], metrics: dict[str, list[Any]], weights: list[Any]) -> None:
        self.contributions.setdefault(e["round"], []).append(
            Batch(
                sites=sites,
                task=e["task"],
                rc=e["rc"],
                metrics=metrics,
                weights=weights,
                params=e.get("params", 0),
                bytes=e.get("bytes", 0),
            )
        )

    def _on_round_done(self, e: Event) -> None:
        self.aggregated[e["round"]] = _metrics(e["metrics"])

    def _on_best_model(self, e: Event) -> None:
        self.best = e

    def _on_scalar(self, e: Event) -> None:
        self.scalars.append(Scalar(site=e["site"], name=e["name"], value=e["value"], step=e.get("step")))

    def _on_result(self, e: Event) -> None:
        self.results.append((e["task"], e["site"], e["data"]))

    def _on_stream(self, e: Event) -> None:
        self.streamed.update((e["site"], e["sender"]))

    def _on_error(self, e: Event) -> None:
        self.errors.append(
            SiteError(
                site=e["site"],
                kind=e["kind"],
                message=e["message"],
                round=e.get("round"),
                task=e.get("task"),
                traceback=e.get("traceback"),
                fatal=e.get("fatal", True),
            )
        )

    def _on_model(self, e: Event) -> None:
        self.models[e["kind"]] = e["path"]

    def _on_traffic(self, e: Event) -> None:
        self.traffic[e["site"]] = {"sent": e["sent"], "received": e["received"]}

    def _on_each_traffic(self, columns: dict[str, list[Any]]) -> None:
        for site, sent, received in zip(columns["site"], columns["sent"], columns["received"], strict=True):
            self.traffic[site] = {"sent": sent, "received": received}

    def finished_rounds(self) -> tuple[Round, ...]:
        """Rounds that ended, in order; contributions in site order, whatever order they arrived in."""
        return tuple(
            Round(
                number=number,
                metrics=self.aggregated[number],
                contributions=Contributions(self.contributions.get(number, ()), self.order),
            )
            for number in sorted(self.aggregated)
        )

    def problems(self, rounds: tuple[Round, ...]) -> Iterable[str]:
        """Why this run is not a success, although it may have ended as one (law 7)."""
        if self.status != "ok":
            yield f"the run ended as {self.status!r}" + (f": {self.reason}" if self.reason else "")
        yield from (str(e).splitlines()[0] for e in self.errors)
        if not rounds and not self.results and (self.asked or not self.streamed):
            yield "no round was finished and no result came back"
        yield from (f"site {s!r} was silent: it sent no parameter and no metric" for s in self._silent())
        yield from self._not_finite(rounds)

    def _not_finite(self, rounds: tuple[Round, ...]) -> Iterable[str]:
        for r in rounds:
            well = all(batch.is_finite() for batch in self.contributions.get(r.number, ()))
            sources = [
                ("server", r.metrics),
                *(() if well else ((c.site, c.metrics) for c in r.contributions)),
            ]
            for who, metrics in sources:
                for name, value in metrics.items():
                    if isinstance(value, float) and not math.isfinite(value):
                        yield f"metric {name!r} is {value} in round {r.number} at {who}"

    def _silent(self) -> list[str]:
        heard = {site for _, site, _ in self.results}
        for batch in chain.from_iterable(self.contributions.values()):
            if batch.params or batch.metrics:
                heard.update(batch.sites)
        # A site that no task was sent to (sampling) had nothing to say; without a record of
        # tasks every site was asked, except where parties only stream.
        asked = self.asked or set(self.sites) - self.streamed
        return [s for s in self.sites if s in asked and s not in heard]


def _metrics(entries: list[Event]) -> dict[str, Any]:
    return {entry["name"]: entry["value"] for entry in entries}
