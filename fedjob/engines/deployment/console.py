"""A session with a FLARE deployment, on behalf of the process that started this one.

This file runs in the interpreter that has FLARE, of any release from 2.5 on: it imports FLARE and the standard library,
nothing of ours. What it is told comes as lines of JSON on standard input, what it tells goes as such to standard output
(FLARE's own words go to standard error). When standard input ends, whoever is served has gone: the job is aborted.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import sys
import time
from collections.abc import Callable
from typing import Any

from nvflare.fuel.flare_api.flare_api import new_secure_session

#: Seconds between two looks at a job, which a server does not tell of by itself.
_LOOK = 0.5
#: Seconds that a server has for ending a job that was aborted.
_LAST_LOOKS = 60.0
#: Lines from the end of a site's log: the cause of a failure stands there.
_LINES = 2000


def main() -> None:
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**words: Any) -> None:
        told.write(json.dumps(words) + "\n")
        told.flush()

    try:
        _serve(tell)
    except Exception as error:
        tell(error=type(error).__name__, message=str(error) or type(error).__name__)


def _serve(tell: Callable[..., None]) -> None:
    asked = _line()
    kit, username = asked["kit"] or _chosen_kit(), asked["username"]
    session = new_secure_session(username or _username(kit), kit, timeout=asked["timeout"])
    try:
        tell(sites=[client.name for client in session.get_system_info().client_info])
        order = _line()
        if order is not None:
            _run(session, order, tell)
    finally:
        with contextlib.suppress(Exception):
            session.close()


def _run(session: Any, order: dict[str, Any], tell: Callable[..., None]) -> None:
    job = session.submit_job(order["folder"])
    tell(job=job)
    try:
        meta = _watch(session, job, tell)
    except BaseException as error:
        with contextlib.suppress(Exception):
            session.abort_job(job)
        if isinstance(error, EOFError):
            return
        raise
    location, lost = None, None
    try:
        location = str(pathlib.Path(session.download_job_result(job)).resolve())
    except Exception as error:  # a job that never began has none, and its status says more.
        lost = f"{type(error).__name__}: {error}"
    if not str(meta["status"]).endswith("COMPLETED"):
        _copy_logs(session, job, order)
    tell(ended=meta["status"], location=location, lost=lost)


def _watch(session: Any, job: str, tell: Callable[..., None]) -> dict[str, Any]:
    """The job's meta once it has ended; EOFError if whoever wants it has gone."""
    status, end = "", float("inf")
    while True:
        meta: dict[str, Any] = session.get_job_meta(job)
        if meta["status"] != status:
            status = meta["status"]
            tell(
                status=status, scheduled=meta.get("schedule_history"), deployed=meta.get("job_deploy_detail")
            )
        if status.startswith("FINISHED") or time.monotonic() > end:
            return meta
        if select.select([sys.stdin], [], [], _LOOK)[0]:
            if _line() is None:
                raise EOFError
            # There is one thing to be told while a job runs.
            session.abort_job(job)
            end = time.monotonic() + _LAST_LOOKS


def _copy_logs(session: Any, job: str, order: dict[str, Any]) -> None:
    """The ends of the sites' logs, as far as they let this user see them."""
    for site, path in order["logs"].items():
        with contextlib.suppress(Exception):
            text = session.tail_target(site, f"-n {_LINES}", f"{job}/log.txt")
            pathlib.Path(path).write_text(text, encoding="utf-8")


def _chosen_kit() -> str:
    """The startup kit that this user's FLARE has in use."""
    try:
        from nvflare.tool.kit.kit_config import resolve_startup_kit_dir
    except ImportError:
        raise ValueError("no startup kit is given, and this release of FLARE knows none by itself") from None
    return str(resolve_startup_kit_dir())


def _username(kit: str) -> str:
    """Whose startup kit it is: FLARE calls its directory after the user unless it says so inside."""
    admin = json.loads(pathlib.Path(kit, "startup", "fed_admin.json").read_text(encoding="utf-8"))["admin"]
    return str(admin.get("username") or pathlib.Path(kit).resolve().name)


def _line() -> Any:
    """What is said next; None at the end."""
    line = sys.stdin.readline()
    return json.loads(line) if line else None


if __name__ == "__main__":
    # Nothing beside this file is to be taken for a module of anybody's.
    del sys.path[0]
    main()
