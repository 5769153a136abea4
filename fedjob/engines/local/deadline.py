"""The deadline of a run inside the test process, where there is no other process to kill.

A timer's thread interrupts the thread that runs: the main thread by a signal (so that a wait in
the system ends too), another thread by an exception at its next bytecode. A debugger in use puts the
deadline off: someone is reading.
"""

from __future__ import annotations

import bdb
import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

_SIGNAL = signal.SIGUSR2
#: Seconds until the next try, for user code that swallowed the first.
_AGAIN = 1.0


class DeadlineReached(BaseException):
    """Raised in whatever runs when the time is up; not for user code to catch."""


class Deadline:
    """A with-block that may last `seconds`; then `note()` is called and DeadlineReached raised in it."""

    def __init__(self, seconds: float, note: Callable[[FrameType | None], None]) -> None:
        self._seconds = seconds
        self._note = note
        self._thread = threading.current_thread()
        self._by_signal = self._thread is threading.main_thread()
        self._done = threading.Event()
        self._noted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if self._by_signal:
            self._before = signal.signal(_SIGNAL, self._ring)
        self._timer = threading.Thread(target=self._wait, name="fedjob-deadline", daemon=True)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._timer.join()
        if self._by_signal:
            signal.signal(_SIGNAL, self._before if self._before is not None else signal.SIG_DFL)

    def _wait(self) -> None:
        """In the timer's thread."""
        seconds = self._seconds
        while not self._done.wait(seconds):
            seconds = _AGAIN
            if self._by_signal:
                signal.pthread_kill(self._thread.ident or 0, _SIGNAL)
            else:
                self._raise_in_thread()

    def _raise_in_thread(self) -> None:
        frame = sys._current_frames().get(self._thread.ident or 0)
        if not _is_debugged(frame):
            self._take_note(frame)
            set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
            set_exception(ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(DeadlineReached))

    def _ring(self, _number: int, frame: FrameType | None) -> None:
        """In the main thread."""
        if not self._done.is_set() and not _is_debugged(frame):
            self._take_note(frame)
            raise DeadlineReached

    def _take_note(self, frame: FrameType | None) -> None:
        if not self._noted:
            self._noted = True
            self._note(frame)


def _is_debugged(frame: FrameType | None) -> bool:
    """Whether someone is in a debugger: one traces, or one of its frames is on the stack."""
    if isinstance(getattr(sys.gettrace(), "__self__", None), bdb.Bdb):
        return True
    while frame is not None:
        if frame.f_globals.get("__name__") in {"pdb", "bdb"} or (
            frame.f_trace is not None and _traces(frame)
        ):
            return True
        frame = frame.f_back
    return False


def _traces(frame: FrameType) -> bool:
    return isinstance(getattr(frame.f_trace, "__self__", None), bdb.Bdb)
