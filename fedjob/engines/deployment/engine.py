"""Submit a folder to a running FLARE, wait for the job, and read what it did."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedjob.engines.artifacts import RUN_DIR
from fedjob.engines.claim import claim
from fedjob.engines.deployment.session import Session, SessionLost
from fedjob.engines.deployment.sites import taking_part
from fedjob.engines.recorded.copy import copy_with_recorder
from fedjob.engines.recorded.event_log import EventLog
from fedjob.engines.recorded.interpreter import require_flare
from fedjob.engines.request import SERVER, RunRequest
from fedjob.errors import RequestError
from fedjob.folder.read import read
from fedjob.result import RunResult
from fedjob.result.read import EVENTS_FILE

#: FLARE's own name for it.
KIT_VARIABLE = "NVFLARE_STARTUP_KIT_DIR"
#: A deployment needs some ten seconds to start a job's processes; a deadline meant for the local engine would end it.
_START_UP = 120.0
#: Seconds that a job has for ending once it is aborted, and its results for coming here.
_END = 120.0
#: Where the recorder writes, in the run directory of the server.
_RECORD = "fedjob_events.jsonl"
_DONE = "FINISHED:COMPLETED"


@dataclass(frozen=True)
class DeploymentEngine:
    """A running FLARE, of POC mode or provisioned, on this machine or elsewhere.

    `startup_kit` is the directory of an admin's startup kit: by default what ``NVFLARE_STARTUP_KIT_DIR`` names, else
    the kit that FLARE has in use (``nvflare poc prepare`` and ``nvflare config use`` set it, from release 2.9 on).
    `username` is its user, by default the one that the kit is for. `python` is the interpreter that has FLARE, of the
    deployment's release.

    The sites are those that are connected: all, the first `n_clients` in the order of their names, or `clients`.
    `request.timeout` counts on top of 120 s for what a deployment needs to start a job. `seed`, `isolation`, `threads`
    and `gpu` mean nothing to a deployment.
    """

    startup_kit: str | Path | None = None
    username: str | None = None
    python: str = sys.executable
    name: str = "deployment"

    def run(self, folder: Path, request: RunRequest) -> RunResult:
        """Run `folder`. RequestError if there is no such deployment or it lacks the sites that are asked for.

        A job that is still on at the deadline, or at Ctrl-C, is aborted.
        """
        model = read(folder)
        require_flare(self.python, self.name)
        kit = self._kit()
        workspace = request.workspace.resolve()
        with tempfile.TemporaryDirectory(prefix="fedjob-") as temporary:
            output = Path(temporary, "deployment.txt")
            with closing(Session(self.python, kit, self.username, output)) as session:
                sites = taking_part(model, request, session.sites)
                claim(workspace, (SERVER, *sites, EVENTS_FILE, output.name))
                log = EventLog(workspace / EVENTS_FILE)
                log.emit("run_started", engine=self.name, job=model.meta.name, sites=sites, seed=request.seed)
                only = sites if len(sites) < len(session.sites) else ()
                copied = copy_with_recorder(folder, Path(temporary, "job"), _RECORD, None, only=only)
                try:
                    session.say(folder=str(copied), logs=_logs(workspace, sites))
                    status, reason = _Job(session, log, workspace).follow(request.timeout + _START_UP)
                except KeyboardInterrupt:
                    log.emit("run_ended", status="interrupted", reason="Ctrl-C")
                    raise
                finally:
                    shutil.copy(output, workspace)
        log.conclude(workspace, sites, status, reason)
        return RunResult.load(request.workspace)

    def _kit(self) -> str | None:
        """The startup kit's directory; None if FLARE is to say."""
        given = self.startup_kit or os.environ.get(KIT_VARIABLE)
        if not given:
            return None
        kit = Path(given).expanduser().resolve()
        if kit.name == "startup" and not (kit / "startup").exists():
            kit = kit.parent
        if not (kit / "startup" / "fed_admin.json").exists():
            raise RequestError(
                f"{kit} is not the startup kit of an admin: it has no startup/fed_admin.json; "
                "name the directory that FLARE made for an admin user"
            )
        return str(kit)


class _Job:
    """A job that was submitted, until its results are here."""

    def __init__(self, session: Session, log: EventLog, workspace: Path) -> None:
        self._session = session
        self._log = log
        self._workspace = workspace
        self._id = ""
        self._status = "not submitted"
        #: Why it does not start, as the server says.
        self._scheduled = ""
        #: When it began to run, on our record's clock.
        self._began = 0.0

    def follow(self, seconds: float) -> tuple[str, str | None]:
        """How the run ended, and why."""
        try:
            ended = self._until(time.monotonic() + seconds)
            if ended is not None:
                return self._outcome(ended)
            late = (
                f"job {self._id or 'not submitted'} was {self._status} after {seconds:g} s{self._scheduled}"
            )
            self._session.say(abort=self._id)
            self._until(time.monotonic() + _END)
        except SessionLost as error:
            return "failed", f"FLARE answered: {error}"
        return "deadline", late

    def _until(self, end: float) -> Mapping[str, Any] | None:
        """What is told when the job has ended, whose results are taken; None when `end` comes first."""
        while True:
            try:
                told = self._session.hear(end)
            except TimeoutError:
                return None
            if "ended" in told:
                self._take(told["location"])
                return told
            self._note(told)

    def _note(self, told: Mapping[str, Any]) -> None:
        self._id = told.get("job", self._id)
        if "status" not in told:
            return
        self._status = told["status"]
        if self._status == "RUNNING":
            self._began = self._log.seconds()
        said = [line for line in told.get("scheduled") or () if not line.endswith("scheduled")]
        failed = [line for line in told.get("deployed") or () if not line.endswith("OK")]
        self._scheduled = "".join(f"; {line}" for line in (*said[-1:], *failed))

    def _outcome(self, told: Mapping[str, Any]) -> tuple[str, str | None]:
        if told["ended"] != _DONE:
            return "failed", f"FLARE ended job {self._id} as {told['ended']}{self._scheduled}"
        if told["lost"]:
            return "failed", f"the results of job {self._id} could not be downloaded: {told['lost']}"
        return "ok", None

    def _take(self, location: str | None) -> None:
        """Move what was downloaded, if there is anything, into the workspace, where every engine has it."""
        if location is None:
            return
        home = self._workspace / RUN_DIR
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(location, "workspace"), home)
        # The rest is the job that we have submitted, downloaded for us.
        shutil.rmtree(location, ignore_errors=True)
        record = home / _RECORD
        if record.exists():
            self._log.take_over(record, self._began)


def _logs(workspace: Path, sites: tuple[str, ...]) -> dict[str, str]:
    """Where each site's log goes; the server's comes with its results."""
    logs = {site: workspace / site / "log.txt" for site in sites}
    for path in logs.values():
        path.parent.mkdir(exist_ok=True)
    return {site: str(path) for site, path in logs.items()}
