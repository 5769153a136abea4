"""What a worker is at work on, where its parent can see it."""

from __future__ import annotations

import contextlib
import mmap
import os
from functools import lru_cache

#: What the first byte of a place says, 0 while the worker is at work.
_LEFT, _ALONE = 1, 2


class Place:
    """What a worker is at work on (site, round, task), readable by its parent even after a SIGKILL.

    A page of memory shared across the fork. The first byte says whether the worker left on purpose, the last one with
    which status. A byte goes to `bell`, a descriptor, when it leaves and nobody has to wait for the end of its process.
    """

    _ROOM = 4096

    def __init__(self, bell: int | None = None) -> None:
        self._page = mmap.mmap(-1, self._ROOM)
        #: What is shown, in this process.
        self.shown = b""
        self.bell = bell
        self._bell = _what_is(bell)

    def set(self, site: str, round: int | None, task: str | None) -> None:
        self.show(site.encode(), work(round, task))

    def show(self, site: bytes, work: bytes) -> None:
        """`set`, of a site's name and what `work` gives."""
        self.put(site + work)

    def put(self, shown: bytes) -> None:
        """Show what was `shown` before: of parties that share a process, each has its own put back when it goes on."""
        shown = self.shown = shown[: self._ROOM - 2]
        self._page[1 : 1 + len(shown)] = shown

    def get(self) -> tuple[str | None, int | None, str | None]:
        """(site, round, task), each None if unknown."""
        site, number, task = self._page[1:-1].decode(errors="replace").split("\0", 3)[:3]
        return site or None, int(number) if number else None, task or None

    @property
    def left(self) -> bool:
        """The worker came to its own end, so that its exit status is ours and not user code's."""
        return self._page[0] != 0

    @property
    def alone(self) -> int | None:
        """The status of a worker of which only its memory is left; None as long as that is not so."""
        return self._page[-1] if self._page[0] == _ALONE else None

    def leave(self, status: int, *, alone: bool) -> None:
        """The worker's last words. `alone`: all that is left to do is to free its memory."""
        self._page[-1] = status
        self._page[0] = _ALONE if alone else _LEFT
        # User code may have closed it, and opened something else by that number.
        if alone and self.bell is not None and _what_is(self.bell) == self._bell:
            with contextlib.suppress(OSError):
                os.write(self.bell, b"\0")

    def close(self) -> None:
        self._page.close()


@lru_cache(maxsize=64)
def work(round: int | None, task: str | None) -> bytes:
    """What many sites are at, one after another, as it stands behind their names."""
    return f"\0{'' if round is None else round}\0{task or ''}\0".encode()


def _what_is(descriptor: int | None) -> tuple[int, int] | None:
    """What tells an open file from others; None if there is none by that number."""
    try:
        status = os.fstat(-1 if descriptor is None else descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
