"""Writes down, at the server and at the sites, which events were fired in which order and what they carried."""

import json
import os

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.app_constant import AppConstants
from nvflare.widgets.widget import Widget

# Fired whenever a site asks for work, so their number says how long a run took, not what it did.
POLLS = ("pull_task", "process_task_request", "swap_in", "swap_out", "log_available", "job_", "heartbeat")


class Events(Widget):
    def __init__(self, file_name: str = "events.json") -> None:
        super().__init__()
        self.file_name = file_name
        self._seen = []

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if any(word in event_type for word in POLLS):
            return
        peer = fl_ctx.get_peer_context()
        self._seen.append([event_type, peer.get_identity_name() if peer else None])
        if event_type == EventType.END_RUN:
            run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
            with open(os.path.join(run_dir, self.file_name), "w") as f:
                json.dump(self._seen, f)


class Raises(Widget):
    """A component whose handler fails at one event."""

    def __init__(self, event: str = AppConstants.TASK_TRAIN) -> None:
        super().__init__()
        self.event = event

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == self.event:
            raise ValueError(f"cannot handle {event_type}")
