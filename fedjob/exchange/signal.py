"""The signal that stops a task or a run: ``nvflare.apis.signal``."""

from __future__ import annotations

import time
from typing import Any


class Signal:
    """Something that is triggered once, with a value; a child counts as triggered when its parent is."""

    def __init__(self, parent: Signal | None = None) -> None:
        self._value: Any = None
        self._trigger_time: float | None = None
        self._triggered = False
        self._parent = parent

    def trigger(self, value: Any) -> None:
        self._value = value
        self._trigger_time = time.time()
        self._triggered = True

    @property
    def value(self) -> Any:
        """What it was triggered with, here and not at a parent."""
        return self._value

    @property
    def trigger_time(self) -> float | None:
        """When it was triggered, in seconds since the epoch."""
        return self._trigger_time

    def reset(self, value: Any = None) -> None:
        self._value = value
        self._trigger_time = None
        self._triggered = False

    @property
    def triggered(self) -> bool:
        return self._triggered or (self._parent is not None and self._parent.triggered)
