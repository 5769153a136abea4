"""Which core the server works on, where it shares the machine with workers of many sites.

With a worker for each core there is none for the server: whenever it is at work it is in some worker's way. The system
looks at that every few milliseconds, which is a fifth of a round of a thousand sites, and then all wait for the worker that
the server happened to share a core with. So the server gives way to workers when it is woken, and goes to the core of the
one that is ahead of the others.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

#: Results by which a worker is behind before it matters: what travels in a frame.
_BEHIND = 64

_sched_getcpu: Callable[[], int] | None = getattr(ctypes.CDLL(None), "sched_getcpu", None)


def core() -> int:
    """The number of the core that this process runs on, counted from 1; 0 if it cannot be known."""
    return 0 if _sched_getcpu is None else _sched_getcpu() + 1


class Worker(Protocol):
    """What the server knows of one, by its cable."""

    #: Messages to it and from it.
    sent: int
    received: int
    #: `core` as it was when it sent its last.
    core: int


class Seat:
    """The server's. `choose` is called whenever a worker has sent something."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        _give_way()

    def choose(self) -> None:
        """Go to the core of the worker that is ahead if one that is behind may be in need of this one."""
        workers = self._workers
        # What is left to each: a task goes out for every result that comes in.
        left = [worker.sent - worker.received for worker in workers]
        least, most = min(left), max(left)
        if most - least < _BEHIND:
            return
        ahead, behind = workers[left.index(least)].core, workers[left.index(most)].core
        if ahead and behind and ahead != behind and core() != ahead:
            _go_to(ahead)


def _go_to(wanted: int) -> None:
    """Be on that core now; where this process works from then on is the system's to say, as before."""
    # There are no such calls on macOS, and the core may not be ours to use any more.
    with suppress(AttributeError, OSError):
        allowed = os.sched_getaffinity(0)
        if wanted - 1 in allowed:
            os.sched_setaffinity(0, {wanted - 1})
            os.sched_setaffinity(0, allowed)


def _give_way() -> None:
    """Have this process not take a core from another one when it is woken; its share of the cores stays what it is.

    Each batch of results wakes the server. If it took the core of the worker that sent it at once, that worker would be the
    last one in every round, and the others would wait for it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
