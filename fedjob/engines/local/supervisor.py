"""Carries out a plan, in worker processes or in this one, and puts on record how it ended."""

from __future__ import annotations

import selectors
import signal
import sys
import threading
import time
import traceback
from importlib import import_module
from types import FrameType
from typing import Any

from fedjob.engines.local import keeper, measure, pipe, worker
from fedjob.engines.local.deadline import Deadline, DeadlineReached
from fedjob.engines.local.host import Host
from fedjob.engines.local.hub import running
from fedjob.engines.local.installed import installed_path
from fedjob.engines.local.nursery import NURSERY
from fedjob.engines.local.outside import Outside
from fedjob.engines.local.plan import ENGINE, Plan
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.threads import OneThread, import_numpy
from fedjob.engines.request import SERVER
from fedjob.errors import RunError
from fedjob.flare import names, shim

#: Seconds that sites have to finish once the server has, as FLARE gives its scripts.
GRACE = 30.0
#: Seconds that they have once the run has failed: the cause is known, nothing they do counts any more.
_FAILED_GRACE = 1.0
#: Seconds that workers have to write down their stacks, those that are stuck in C code do not finish.
_DUMP_TIME = 2.0
#: Seconds that a keeper has to kill what is left.
_KILL_TIME = 5.0


class Workers:
    """Carries out a plan in worker processes."""

    def __init__(self, plan: Plan, record: Recorder) -> None:
        self._plan = plan
        self._record = record
        self._end = plan.start + plan.request.timeout
        self._running = set(range(len(plan.shards)))
        self._server_ok = False
        self._late = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> str:
        """Run to the end; the status for ``run_ended``."""
        self._socket = NURSERY.open(self._plan.preload)
        with self._socket, self._selector:
            self._selector.register(self._socket, selectors.EVENT_READ)
            try:
                pipe.send(self._socket, self._plan)
                self._watch()
            except (EOFError, OSError):
                self._lose()
            except BaseException:
                self._kill()
                raise
        self._learn()
        if self._plan.coverage is not None:
            measure.take_in([worker.coverage_file(self._plan, n) for n in range(len(self._plan.shards))])
        return "deadline" if self._late else "ok" if self._server_ok else "failed"

    def _learn(self) -> None:
        """What these workers imported, the next ones will find imported."""
        for number in range(len(self._plan.shards)):
            file = worker.imports_file(self._plan, number)
            if file.exists():
                NURSERY.learn(file.read_text().split())
                file.unlink()

    def _watch(self) -> None:
        """Until every worker has exited, and what they had started too."""
        while self._running:
            if self._selector.select(max(0.0, self._end - time.monotonic())):
                self._take_in(*pipe.receive(self._socket))
            else:
                self._stop_late_workers()
        self._drain()

    def _take_in(self, what: str, *news: Any) -> None:
        if what == "exited":
            self._exited(*news)

    def _exited(self, number: int, status: int, place: tuple[Any, Any, Any], left: bool) -> None:
        self._running.discard(number)
        if not left:
            self._report_death(number, status, place)
        elif number == 0:
            self._server_ok = status == worker.OK
        if number == 0:
            grace = GRACE if self._server_ok else _FAILED_GRACE
            self._end = min(self._end, time.monotonic() + grace)

    def _report_death(self, number: int, status: int, place: tuple[Any, Any, Any]) -> None:
        """A worker was ended by a signal or by user code."""
        site, round_number, task = place
        site = site or self._plan.shards[number][0]
        how = f"was killed by {_signal_name(-status)}" if status < 0 else f"left with os._exit({status})"
        during = f" in round {round_number}" if round_number is not None else ""
        during += f" during task {task!r}" if task else ""
        self._record.error(
            site=site,
            round=round_number,
            task=task,
            kind="killed" if status < 0 else "exit",
            message=f"the process of {site!r} {how}{during}",
            traceback=self._log_tail(number),
        )

    def _log_tail(self, number: int) -> str | None:
        """What faulthandler wrote into the log of a worker that crashed."""
        log = self._plan.layout.home(self._plan.shards[number][0]) / "log.txt"
        try:
            with log.open("rb") as stream:
                stream.seek(max(0, log.stat().st_size - 10_000))
                _, crash, text = stream.read().decode(errors="replace").partition("Fatal Python error")
        except OSError:
            return None
        return crash + text or None

    def _stop_late_workers(self) -> None:
        """The deadline: write down where everyone stands, then kill them."""
        if 0 not in self._running and not self._server_ok:
            self._running.clear()
            self._kill()
            return
        self._late = self._late or 0 in self._running
        pipe.send(self._socket, (keeper.DUMP,))
        places = self._places()
        late = self._all_stacks()
        # Who computes is more likely the cause than who waits; the first error is the one shown first.
        for number, stacks in sorted(late, key=lambda item: _waits(item[1])):
            self._report_late(number, stacks, places.get(number, (None, None, None))[0])
        self._running.clear()
        self._kill()

    def _places(self) -> dict[int, tuple[str | None, Any, Any]]:
        """What the workers are at that were asked for their stacks, by shard number; exits told before are taken in."""
        while True:
            what, *news = pipe.receive(self._socket)
            if what == "at":
                places: dict[int, tuple[str | None, Any, Any]] = news[0]
                return places
            self._take_in(what, *news)

    def _report_late(self, number: int, stacks: str, site: str | None) -> None:
        if self._late:
            message = f"the run was not over after its timeout of {self._plan.request.timeout:g} s"
        else:
            message = f"still running {GRACE:g} s after the server had ended"
        waits = _waits(stacks)
        doing = "waiting" if waits else "at work"
        self._record.error(
            site=self._plan.shards[number][0] if waits or site is None else site,
            kind="deadline",
            message=f"{message}; this worker was {doing} when it was killed",
            traceback=stacks.removesuffix(worker.STACKS_END) or None,
            fatal=self._late,
        )

    def _all_stacks(self) -> list[tuple[int, str]]:
        """What the workers that still run have written down, as soon as all have, or when their time is up."""
        end = time.monotonic() + _DUMP_TIME
        while True:
            late = [(number, self._stacks(number)) for number in sorted(self._running)]
            if time.monotonic() > end or all(stacks.endswith(worker.STACKS_END) for _, stacks in late):
                return late
            time.sleep(0.02)

    def _stacks(self, number: int) -> str:
        try:
            return worker.stacks_file(self._plan, number).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _kill(self) -> None:
        try:
            pipe.send(self._socket, (keeper.KILL,))
            self._drain()
        except OSError:
            return

    def _drain(self) -> None:
        """Wait until the keeper has gone, which is when nothing of the run is left."""
        self._socket.settimeout(_KILL_TIME)
        try:
            while True:
                pipe.receive(self._socket)
        except (EOFError, TimeoutError):
            return

    def _lose(self) -> None:
        """The keeper's process died, and its workers with it."""
        for number in sorted(self._running):
            self._record.error(
                site=self._plan.shards[number][0],
                kind="lost",
                message="the process from which the local engine's workers are forked was killed, and they with it",
            )
        self._server_ok = False


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _waits(stacks: str) -> bool:
    """Whether a worker's threads stand in the hub's wait: faulthandler writes the innermost call first."""
    return "selectors.py" in stacks.partition("\n\n")[0].partition("\n  File")[2].partition("\n")[0]


