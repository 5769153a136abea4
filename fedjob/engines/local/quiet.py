"""Time that need not be waited for: when every party of a run waits, the engine's clock jumps.

The server's process asks the others once it has had nothing to do for a moment. Each answers when all of its own
strands wait: how long until its next timer, and how many messages it has sent and received. If the counts agree
with the server's, nothing is under way; then all clocks jump to the first timer. Where user
code waits for the world outside (a short sleep, a thread, a child process) it is not answered, and time passes as
it does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedjob.engines.local.hub import Hub
from fedjob.errors import Stalled

if TYPE_CHECKING:
    from fedjob.engines.local.cable import Cable

#: Seconds without a message after which the server's process asks.
PATIENCE = 0.02

#: A process with more strands than this does not send along where they stand.
_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process says that has nothing to do."""

    #: Messages over its cable.
    sent: int
    received: int
    #: Seconds until its next timer, None if it has none.
    remaining: float | None
    #: Where its strands stand, if it would wait for ever.
    stacks: str = ""


def answer(hub: Hub, sent: int, received: int) -> Answer:
    remaining = hub.remaining()
    stacks = hub.stacks() if remaining is None and len(hub.strands) <= _SHOWN else ""
    return Answer(sent, received, remaining, stacks)


class Quiet:
    """The server's side: asks, compares, and makes the clocks jump."""

    def __init__(self, hub: Hub, cables: Sequence[Cable]) -> None:
        self._hub = hub
        self._all = cables
        self._traffic: tuple[int, ...] = ()
        self._since = 0.0
        self._asked = False
        hub.on_rest(self._rest)

    def _rest(self, idle: bool) -> float | None:
        """Seconds after which to look again, None if only when something happens."""
        if not idle or self._hub.is_outside():
            return None
        cables = [cable for cable in self._all if not cable.closed]
        traffic = tuple(count for cable in cables for count in (cable.sent, cable.received))
        if traffic != self._traffic:
            self._traffic, self._since, self._asked = traffic, time.monotonic(), False
        if not cables:
            return None
        if not self._asked:
            return self._ask(cables)
        answers = [cable.answer for cable in cables]
        agreed = [
            a
            for c, a in zip(cables, answers, strict=True)
            if a and (a.sent, a.received) == (c.received, c.sent)
        ]
        if len(agreed) < len(cables):
            return None
        self._asked = False
        self._jump(cables, agreed)
        return 0.0

    def _ask(self, cables: Sequence[Cable]) -> float | None:
        wait = self._since + PATIENCE - time.monotonic()
        if wait > 0:
            return wait
        for cable in cables:
            cable.ask()
        self._asked = True
        return None

    def _jump(self, cables: Sequence[Cable], answers: Sequence[Answer]) -> None:
        timers = [r for r in (self._hub.remaining(), *(a.remaining for a in answers)) if r is not None]
        if not timers:
            stacks = "\n".join([self._hub.stacks(), *(a.stacks for a in answers)])
            raise Stalled(f"the server and every site wait, and nothing can wake one of them\n{stacks}")
        for cable in cables:
            cable.jump(min(timers))
        self._hub.jump(min(timers))
