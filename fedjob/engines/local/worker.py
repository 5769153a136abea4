"""A worker process: becomes the home of its parties, hosts them, and leaves with a status that tells how.

Statuses: OK, FAILED (what went wrong is on record), BROKEN (the worker itself failed). A worker
that has not said that it leaves (`Place.leave`) was ended by user code or by a signal.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import NoReturn

from fedjob.engines.local import logs, measure, nursery
from fedjob.engines.local.host import Host
from fedjob.engines.local.place import Place
from fedjob.engines.local.plan import Plan
from fedjob.engines.local.reaper import has_children
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.tripwire import has_native
from fedjob.engines.local.wire import share_blocks

OK, FAILED, BROKEN = 0, 1, 70

#: Asks a worker to write down where all of its threads and strands stand.
DUMP_SIGNAL = signal.SIGUSR2

#: Ends what a worker writes down of its stacks.
STACKS_END = "that is all\n"

#: Libraries that start no thread when they are imported.
_FORKS_WELL = frozenset({"fedjob", "numpy", "pandas", "scipy", "sklearn", "torch", "torchvision"})

#: New objects between two looks of the collector while sites begin: at least so many, or so many for each site, as in a
#: process of its own.
_SELDOM, _AT_FIRST = 250_000, 700

#: And so many more for each site afterwards, when only what they hold in the midst of a round is new.
_LATER = 20

#: From so many sites in a worker on it matters which core the server works on: fewer are done before.
_CROWD = 100

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def prepare(plan: Plan) -> None:
    """What all workers of a run have in common, done once in the process that they are forked from.

    Every page of memory that a worker writes to is copied for it, so what is written before the fork is cheaper by
    the number of workers.
    """
    _change_environment(plan.environ)
    logs.apply_to_all(plan.logs)
    has_native()


def open_streams() -> None:
    """In the process that workers are forked from: their output, whose descriptors will be those of their logs."""
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def main(
    plan: Plan, number: int, sockets: Mapping[int, socket.socket], place: Place, path: list[str]
) -> NoReturn:
    """Host a shard of `plan`, from just after the fork to the end of the process."""
    status = BROKEN
    try:
        _settle(plan, number)
        status = _host(plan, number, sockets, place, path)
    except BaseException:
        _report_broken(plan, number)
    finally:
        measure.stop()
        _flush()
        place.leave(status, alone=_let_go(keep=place.bell))
        os._exit(status)


def _let_go(keep: int | None) -> bool:
    """Let go of all but memory and one descriptor, so that nobody has to wait until the system has freed that.

    False, and nothing is done, if anything is still at work here, or that cannot be known.
    """
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    except OSError:
        return False
    if threading.active_count() > 1 or has_children():
        return False
    os.chdir("/")
    for descriptor in descriptors:
        if descriptor != keep:
            with suppress(OSError):  # the directory that was listed is closed.
                os.close(descriptor)
    return True


def stacks_file(plan: Plan, number: int) -> Path:
    """Where a worker writes its stacks when it is asked for them."""
    return plan.layout.home(plan.shards[number][0]) / "stacks.txt"


def coverage_file(plan: Plan, number: int) -> Path:
    """Where a worker leaves what it has measured."""
    return plan.layout.home(plan.shards[number][0]) / ".fedjob-coverage"


def _settle(plan: Plan, number: int) -> None:
    """Output to the log of the party, in its directory."""
    first = plan.shards[number][0]
    plan.layout.settle(first)
    if plan.coverage is not None:
        measure.start(plan.coverage, coverage_file(plan, number))
    home = plan.layout.home(first)
    os.chdir(home)
    log = os.open(home / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.enable(file=2)
    if not logs.is_console(plan.logs):
        logs.apply(plan.logs)


def _change_environment(wanted: Mapping[str, str]) -> None:
    """Make the environment equal to `wanted`; it nearly is, as the nursery was started with it."""
    for name in [name for name in os.environ if name not in wanted]:
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _host(
    plan: Plan, number: int, sockets: Mapping[int, socket.socket], place: Place, path: list[str]
) -> int:
    if len(plan.shards[number]) == 1:
        # Held back for those who turn from site to site. Here it is there from the start: for the server, which chooses
        # sites without importing it again, and for threads.
        import_module("random")
    host = Host(plan, plan.shards[number], path=path, sockets=sockets, place=place)
    # The server must not wait for sites that hold on to what it sent them.
    share_blocks(host.hub if number else None)
    _dump_stacks_on_signal(host, stacks_file(plan, number))
    if number == 0 and max(map(len, plan.shards)) >= _CROWD:
        host.take_seat()
    if len(plan.sites) > len(plan.shards):
        host.hub.on_rest(_FreezeOnce(len(plan.shards[number]) if number else len(plan.sites)))
    before = len(sys.modules)
    well = host.run()
    _note_imports(before, imports_file(plan, number))
    return OK if well else FAILED


def _note_imports(before: int, file: Path) -> None:
    """Say what this worker had to import of what a nursery may safely import ahead.

    What came in last stands last, after the `before` modules that were there.
    """
    late = list(islice(reversed(sys.modules), max(0, len(sys.modules) - before)))
    fresh = [name for name in reversed(late) if name.partition(".")[0] in _FORKS_WELL]
    wanted = [
        name
        for name in fresh
        if "." not in name or name.startswith("fedjob.") or name == nursery.LATE_IN_TORCH
    ]
    if wanted:
        file.write_text("\n".join(wanted))


def imports_file(plan: Plan, number: int) -> Path:
    """Where a worker says what it had to import."""
    return plan.layout.home(plan.shards[number][0]) / ".fedjob-imports"


class _FreezeOnce:
    """Keeps the collector from looking again and again at what there is of thousands of sites.

    It looks after so many new objects for each of them (they train, and leave garbage), and after the first time that all
    rest not at what is there by then.
    """

    def __init__(self, sites: int) -> None:
        self._sites = sites
        self._done = False
        self._threshold, *self._others = gc.get_threshold()
        gc.set_threshold(max(_SELDOM, sites * _AT_FIRST), *self._others)

    def __call__(self, idle: bool) -> None:
        if idle and not self._done:
            self._done = True
            gc.freeze()
            gc.set_threshold(self._threshold + self._sites * _LATER, *self._others)


def _dump_stacks_on_signal(host: Host, path: Path) -> None:
    """Threads are written by C code, also from a worker that is stuck in C; strands when Python runs again."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def dump_strands(_number: int, _frame: FrameType | None) -> None:
        with open(out, "w", encoding="utf-8", errors="backslashreplace", closefd=False) as stream:
            stream.write(f"\n{host.hub.stacks()}\n{STACKS_END}")

    signal.signal(DUMP_SIGNAL, dump_strands)
    faulthandler.register(DUMP_SIGNAL, file=out, all_threads=True, chain=True)


def keep_freed_memory() -> None:
    """For this process and those forked from it, have glibc keep what is freed: a model's worth of fresh pages each round costs more than the copy."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 16 << 20)


def _report_broken(plan: Plan, number: int) -> None:
    record = Recorder(plan.layout.events, start=plan.start)
    record.error(
        site=plan.shards[number][0],
        kind="exception",
        message="the worker of the local engine failed",
        traceback=traceback.format_exc(),
    )


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
