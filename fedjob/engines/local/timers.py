"""The engine's clock and what is to happen at a time on it.

The clock runs like the monotonic one, except that it can be put forward when there is nothing to wait for.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterator

from fedjob.engines.local.strand import Wait


class Timers:
    """Waits by the time at which they are over, settled ones forgotten."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Wait]] = []
        self._order = itertools.count()
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds on the engine's clock."""
        return time.monotonic() + self._ahead

    def jump(self, seconds: float) -> None:
        """Put the clock forward."""
        self._ahead += seconds

    def add(self, wait: Wait, seconds: float) -> None:
        """`wait` is over in so many seconds."""
        heapq.heappush(self._heap, (self.now() + seconds, next(self._order), wait))

    def remaining(self) -> float | None:
        """Seconds until the first wait is over, None if there is none."""
        heap = self._heap
        while heap and heap[0][2].settled:
            heapq.heappop(heap)
        return max(0.0, heap[0][0] - self.now()) if heap else None

    def due(self) -> Iterator[Wait]:
        """Take out the waits that are over, in order."""
        heap = self._heap
        while heap and (heap[0][2].settled or heap[0][0] <= self.now()):
            yield heapq.heappop(heap)[2]

    def are_real(self) -> bool:
        """Whether one of them is for the world outside, whose clock cannot be put forward."""
        return any(wait.real and not wait.settled for _, _, wait in self._heap)
