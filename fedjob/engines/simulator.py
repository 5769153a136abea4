"""Run a folder on FLARE's own simulator, in a process of its own, and read what it did."""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fedjob.engines.claim import own_all, require_own
from fedjob.engines.recorded.copy import copy_with_recorder
from fedjob.engines.recorded.event_log import Copy, EventLog
from fedjob.engines.recorded.interpreter import require_flare
from fedjob.engines.request import RunRequest
from fedjob.folder.read import read
from fedjob.result import RunResult
from fedjob.result.read import EVENTS_FILE

_MODULE = "nvflare.private.fed.app.simulator.simulator"
#: FLARE needs 15-30 s where the local engine needs none; a deadline meant for one would end the other.
_START_UP = 120.0
#: Seconds between two looks at the record, for whoever watches the run.
_LOOK = 0.2
#: Starts a command, and ends all that it has started when this process lets go of it or is gone.
_LEASH = str(Path(__file__).parent / "local" / "leash.py")


@dataclass(frozen=True)
class SimulatorEngine:
    """FLARE's simulator; `python` is the interpreter that has FLARE (this one by default).

    The simulator itself starts no clock: `request.timeout` counts on top of 120 s for its start-up.
    `seed` and `isolation` mean nothing to FLARE and are only noted in the result.
    """

    python: str = sys.executable
    name: str = "simulator"

    def run(self, folder: Path, request: RunRequest) -> RunResult:
        model = read(folder)
        sites = request.sites(model)
        require_flare(self.python, self.name)
        require_own(request.workspace)
        request.workspace.mkdir(parents=True, exist_ok=True)
        # FLARE wipes its workspace, whatever is in it, when it starts: so the record is kept outside until it has ended.
        # Beside the workspace: whoever clears that away, after a test that was killed, clears this away too.
        beside = request.workspace.resolve().parent
        place = beside if os.access(beside, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix=".fedjob-", dir=place) as temporary:
            root = Path(temporary)
            log = EventLog(root / EVENTS_FILE)
            log.emit("run_started", engine=self.name, job=model.meta.name, sites=sites, seed=request.seed)
            begun = log.path.stat().st_size
            record = Copy(log.path, request.workspace / EVENTS_FILE)

            def show() -> None:
                # Once FLARE has got to its first event it wipes nothing any more.
                if log.path.stat().st_size > begun:
                    record.update()

            try:
                copied = copy_with_recorder(folder, root, log.path, log.started)
                status, reason = self._simulate(copied, sites, request, root / "simulator.txt", show)
                log.conclude(request.workspace, sites, status, reason)
            except KeyboardInterrupt:
                log.emit("run_ended", status="interrupted", reason="Ctrl-C")
                raise
            finally:
                record.update()
                if (root / "simulator.txt").exists():
                    shutil.copy(root / "simulator.txt", request.workspace)
                own_all(request.workspace)
        return RunResult.load(request.workspace)

    def _simulate(
        self,
        folder: Path,
        sites: tuple[str, ...],
        request: RunRequest,
        output_path: Path,
        show: Callable[[], None],
    ) -> tuple[str, str | None]:
        command = [
            self.python, "-m", _MODULE, str(folder), "-w", str(request.workspace.resolve()),
            "-c", ",".join(sites), "-n", str(len(sites)), "-t", str(request.threads or len(sites)),
        ]  # fmt: skip
        command += ["-gpu", request.gpu] if request.gpu else []
        command += ["-l", request.log_config] if request.log_config else []
        # Its output is FLARE's log, hundreds of lines for a toy: kept in a file beside the workspace's own.
        with output_path.open("wb") as output:
            # FLARE's clients outlive a simulator that died, and all of it would outlive us if we were killed.
            ours, theirs = socket.socketpair()
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", _LEASH, str(theirs.fileno()), *command],
                    stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),), start_new_session=True, cwd=request.workspace,
                )  # fmt: skip
            try:
                code = _hear(ours, request.timeout + _START_UP, show)
            except TimeoutError:
                return "deadline", f"FLARE was still running after {request.timeout + _START_UP:g} s"
            finally:
                ours.close()
                process.wait()
        return ("ok", None) if code == 0 else ("failed", f"FLARE's simulator ended with status {code}")


def _hear(leash: socket.socket, seconds: float, meanwhile: Callable[[], None]) -> int | None:
    """The command's exit status, None when the leash itself was killed; TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    told = b""
    with selectors.DefaultSelector() as selector:
        selector.register(leash, selectors.EVENT_READ)
        while b"exit " not in told or not told.endswith(b"\n"):
            if time.monotonic() > end:
                raise TimeoutError
            if selector.select(min(_LOOK, max(0.0, end - time.monotonic()))):
                if not (chunk := leash.recv(1024)):
                    return None
                told += chunk
            meanwhile()
    return int(told.rpartition(b"exit ")[2])