class Inline:
    """Carries out a plan in this process."""

    _one = threading.Lock()

    def __init__(self, plan: Plan, record: Recorder) -> None:
        self._plan = plan
        self._record = record
        self._stacks = ""
        self._site = SERVER

    @staticmethod
    def warm() -> None:
        """Import now what the first run in this process would, and look for what is installed."""
        import_numpy()
        installed_path()
        for module in ENGINE:
            import_module(module)

    def run(self) -> str:
        """Run to the end; the status for ``run_ended``."""
        if running() is not None:
            raise RunError("a run cannot be started from inside a run with isolation='inline'")
        plan = self._plan
        customs = [plan.layout.custom(name) for name in plan.shards[0]]
        path = installed_path()
        share = names.ROOT not in sys.modules or shim.is_active()
        import_numpy()  # a library that the run itself would load is not asked to use one thread.
        with self._one, OneThread() as threads, Outside(customs, share=share) as outside:
            self._host = Host(plan, plan.shards[0], path=path, shared=outside.shared)
            self._host.on_threads = threads.limit
            try:
                with Deadline(plan.request.timeout, self._note):
                    return "ok" if self._host.run() else "failed"
            except DeadlineReached:
                self._report_late()
                return "deadline"

    def _note(self, frame: FrameType | None) -> None:
        here = "".join(traceback.format_stack(frame)) if frame is not None else ""
        self._stacks = f"running:\n{here}\n{self._host.hub.stacks()}"
        self._site = getattr(getattr(running(), "context", None), "name", SERVER)

    def _report_late(self) -> None:
        self._record.error(
            site=self._site,
            kind="deadline",
            message=f"the run was not over after its timeout of {self._plan.request.timeout:g} s",
            traceback=self._stacks,
        )
