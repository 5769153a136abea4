"""A session with a deployment, kept by a process that has FLARE (`console.py`)."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedjob.errors import RequestError, RunError

_CONSOLE = str(Path(__file__).with_name("console.py"))
#: Seconds that the console has for leaving by itself, a job that it aborts included.
_GRACE = 15.0
#: Seconds in which a server must answer a login; FLARE itself takes seconds to begin with.
_LOGIN = 30.0
_CHUNK = 1 << 16


class SessionLost(RunError):
    """FLARE no longer answers, or refuses what it is asked for."""


class Session:
    """What the console is told and tells; to be closed."""

    def __init__(self, python: str, kit: str | None, username: str | None, log: Path) -> None:
        """Log in as the user of a startup kit. `log` takes what FLARE prints.

        RequestError if that is not possible. Without `kit` it is the one that this user's FLARE has in use.
        """
        self._told = b""
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [python, _CONSOLE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=log.parent,
                # Ctrl-C is for us, who then have the job aborted.
                start_new_session=True,
            )
        assert self._process.stdout is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        try:
            self.say(kit=kit, username=username, timeout=_LOGIN)
            #: Names of the sites that are connected, sorted.
            self.sites: list[str] = sorted(self.hear(time.monotonic() + 2 * _LOGIN)["sites"])
        except (SessionLost, TimeoutError) as error:
            self.close()
            raise RequestError(
                f"no session with a FLARE deployment as the user of {kit or 'the startup kit in use'}: {error}; "
                "name an admin's startup kit in NVFLARE_STARTUP_KIT_DIR or DeploymentEngine(startup_kit=...)"
            ) from error
        except BaseException:
            self.close()
            raise

    def say(self, **words: Any) -> None:
        """Tell the console something; SessionLost if it has gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise SessionLost(self._last_words()) from None

    def hear(self, end: float) -> Mapping[str, Any]:
        """What the console tells next. TimeoutError when `end` comes first, SessionLost for an error."""
        assert self._process.stdout is not None
        while b"\n" not in self._told:
            if not self._selector.select(max(0.0, end - time.monotonic())):
                raise TimeoutError("it does not answer")
            if not (chunk := os.read(self._process.stdout.fileno(), _CHUNK)):
                raise SessionLost(self._last_words())
            self._told += chunk
        line, _, self._told = self._told.partition(b"\n")
        words: dict[str, Any] = json.loads(line)
        if "error" in words:
            raise SessionLost(f"{words['error']}: {words['message']}")
        return words

    def close(self) -> None:
        """Log out; a job that is still running is aborted."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._selector.close()
        try:
            # What was not read is for nobody; the console shall not wait until somebody does.
            self._process.stdout.close()
            self._process.stdin.close()
            self._process.wait(_GRACE)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        """Why the console has gone: the last line that it printed."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "its process ended without a word"
