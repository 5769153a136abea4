"""Find what went wrong in the logs that a FLARE run leaves in its workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fedjob.result import SiteError

# FLARE logs a traceback as Python prints it, the first line perhaps behind the log's own prefix; the last
# line, at column 0, names the exception.
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)+^(\S.*)$", re.MULTILINE)
_LOG_NAMES = ("log.txt", "log_fl.txt", "error_log.txt", "log_error.txt")
#: What a script's next call raises when its job is aborted, in releases before 2.9; there, and in 2.9, it ends the script.
_ABORTED = "request to abort the job"
_TAIL = 2_000_000  # bytes; the end of a log holds the cause, a longer one would only cost time.


def site_errors(workspace: Path, sites: tuple[str, ...]) -> Iterator[SiteError]:
    """The first traceback of each site, then the server's, as FLARE logged it; what others led to comes last."""
    return iter(sorted(_first_errors(workspace, sites), key=lambda error: _ABORTED in error.message))


def _first_errors(workspace: Path, sites: tuple[str, ...]) -> Iterator[SiteError]:
    for site in (*sites, "server"):
        for text in _logs(workspace / site):
            found = _TRACEBACK.search(text)
            if found:
                kind = "missing_module" if "ModuleNotFoundError" in found[1] else "exception"
                yield SiteError(site=site, kind=kind, message=found[1].strip(), traceback=found[0])
                break


def _logs(directory: Path) -> Iterator[str]:
    for path in sorted(directory.rglob("*.txt")):
        if path.name in _LOG_NAMES:
            with path.open("rb") as f:
                f.seek(max(0, path.stat().st_size - _TAIL))
                yield f.read().decode(errors="replace")
