"""Children: told of their end by the system, and all of them gone in the end, grandchildren too.

On Linux a process that has called `adopt_orphans` becomes the parent of every descendant whose own
parent dies, so whatever user code started, in whatever session, can be found and killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LINUX = sys.platform == "linux"


def die_with_parent(parent: int) -> None:
    """On Linux, have the system kill this process when its parent dies, whose pid that is, also if it just has."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if _LINUX and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """On Linux, become the parent of descendants that lose theirs."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        _libc().prctl(option, value, 0, 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    """Once, for the processes forked from this one as well: ctypes makes classes for it."""
    return ctypes.CDLL(None)


class Children:
    """The exits of this process's children, as a descriptor (`fileno`) to wait on."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        # A handler must exist for the wakeup descriptor to be written.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._reader.fileno()

    @property
    def bell(self) -> int:
        """A descriptor to write to, in a child: this process then looks as if one of its children had ended."""
        return self._writer.fileno()

    def signals(self) -> set[int]:
        """The signals that have come since the last call."""
        seen = b""
        with contextlib.suppress(BlockingIOError):
            while data := self._reader.recv(1024):
                seen += data
        return set(seen)

    def exits(self) -> Iterator[tuple[int, int]]:
        """(pid, exit status as in `subprocess`: -signal if killed) of each child that has ended."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                yield pid, os.waitstatus_to_exitcode(status)

    @staticmethod
    def forget_in_child() -> None:
        """In a child that was just forked: back to the system's own signal handling."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def has_children() -> bool:
    """Whether this process has children; one that has ended still counts, and is reaped."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def kill_group(pid: int) -> None:
    """Kill a child and all of its process group, if they are still there."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def kill_descendants() -> None:
    """Kill every child, those adopted as well, until none is left."""
    while doomed := doom():
        for pid in doomed:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def doom(keep: Container[int] = ()) -> list[int]:
    """Kill every child, those adopted as well, but those in `keep`; the pids of the killed, which are to be waited for.

    Their own children become ours when they have ended, so it takes another call.
    """
    doomed = [pid for pid in _children() if pid not in keep]
    for pid in doomed:
        kill_group(pid)
    return doomed


def _children() -> list[int]:
    """The pids of this process's children; [] where the system does not tell (then groups have to do)."""
    pid = os.getpid()
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return [child for child in _processes() if _parent(child) == pid]


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
