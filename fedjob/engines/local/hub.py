"""The scheduler of one process: strands, mailboxes, timers and sockets, without polling.

A strand runs in a greenlet, so user code that blocks (``receive()`` in a script, a controller that
waits for results) costs a switch of about a microsecond instead of a thread. Everything in a
process runs in one thread; a strand keeps the processor until it waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from fedjob.engines.local.sockets import Sockets
from fedjob.engines.local.strand import Carrier, Killed, Mailbox, Strand, Swap, Wait, running
from fedjob.engines.local.timers import Timers
from fedjob.errors import RunError, Stalled

if TYPE_CHECKING:
    from fedjob.engines.local.crossing import Crossing

__all__ = ["Hub", "Killed", "Mailbox", "Strand", "Swap", "Wait", "running"]

#: What a wait is handed when its time is up.
_LATE: Any = object()

_real_sleep = time.sleep

#: Sockets are looked at after this many turns even while strands are ready.
_TURNS = 64


class Hub:
    """Runs strands until the one asked for is dead."""

    def __init__(self, *, for_life: bool = False) -> None:
        """`for_life`: the process ends with this hub, so that no carrier is freed, which takes calls of the system."""
        self.for_life = for_life
        self.escaped: BaseException | None = None
        #: The strands that are not dead, each with what it runs in, None before it begins.
        self.strands: dict[Strand, Carrier | None] = {}
        #: Carriers whose strands have ended.
        self.carriers: list[Carrier] = []
        self._kin: dict[Swap, dict[Strand, None]] = {}
        #: Strands whose turn it is; those of the context in place come first, to save a change.
        self._ready: deque[tuple[Strand, Any, bool]] = deque()
        self._near: deque[tuple[Strand, Any, bool]] = deque()
        self._timers = Timers()
        self._polls: list[Wait] = []
        self._happened = 0
        #: What is in place.
        self.context: Swap | None = None
        #: Where its loop is, while it is on.
        self.loop: greenlet | None = None
        self.sockets = Sockets()
        #: Where threads of the user's come in, once there may be some.
        self.crossing: Crossing | None = None
        #: How many threads there were when it began.
        self.threads_before = 1
        self.is_closed = False
        self._rests: list[Callable[[bool], float | None]] = []
        self._more_stacks: list[Callable[[], str]] = []

    # What strands use.

    def spawn(
        self, function: Callable[..., Any], *args: Any, name: str, context: Swap | None = None
    ) -> Strand:
        """Start `function(*args)` as a strand; without `context` it shares the spawning strand's."""
        if context is None:
            parent = running()
            context = parent.context if parent is not None else None
        strand = Strand(self, function, args, name, context)
        self.strands[strand] = None
        if context is not None:
            self._kin.setdefault(context, {})[strand] = None
        self._line(strand).append((strand, None, False))
        return strand

    def mailbox(self) -> Mailbox[Any]:
        return Mailbox(self)

    def strands_of(self, context: Swap) -> list[Strand]:
        """The strands of one context that are not dead."""
        return list(self._kin.get(context, ()))

    def ended(self, strand: Strand) -> None:
        """Called by a strand that ends."""
        self.strands.pop(strand, None)
        if strand.context is not None:
            self._kin[strand.context].pop(strand, None)

    def current(self) -> Strand:
        """The strand that calls; RunError outside of one."""
        strand = running()
        if strand is None:
            raise RunError("this call waits, so it may only be made while a run is on, from inside a strand")
        return strand

    def now(self) -> float:
        """Seconds on the engine's clock."""
        return self._timers.now()

    def sleep(self, seconds: float, *, real: bool = False) -> None:
        """Let others run for `seconds`; 0 lets those run that are ready now.

        `real`: the time must really pass, because the caller waits for something outside the run.
        """
        wait = self.waiting()
        wait.real = real
        self._nap(wait, seconds)

    def poll(self, seconds: float) -> None:
        """`sleep`, ended early once something has happened, for loops that look again and again."""
        wait = self.waiting()
        wait.mark = self._happened
        self._polls.append(wait)
        self._nap(wait, seconds)

    def _nap(self, wait: Wait, seconds: float) -> None:
        if seconds <= 0:
            self.wake(wait, _LATE)
        try:
            self.park(wait, seconds if seconds > 0 else None)
        except TimeoutError:
            return

    def kill(self, strand: Strand) -> None:
        """End a strand: `Killed` is raised where it stands. Killing a dead strand does nothing."""
        if strand.dead or strand is running():
            return
        if strand.wait is not None:
            strand.wait.settled = True
        if self.strands.get(strand) is None:  # not begun yet: there is no place to raise in.
            strand.doom()
            return
        for line in (self._ready, self._near):
            for turn in [turn for turn in line if turn[0] is strand]:
                line.remove(turn)
        self._line(strand).append((strand, Killed(), True))

    # What mailboxes, links and strands are built from.

    def waiting(self) -> Wait:
        carrier = getcurrent()
        # As `current` has it, in fewer calls.
        strand = (carrier.strand if isinstance(carrier, Carrier) else None) or self.current()
        strand.wait = wait = Wait(strand)
        return wait

    def wake(self, wait: Wait, value: Any = None) -> None:
        """Settle a wait that is not settled yet; its strand runs in its turn."""
        if not wait.settled:
            wait.settled = True
            strand = wait.strand
            context = strand.context
            # As `_line` has it, in fewer calls.
            line = self._near if context is not None and context is self.context else self._ready
            line.append((strand, value, False))

    def _line(self, strand: Strand) -> deque[tuple[Strand, Any, bool]]:
        context = strand.context
        return self._near if context is not None and context is self.context else self._ready

    def park(self, wait: Wait, timeout: float | None = None) -> Any:
        """Suspend the current strand until its wait is settled; TimeoutError after `timeout` seconds."""
        if timeout is not None and not wait.settled:
            self._timers.add(wait, timeout)
        assert self.loop is not None
        value = self.loop.switch()
        if value is _LATE:
            raise TimeoutError(f"nothing came within {timeout} s")
        return value

    def on_rest(self, call: Callable[[bool], float | None]) -> None:
        """Call `call(idle)` after every few turns, to send what was gathered; `idle`: no strand is ready.

        It may return after how many seconds, at most, it wants to be called again.
        """
        self._rests.append(call)

    def is_outside(self) -> bool:
        """Whether somebody here waits for the world outside of the run, which has a clock of its own."""
        return self._timers.are_real() or self.sockets.lead_outside() or threading.active_count() > 1

    def has_ready(self) -> bool:
        """Whether another strand waits for its turn."""
        return bool(self._ready or self._near)

    def remaining(self) -> float | None:
        """Seconds until the next timer, None without one."""
        return self._timers.remaining()

    def jump(self, seconds: float) -> None:
        """Put the engine's clock forward."""
        self._timers.jump(seconds)

    def pump(self) -> None:
        """Inside a strand, let sockets do their work once, waiting for it, while every strand stands still."""
        for call in self._rests:
            call(True)
        if self.sockets:
            self.sockets.look(None)

    # The loop.

    def run(self, until: Strand) -> None:
        """Run strands until `until` is dead; an escaped Ctrl-C or the like is raised here."""
        self._begin()
        self.threads_before = threading.active_count()
        try:
            while not until.dead:
                self._turns()
                if not until.dead:
                    self._rest()
        finally:
            self._change(None)
            self.loop = None

    def close(self) -> None:
        """Kill what is left and let go of the selector."""
        self._begin()
        self.is_closed = True
        self.escaped = None
        for strand in list(self.strands):
            self.kill(strand)
        while self._ready or self._near:
            self._turns()
        self._change(None)
        while self.carriers and not self.for_life:
            carrier = self.carriers.pop()
            carrier.switch(None)  # which ends it.
        self.strands.clear()
        self._kin.clear()
        if self.crossing is not None:
            self.crossing.close()
        self.sockets.close()

    def _begin(self) -> None:
        """The loop is here: it is what carriers come back to."""
        self.loop = getcurrent()
        for carrier in (*self.strands.values(), *self.carriers):
            if carrier is not None:
                carrier.parent = self.loop

    def _turns(self) -> None:
        near, ready, strands = self._near, self._ready, self.strands
        for _ in range(_TURNS):
            if near:
                strand, value, throw = near.popleft()
            elif ready:
                strand, value, throw = ready.popleft()
            else:
                return
            if strand.dead:
                continue
            context = strand.context
            if context is not self.context:
                # As `_change` has it, in fewer calls.
                if self.context is not None:
                    self.context.suspend()
                self.context = context
                if context is not None:
                    context.resume()
            carrier = strands[strand]
            if carrier is None:
                carrier = strands[strand] = self.carriers.pop() if self.carriers else Carrier()
                carrier.strand = strand
            wait = strand.wait
            if wait is None or wait.mark is None:
                self._happened += 1
            (carrier.throw if throw else carrier.switch)(value)
            if self.escaped is not None:
                error, self.escaped = self.escaped, None
                raise error

    def _change(self, context: Swap | None) -> None:
        if self.context is not None:
            self.context.suspend()
        self.context = context
        if context is not None:
            context.resume()

    def _rest(self) -> None:
        """Look at timers and sockets; wait for the first of them if no strand is ready."""
        idle = not self.has_ready()
        bounds = [call(idle) for call in self._rests]
        if idle:
            self._wake_polls()
        pause = 0.0 if self.has_ready() else self.remaining()
        if self.sockets:
            self.sockets.look(min((p for p in (pause, *bounds) if p is not None), default=None))
        elif pause is None:
            raise Stalled(f"every strand waits and nothing can wake one\n{self.stacks()}")
        elif pause > 0:
            self._pass(pause)
        for wait in self._timers.due():
            self.wake(wait, _LATE)

    def _pass(self, seconds: float) -> None:
        """Nothing can happen before the next timer: let the engine's clock jump there, if it may."""
        if self._timers.are_real():
            _real_sleep(seconds)
        else:
            self.jump(seconds)

    def _wake_polls(self) -> None:
        polls, self._polls = self._polls, []
        for wait in polls:
            if wait.mark != self._happened:
                self.wake(wait, _LATE)
            elif not wait.settled:
                self._polls.append(wait)

    def stacks(self) -> str:
        """Where every strand stands, for reports on runs that did not end."""
        strands = [f"strand {strand.name}:\n{strand.stack()}" for strand in self.strands]
        return "\n".join([*strands, *filter(None, (call() for call in self._more_stacks))])

    def on_stacks(self, call: Callable[[], str]) -> None:
        """Have `stacks` show what `call()` knows besides: where a process stands that a strand waits for."""
        self._more_stacks.append(call)
