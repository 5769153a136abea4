"""Flag: what a site waits for without keeping others from running."""

from __future__ import annotations

from typing import Any

#: Seconds between looks where a wait has no end.
_LOOK = 60.0


class Flag:
    """Has the methods of a `threading.Event`, and waits on the engine.

    The strands of a site, and in some isolations all sites, share one thread, which an event's own wait would block:
    what it waits for could not come. A wait also ends, False, when the run is aborted.
    """

    def __init__(self) -> None:
        self._set = False
        self._engine: Any = None

    def bind(self, engine: Any) -> None:
        """Waits are on this engine's clock from now on."""
        self._engine = engine

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it was set within `timeout` seconds; RuntimeError where there is no run."""
        if self._set:
            return True
        engine = self._engine
        if engine is None:
            raise RuntimeError(
                "to wait for other sites takes a run; wait in tasks and events that follow START_RUN"
            )
        until = None if timeout is None else engine.now() + timeout
        while not self.is_set() and not engine.abort_signal.triggered:
            left = _LOOK if until is None else until - engine.now()
            if left <= 0:
                break
            engine.poll(left)
        return self._set
