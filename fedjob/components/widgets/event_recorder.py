"""EventRecorder: write down every event of a party, and check what its context carries.

Answers ``nvflare.app_common.widgets.event_recorder``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fedjob.components.roles import Widget
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReservedKey

#: What the contexts of the run's first and last event must have: public, sticky strings.
_REQUIRED = (ReservedKey.RUN_NUM, ReservedKey.IDENTITY_NAME)


@dataclass(slots=True)
class EventStats:
    """How often an event came, and what was wrong with its contexts."""

    call_count: int = 0
    prop_missing: int = 0
    prop_none_value: int = 0
    prop_dtype_mismatch: int = 0
    prop_attr_mismatch: int = 0
    prop_block_list_violation: int = 0
    peer_ctx_missing: int = 0


class EventRecorder(Widget):
    """Writes to `log_file_name` in the party's app directory, ``event_recorded.txt`` by default.

    `event_stats` has the statistics by event; the last event of the run has them written, too.
    """

    def __init__(self, log_file_name: str | None = None) -> None:
        super().__init__()
        self.log_file_name = log_file_name or "event_recorded.txt"
        self.event_stats: dict[str, EventStats] = {}
        self._path: Path | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        stats = self.event_stats.setdefault(event_type, EventStats())
        stats.call_count += 1
        lines = [f"INFO - event {event_type}, id {fl_ctx.get_prop(FLContextKey.EVENT_ID)}"]
        if peer_ctx := fl_ctx.get_peer_context():
            lines.append(f"INFO - event {event_type} comes with the peer context {peer_ctx}")
        if event_type in {EventType.START_RUN, EventType.END_RUN}:
            for key in _REQUIRED:
                complaints = _check(key, fl_ctx.get_prop_detail(key), stats)
                lines.extend(f"ERROR - event {event_type}: {complaint}" for complaint in complaints)
        if event_type == EventType.END_RUN:
            lines.extend(f"INFO - statistics of event {e}: {asdict(s)}" for e, s in self.event_stats.items())
        self._write(lines, fl_ctx)

    def _write(self, lines: list[str], fl_ctx: FLContext) -> None:
        if self._path is None:
            folder = fl_ctx.get_engine().get_workspace().get_app_dir(fl_ctx.get_job_id())
            self._path = Path(folder, self.log_file_name)
        now = datetime.now().astimezone().isoformat(" ", "milliseconds")
        with self._path.open("a", encoding="utf-8") as f:
            f.writelines(f"{now} - {line}\n" for line in lines)


def _check(key: str, detail: dict[str, Any] | None, stats: EventStats) -> list[str]:
    """Count what is wrong with a prop, and say so."""
    if detail is None:
        stats.prop_missing += 1
        return [f"there is no prop {key!r}"]
    complaints = []
    if detail["value"] is None:
        stats.prop_none_value += 1
        complaints.append(f"prop {key!r} is None")
    if not isinstance(detail["value"], str):
        stats.prop_dtype_mismatch += 1
        complaints.append(f"prop {key!r} must be a str, but is {type(detail['value']).__name__}")
    for attribute, wanted in (("private", False), ("sticky", True)):
        if detail[attribute] is not wanted:
            stats.prop_attr_mismatch += 1
            complaints.append(f"prop {key!r} must be {'' if wanted else 'not '}{attribute}, but is otherwise")
    return complaints
