"""Log streaming: files that a site logs to go to the server's run directory.

Answers ``nvflare.app_common.logging.job_log_streamer`` and ``...job_log_receiver`` (FLARE >= 2.8). FLARE sends while a job runs;
here, where a run takes no longer than the test that waits for it, a site sends when it ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePath
from typing import Any

from fedjob.components.roles import Widget
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply

_TOPIC = "log_streaming.live_log"
_CHUNK = 1 << 20  # bytes


class JobLogStreamer(Widget):
    """Sends `log_file_name` of its site's directory; in this engine ``log.txt`` holds all that a site prints and logs.

    The other arguments say how FLARE follows the file, and have no effect. Raises ValueError for a `log_file_name` that leads out
    of that directory.
    """

    _EVENTS = frozenset({EventType.ABOUT_TO_END_RUN})

    def __init__(
        self,
        log_file_name: str = "log.txt",
        liveness_interval: float = 10.0,
        poll_interval: float = 0.5,
        target_parent_server: bool = False,
    ) -> None:
        super().__init__()
        if PurePath(log_file_name).is_absolute() or ".." in PurePath(log_file_name).parts:
            raise ValueError(f"log_file_name must be in the site's directory, but is {log_file_name!r}")
        self._log_file_name = log_file_name
        self._liveness_interval = liveness_interval
        self._poll_interval = poll_interval
        self._target_parent_server = target_parent_server

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type != EventType.ABOUT_TO_END_RUN:
            return
        sys.stdout.flush()
        engine = fl_ctx.get_engine()
        path = Path(engine.get_workspace().get_file_path_in_root(self._log_file_name))
        if not path.is_file():
            self.log_warning(
                fl_ctx, f"no {self._log_file_name} was written here, so none is sent to the server"
            )
            return
        with path.open("rb") as file:
            # Not what is logged from now on, by the sending perhaps.
            for at in range(0, path.stat().st_size, _CHUNK):
                part = Shareable({"name": path.name, "at": at, "bytes": file.read(_CHUNK)})
                engine.fire_and_forget_aux_request(_TOPIC, part, fl_ctx, targets=["server"])


class JobLogReceiver(Widget):
    """Writes ``<site>/<file>`` in the run directory, or ``<job>/<site>/<file>`` in `dest_dir`. `idle_timeout` has no effect."""

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self, dest_dir: str | None = None, idle_timeout: float = 30.0) -> None:
        super().__init__()
        self._dest_dir = dest_dir
        self._idle_timeout = idle_timeout

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            fl_ctx.get_engine().register_aux_message_handler(_TOPIC, self._take)

    def _take(self, topic: str, part: Shareable, fl_ctx: FLContext) -> Shareable:
        peer: Any = fl_ctx.get_peer_context()
        folder = self._folder(fl_ctx) / PurePath(peer.get_identity_name()).name
        folder.mkdir(parents=True, exist_ok=True)
        # Parts may be dealt with in any order.
        file = os.open(folder / PurePath(part["name"]).name, os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            os.pwrite(file, part["bytes"], part["at"])
        finally:
            os.close(file)
        return make_reply(ReturnCode.OK)

    def _folder(self, fl_ctx: FLContext) -> Path:
        if self._dest_dir:
            return Path(self._dest_dir, str(fl_ctx.get_job_id()))
        run_dir: str = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        return Path(run_dir)
