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
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from fedjob.engines.local import logs, measure
from fedjob.engines.local.host import Host
from fedjob.engines.local.plan import Plan
from fedjob.engines.local.record import Place, Recorder
from fedjob.engines.local.wire import share_blocks

OK, FAILED, BROKEN = 0, 1, 70

#: Asks a worker to write down where all of its threads and strands stand.
DUMP_SIGNAL = signal.SIGUSR2

#: Ends what a worker writes down of its stacks.
STACKS_END = "that is all\n"

#: Libraries that start no thread when they are imported.
_FORKS_WELL = frozenset({"fedjob", "numpy", "pandas", "scipy", "sklearn", "torch", "torchvision"})

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


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
        place.leave()
        os._exit(status)


def stacks_file(plan: Plan, number: int) -> Path:
    """Where a worker writes its stacks when it is asked for them."""
    return plan.layout.home(plan.shards[number][0]) / "stacks.txt"


def coverage_file(plan: Plan, number: int) -> Path:
    """Where a worker leaves what it has measured."""
    return plan.layout.home(plan.shards[number][0]) / ".fedjob-coverage"


def _settle(plan: Plan, number: int) -> None:
    """Output to the log, environment and directory of the party, one thread per process."""
    first = plan.shards[number][0]
    plan.layout.settle(first)
    if plan.coverage is not None:
        measure.start(plan.coverage, coverage_file(plan, number))
    home = plan.layout.home(first)
    os.chdir(home)
    log = os.open(home / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.flush()
        os.dup2(log, descriptor)
    os.close(log)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(plan.environ)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.enable(file=2)
    _keep_freed_memory()
    logs.apply(dict(plan.logs))


def _host(
    plan: Plan, number: int, sockets: Mapping[int, socket.socket], place: Place, path: list[str]
) -> int:
    host = Host(plan, plan.shards[number], path=path, sockets=sockets, place=place)
    # The server must not wait for sites that hold on to what it sent them.
    share_blocks(host.hub if number else None)
    _dump_stacks_on_signal(host, stacks_file(plan, number))
    if len(host.shard) > 1:
        host.hub.on_rest(_FreezeOnce())
    before = set(sys.modules)
    well = host.run()
    _note_imports(before, imports_file(plan, number))
    return OK if well else FAILED


def _note_imports(before: set[str], file: Path) -> None:
    """Say what this worker had to import of what a nursery may safely import ahead."""
    fresh = [name for name in sys.modules if name not in before and name.partition(".")[0] in _FORKS_WELL]
    wanted = [name for name in fresh if "." not in name or name.startswith("fedjob.")]
    if wanted:
        file.write_text("\n".join(wanted))


def imports_file(plan: Plan, number: int) -> Path:
    """Where a worker says what it had to import."""
    return plan.layout.home(plan.shards[number][0]) / ".fedjob-imports"


class _FreezeOnce:
    """Once every site has begun, keeps the collector from looking at thousands of sites' objects for ever."""

    def __init__(self) -> None:
        self._done = False

    def __call__(self, idle: bool) -> None:
        if idle and not self._done:
            self._done = True
            gc.freeze()


def _dump_stacks_on_signal(host: Host, path: Path) -> None:
    """Threads are written by C code, also from a worker that is stuck in C; strands when Python runs again."""
    out = path.open("w", encoding="utf-8")

    def dump_strands(_number: int, _frame: FrameType | None) -> None:
        out.write(f"\n{host.hub.stacks()}\n{STACKS_END}")
        out.flush()

    signal.signal(DUMP_SIGNAL, dump_strands)
    faulthandler.register(DUMP_SIGNAL, file=out, all_threads=True, chain=True)


def _keep_freed_memory() -> None:
    """Have glibc keep what is freed: a model's worth of fresh pages each round costs more than the copy."""
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
