"""The sockets that a hub looks at between turns."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable
from typing import Any

_making = threading.Lock()


class Sockets:
    """What is to be called when a socket is ready; true while there is one to look at."""

    def __init__(self) -> None:
        # Made when needed: a run in one process has no sockets.
        self._selector: selectors.BaseSelector | None = None
        self._outer: set[Any] = set()

    def __bool__(self) -> bool:
        return self._selector is not None and bool(self._selector.get_map())

    def watch(self, fd: Any, events: int, call: Callable[[int], None], *, inner: bool = False) -> None:
        """Call `call(events)` in the loop whenever `fd` is ready for `events` (selectors.EVENT_*).

        `inner`: the other end is the run's own, so that waiting for it is no reason to let time pass.
        """
        if not inner:
            self._outer.add(fd)
        if self._selector is None:
            with _making:  # two threads may want the first one watched.
                if self._selector is None:
                    self._selector = selectors.DefaultSelector()
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, call)
        else:
            self._selector.register(fd, events, call)

    def unwatch(self, fd: Any) -> None:
        self._outer.discard(fd)
        if self._selector is not None and fd in self._selector.get_map():
            self._selector.unregister(fd)

    def lead_outside(self) -> bool:
        """Whether one of them leads to the world outside of the run."""
        return bool(self._outer)

    def look(self, seconds: float | None) -> None:
        """Wait for one that is ready, so long at most or, for None, however long it takes, and call what is to be called."""
        assert self._selector is not None
        for key, events in self._selector.select(seconds):
            key.data(events)

    def close(self) -> None:
        if self._selector is not None:
            self._selector.close()
            self._selector = None
