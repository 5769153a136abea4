"""Where threads of the user's and the strands of a hub meet.

FLARE's components may stream from threads of their own, and wait in a lock for what another thread does. Here everything
of a run is in one thread. A call from another thread is carried out by a strand, for which that thread waits; and a strand
that waits for a condition (so for an event, a queue or a future) or for the end of a thread lets other strands run.
Made by the first party of a process that streams; until then nothing is changed.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fedjob.engines.local.hub import Hub, Swap, running
from fedjob.engines.local.strand import Wait
from fedjob.errors import RunError

_condition_wait = threading.Condition.wait
_thread_join = threading.Thread.join

#: Seconds between two looks at a thread whose end is waited for.
_LOOK = 0.01

_making = threading.Lock()


def crossing_of(hub: Hub) -> Crossing:
    """The crossing of a hub, made if it has none yet. Raises RunError when the run is over."""
    with _making:
        if hub.crossing is None:
            if hub.is_closed:
                raise RunError("the run is over, so that its engine carries no streams any more")
            hub.crossing = Crossing(hub)
        return hub.crossing


class _Call:
    """What a thread wants done, and what came of it."""

    def __init__(self, context: Swap | None, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.context = context
        self.function = function
        self.args = args
        self.done = threading.Event()
        self.value: Any = None
        self.error: Exception | None = None


class Crossing:
    """One hub's. It looks at a socket, by which threads wake it, only while one of them may have something to say."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: Our end and the one that threads write to, once there are threads.
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._lock = threading.Lock()
        self._watched = False
        self._closed = False
        self._calls: deque[_Call] = deque()
        self._woken: deque[Wait] = deque()
        #: Calls that are not done, and how many strands wait for what a thread may do.
        self._open: set[_Call] = set()
        self._waiting = 0
        hub.on_rest(self._rest)
        threading.Condition.wait = _wait  # type: ignore[method-assign]
        threading.Thread.join = _join  # type: ignore[method-assign]

    def call(self, context: Swap | None, function: Callable[..., Any], *args: Any) -> Any:
        """For a thread: what `function(*args)` gives or raises in a strand with that context. RunError when the run ends."""
        call = _Call(context, function, args)
        with self._lock:
            if self._closed:
                raise _over(function)
            self._open.add(call)
        self._calls.append(call)
        self._wake()
        call.done.wait()
        if call.error is not None:
            raise call.error
        return call.value

    def close(self) -> None:
        """The run is over: nobody here answers threads any more."""
        threading.Condition.wait = _condition_wait  # type: ignore[method-assign]
        threading.Thread.join = _thread_join  # type: ignore[method-assign]
        with self._lock:
            self._closed = True
            left, self._open = self._open, set()
            for end in self._ends or ():
                end.close()
        for call in left:
            call.error = _over(call.function)
            call.done.set()

    # In the thread of the hub.

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """`Condition.wait` of a strand."""
        inner: Any = condition
        if not inner._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        wait = self._hub.waiting()
        wait.real = True
        waiter = _Waiter(self, wait)
        inner._waiters.append(waiter)
        saved = inner._release_save()
        self._waiting += 1
        try:
            self._review()
            self._hub.park(wait, timeout)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            inner._acquire_restore(saved)
            with suppress(ValueError):
                inner._waiters.remove(waiter)
        return True

    def wake(self, wait: Wait) -> None:
        """Let the strand go on, whoever says so."""
        strand = running()
        if strand is not None and strand.hub is self._hub:
            self._hub.wake(wait)
        else:
            self._woken.append(wait)
            self._wake()

    def _rest(self, idle: bool) -> float | None:
        if idle:
            self._review()
        return None

    def _ready(self, _events: int) -> None:
        assert self._ends is not None
        with suppress(BlockingIOError):
            self._ends[0].recv(4096)
        while self._woken:
            self._hub.wake(self._woken.popleft())
        while self._calls:
            call = self._calls.popleft()
            self._hub.spawn(self._carry_out, call, name="call of a thread", context=call.context)

    def _carry_out(self, call: _Call) -> None:
        error: Exception | None = _over(call.function)
        try:
            call.value = call.function(*call.args)
            error = None
        except Exception as e:
            error = e
        finally:  # also when the strand is killed.
            with self._lock:
                self._open.discard(call)
            call.error = error
            call.done.set()

    # In any thread.

    def _wake(self) -> None:
        self._review()
        if self._ends is not None:
            with suppress(OSError):  # full, which wakes as well, or closed.
                self._ends[1].send(b"!")

    def _review(self) -> None:
        """Watch the socket while that may matter. A watched one is a reason not to jump over time."""
        with self._lock:
            if self._closed:
                return
            wanted = bool(
                self._open
                or self._waiting
                or self._woken
                or threading.active_count() > self._hub.threads_before
            )
            if wanted and self._ends is None:
                self._ends = socket.socketpair()
                for end in self._ends:
                    end.setblocking(False)
            if self._ends is not None and wanted != self._watched:
                sockets, ours = self._hub.sockets, self._ends[0]
                if wanted:
                    sockets.watch(ours, selectors.EVENT_READ, self._ready)
                else:
                    sockets.unwatch(ours)
                self._watched = wanted


class _Waiter:
    """What a condition has of a strand that waits for it, in place of a lock."""

    def __init__(self, crossing: Crossing, wait: Wait) -> None:
        self._crossing = crossing
        self._wait = wait

    def release(self) -> None:
        """Called by `Condition.notify`."""
        self._crossing.wake(self._wait)


def _crossing_here() -> Crossing | None:
    """The crossing of the strand that calls, None elsewhere."""
    strand = running()
    return strand.hub.crossing if strand is not None else None


def _wait(self: threading.Condition, timeout: float | None = None) -> bool:
    crossing = _crossing_here()
    if crossing is None or (timeout is not None and timeout <= 0):
        return _condition_wait(self, timeout)
    return crossing.wait(self, timeout)


def _join(self: threading.Thread, timeout: float | None = None) -> None:
    strand = running()
    until = None if timeout is None else time.monotonic() + timeout
    while (
        strand is not None
        and strand.hub.crossing is not None
        and self.is_alive()
        and (until is None or time.monotonic() < until)
    ):
        strand.hub.sleep(_LOOK, real=True)
    _thread_join(self, timeout if until is None else max(0.0, until - time.monotonic()))


def _over(function: Callable[..., Any]) -> RunError:
    return RunError(
        f"the run was over before a thread's call of {getattr(function, '__name__', 'the engine')}() came to its end;"
        " have the workflow go on until the thread is done"
    )
