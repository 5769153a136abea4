"""The record of a run: one append-only ``events.jsonl``, written by every process that takes part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from fedjob.engines.local.place import Place
from fedjob.exchange.json_text import encoder, text

#: Bytes that are gathered at most.
_BATCH = 1 << 16


class Recorder:
    """Appends events to `path`; `start` is the monotonic clock's reading when the run began.

    With `gather`, events are kept until `flush` (or an error, or many of them), and then go into one write: for the
    server, which has an event for every answer of every site. With `many`, for a worker of many sites, only those are
    kept that each site has (`emit_of_site`).
    """

    def __init__(
        self,
        path: Path,
        *,
        start: float | None = None,
        place: Place | None = None,
        gather: bool = False,
        many: bool = False,
    ) -> None:
        self.path = path
        self.start = time.monotonic() if start is None else start
        #: Where it is noted what is being worked on, for the report should the process die.
        self.place = place
        self._gather = gather
        self._many = many
        self._waiting = bytearray()
        #: What many sites have to say, by event: a column for each field.
        self._columns: dict[str, dict[str, list[Any]]] = {}
        self._fd: int | None = None

    def emit(self, event: str, **fields: Any) -> None:
        """Append one event; the line is whole, whoever else writes at the same time."""
        if self._columns:
            self._end_columns()
        line = {"event": event, "time": round(time.monotonic() - self.start, 6), **fields}
        self._waiting += _encode(line).encode()
        self._waiting += b"\n"
        if not self._gather or event == "error" or len(self._waiting) > _BATCH:
            self.flush()

    def emit_of_site(self, event: str, **fields: Any) -> None:
        """`emit` of an event that each site has once: those of thousands that begin or end together become one."""
        if self._gather or not self._many:
            self.emit(event, **fields)
            return
        columns = self._columns.get(event)
        if columns is None:
            columns = self._columns[event] = {name: [] for name in fields}
        for name, value in fields.items():
            columns[name].append(value)

    def contribution(
        self,
        *,
        round: int,
        site: str,
        task: str,
        rc: str,
        metrics: Mapping[str, Any],
        weight: Any,
        params: int,
        bytes: int,
    ) -> None:
        """`emit` of what a site has sent, the event of which there are most: put together by hand.

        Metrics whose values are no scalars are left out.
        """
        try:
            shown = [
                f'{{"name": {text(name)}, "value": {_SHOWN[type(value)](value)}}}'
                for name, value in metrics.items()
                if value is not None
            ]
            line = (
                f'{{"event": "contribution", "time": {time.monotonic() - self.start:.6f}, '
                f'"round": {_SHOWN[type(round)](round)}, "site": {text(site)}, "task": {text(task)}, '
                f'"rc": {text(rc)}, "metrics": [{", ".join(shown)}], '
                f'"weight": {_SHOWN[type(weight)](weight)}, "params": {params}, "bytes": {bytes}}}\n'
            )
        except (AttributeError, KeyError, TypeError):  # of another type, which the encoder may know.
            fields = {"round": round, "site": site, "task": task, "rc": rc, "metrics": entries(metrics)}
            self.emit("contribution", **fields, weight=scalar(weight), params=params, bytes=bytes)
            return
        self._waiting += line.encode()
        if not self._gather or len(self._waiting) > _BATCH:
            self.flush()

    def contributions(
        self,
        *,
        round: int,
        sites: Sequence[str],
        shown: Any,
        task: str,
        rc: str,
        metrics: Mapping[str, Sequence[Any]],
        weights: Sequence[Any],
        params: int,
        bytes: int,
    ) -> None:
        """`contribution` for many sites that have sent the same but for the numbers: one event, a column of each.

        `shown` stands for the sites there: themselves, or ``{"from": the first, "many": how many}``.
        """
        simple = all(_SIMPLE.issuperset(map(type, values)) for values in metrics.values())
        if not simple or type(round) is not int or not _WEIGHTS.issuperset(map(type, weights)):
            for at, (site, weight) in enumerate(zip(sites, weights, strict=True)):
                own = {name: values[at] for name, values in metrics.items()}
                self.contribution(
                    round=round,
                    site=site,
                    task=task,
                    rc=rc,
                    metrics=own,
                    weight=weight,
                    params=params,
                    bytes=bytes,
                )
            return
        self.emit(
            "contributions",
            round=round,
            sites=shown,
            task=task,
            rc=rc,
            metrics=[{"name": str(name), "values": values} for name, values in metrics.items()],
            weights=weights,
            params=params,
            bytes=bytes,
        )

    def _end_columns(self) -> None:
        for event, columns in self._columns.items():
            line = {"event": event, "time": round(time.monotonic() - self.start, 6), "each": columns}
            self._waiting += f"{_encode(line)}\n".encode()
        self._columns.clear()

    def flush(self) -> None:
        """Write what was gathered."""
        self._end_columns()
        if self._waiting and self._fd is None:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        while self._waiting and self._fd is not None:
            del self._waiting[: os.write(self._fd, self._waiting)]

    def error(
        self,
        *,
        site: str,
        kind: str,
        message: str,
        round: int | None = None,
        task: str | None = None,
        traceback: str | None = None,
        fatal: bool = True,
    ) -> None:
        """Append an ``error``; `site` is "server" or a site's name."""
        self.emit(
            "error",
            site=site,
            round=round,
            task=task,
            kind=kind,
            message=message,
            traceback=traceback,
            fatal=fatal,
        )

    def at(self, site: str, round: int | None, task: str | None) -> None:
        """Note, at no cost to speak of, what is being worked on, for the report should the process die."""
        if self.place is not None:
            self.place.set(site, round, task)

    def close(self) -> None:
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _plain(value: Any) -> Any:
    """JSON's idea of a value that json does not know: numpy and torch scalars, arrays, paths, sets."""
    for method in ("item", "tolist"):
        convert = getattr(value, method, None)
        if convert is not None:
            try:
                return convert()
            except (TypeError, ValueError, RuntimeError):
                continue
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return str(value)


_encode = encoder(_plain)


def _float(value: float) -> str:
    return repr(value) if isfinite(value) else _encode(value)


#: JSON of a value, by its type.
_SHOWN: dict[type, Callable[[Any], str]] = {
    int: repr,
    float: _float,
    str: text,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}


#: Types of numbers whose text is put into a line of many; None as a metric is left out there.
_SIMPLE = frozenset({int, float, bool})
_WEIGHTS = _SIMPLE | {type(None)}


def entries(metrics: Any) -> list[dict[str, Any]]:
    """Metrics in the form of FLARE's artifacts: names are values, not keys; what is no scalar is left out."""
    if type(metrics) is not dict and not isinstance(metrics, Mapping):
        return []
    named = [(str(name), scalar(value)) for name, value in metrics.items()]
    return [{"name": name, "value": value} for name, value in named if value is not None]


def scalar(value: Any) -> Any:
    """A JSON scalar for a number, a string or a numpy or torch scalar; None for anything else."""
    if type(value) is float or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "item") and getattr(value, "shape", None) in ((), (1,)):
        value = value.item()
        return value if isinstance(value, (bool, int, float)) else None
    return None
