"""The nursery: a warm process, one per test process, from which the workers of runs are forked.

It has numpy and whatever is to be preloaded imported and never starts a thread, so a fork is cheap and safe.
For each run the test process hands it one end of a socket, over which the run is kept (`keeper.py`). When the test
process ends, however it ends, the nursery kills what is left and ends. What it does all that time is in `cradle.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from fedjob.engines.local import pipe
from fedjob.engines.local.threads import import_numpy
from fedjob.errors import RunError

#: Seconds that keepers have to kill their workers before they are killed themselves.
GRACE = 1.0

#: What torch imports by itself at a process's first step of an optimizer: 800 modules, a second of work.
LATE_IN_TORCH = "torch._dynamo"

#: One thread per process: sites side by side share the machine, and a fork keeps only one thread.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)

#: Has glibc copy a MiB and more past the processor's caches. On a virtual machine it may take the host's cache for its own
#: and do so from hundreds of MiB on; models then push everything else out of the caches on their way from site to server.
_TUNABLE, _PAST_CACHES = "glibc.cpu.x86_non_temporal_threshold", 1 << 20

#: The package is found by a path given by us, because PYTHONPATH inside the launch directory is not taken over.
_LAUNCH = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; "
    "from fedjob.engines.local import nursery; del sys.path[0]; "
    "nursery.serve(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])"
)


class Nursery:
    """The test process's handle on its nursery; `open` begins a run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        #: What workers had to import by themselves so far, and need not in the next run.
        self._learned: dict[str, None] = {}

    @property
    def pid(self) -> int | None:
        """The nursery's process id, None before the first run."""
        return self._process.pid if self._process is not None else None

    def learn(self, modules: Iterable[str]) -> None:
        """Have these imported before the next fork, if that is possible."""
        self._learned.update(dict.fromkeys(modules))

    def open(self, preload: Iterable[str] = ()) -> socket.socket:
        """A socket to the keeper of a new run; starts the nursery if it is not there or has died.

        RunError if it cannot be started or cannot import what is to be preloaded.
        """
        with self._lock:
            for last in (False, True):
                try:
                    return self._open(tuple(preload))
                except (OSError, EOFError) as error:
                    self._kill()
                    if last:
                        raise RunError(
                            f"the nursery of the local engine could not be started: {error}"
                        ) from error
        raise AssertionError

    def warm(self, preload: Iterable[str] = ()) -> None:
        """Start the nursery, if it is not there, for runs to come; it gets ready on its own.

        What cannot be imported, or started, is for `open` to say.
        """
        with self._lock, contextlib.suppress(OSError):
            if self._socket is None:
                self._start(preload)

    def _open(self, preload: tuple[str, ...]) -> socket.socket:
        if self._socket is None:
            self._start(preload)
        assert self._socket is not None
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                pipe.send(self._socket, (preload, tuple(self._learned)), (theirs.fileno(),))
            _use_the_wait(self._socket)
            problem = pipe.receive(self._socket)
        except BaseException:
            ours.close()
            raise
        if problem is not None:
            ours.close()
            raise RunError(f"the local engine could not preload {', '.join(preload)}:\n{problem}")
        return ours

    def _start(self, preload: Iterable[str]) -> None:
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).parents[3])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, root, str(theirs.fileno()), str(os.getpid()), *preload],
                env=_tuned(environment()),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket = ours

    def close(self) -> None:
        """End the nursery and all its runs; the next run starts another."""
        with self._lock:
            process = self._process
            self._forget()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=2 * GRACE)

    def _kill(self) -> None:
        """It does not answer: whatever is left of it goes, its keepers with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._process = None

    def disown(self) -> None:
        """In a forked copy of the test process: the nursery is the parent's."""
        self._lock = threading.Lock()
        if self._process is not None:
            self._process.returncode = 0  # not a child of this process: nothing to warn about.
        self._forget()


def _use_the_wait(sock: socket.socket) -> None:
    """A nursery that has just been started takes a while to answer: import here what the run's result is read with."""
    if "numpy" in sys.modules:
        return
    answer = select.poll()
    answer.register(sock, select.POLLIN)
    if not answer.poll(0):
        import_numpy()


def environment() -> dict[str, str]:
    """The nursery's environment: ours, without what would make the launch directory importable."""
    from fedjob.engines.local.installed import kept_pythonpath

    environ = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(kept_pythonpath())}
    return {name: value for name, value in environ.items() if name != "PYTHONPATH" or value}


def _tuned(environ: dict[str, str]) -> dict[str, str]:
    """`environ` with what glibc reads when a process starts, and its workers, whose environment has it no more, keep."""
    given = environ.get("GLIBC_TUNABLES", "")
    if _TUNABLE in given:
        return environ
    ours = f"{_TUNABLE}={_PAST_CACHES}"
    return {**environ, "GLIBC_TUNABLES": f"{given}:{ours}" if given else ours}


NURSERY = Nursery()
atexit.register(NURSERY.close)
os.register_at_fork(after_in_child=NURSERY.disown)


# In the nursery's own process.


def serve(descriptor: int, parent: int, preload: Iterable[str]) -> NoReturn:
    """The life of the nursery; `parent` is the pid of the test process, `preload` what its runs will want."""
    from fedjob.engines.local.cradle import live  # brings in the engine, which only this side needs.

    live(descriptor, parent, preload)
