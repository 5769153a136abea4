"""The record of a run on FLARE, as our side writes it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fedjob.engines.artifacts import saved_models
from fedjob.engines.recorded.logs import site_errors


@dataclass
class EventLog:
    """Appends events to a file; their times are seconds since it was made."""

    path: Path
    started: float = field(default_factory=time.time, init=False)

    def __post_init__(self) -> None:
        self.path.write_bytes(b"")

    def emit(self, event: str, **fields: Any) -> None:
        """An event of now."""
        self._append({"event": event, "time": self.seconds(), **fields})

    def take_over(self, path: Path, later: float) -> None:
        """The whole events of another record, whose clock was started `later` than ours by so many seconds."""
        for line in path.read_bytes().split(b"\n")[:-1]:
            event = json.loads(line)
            self._append({**event, "time": round(event["time"] + later, 3)})

    def conclude(self, workspace: Path, sites: tuple[str, ...], status: str, reason: str | None) -> None:
        """The run has ended so: what its logs tell of it, and the models that it has left."""
        for error in site_errors(workspace, sites):
            self.emit("error", **asdict(error))
        for kind, path in saved_models(workspace):
            self.emit("model", kind=kind, path=path)
        self.emit("run_ended", status=status, reason=reason)

    def seconds(self) -> float:
        """Since the record was begun."""
        return round(time.time() - self.started, 3)

    def _append(self, event: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event) + "\n")


@dataclass
class Copy:
    """What there is so far of a record that is written elsewhere."""

    source: Path
    target: Path
    _copied: int = field(default=0, init=False)

    def update(self) -> None:
        """Append what is new."""
        with self.source.open("rb") as source, self.target.open("ab") as target:
            source.seek(self._copied)
            new = source.read()
            target.write(new)
        self._copied += len(new)
