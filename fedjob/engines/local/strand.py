"""Strands and what they wait on: the pieces of the hub.

A strand is a function that runs in a greenlet, with an end that can be asked for; a mailbox is a queue that strands wait
on.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

if TYPE_CHECKING:
    from fedjob.engines.local.hub import Hub

T = TypeVar("T")


class Swap(Protocol):
    """What a strand sees of the process (argv, cwd, random state): put in place while it runs."""

    def resume(self) -> None: ...
    def suspend(self) -> None: ...


class Killed(BaseException):
    """Raised inside a strand that `Hub.kill` ends; not for user code to catch."""


class Wait:
    """One strand waiting for one thing; whichever waker comes first settles it."""

    __slots__ = ("mark", "real", "settled", "strand")

    def __init__(self, strand: Strand) -> None:
        self.strand = strand
        self.settled = False
        #: For a poll: the hub's count of happenings when it began.
        self.mark: int | None = None
        #: This wait is for the world outside, so the clock must not jump over it.
        self.real = False


class Strand:
    """A running function and how it ended: `name`, `dead`, `error`, `value`."""

    __slots__ = (
        "_args",
        "_function",
        "_joiners",
        "context",
        "dead",
        "error",
        "hub",
        "name",
        "value",
        "wait",
    )

    def __init__(
        self, hub: Hub, function: Callable[..., Any], args: tuple[Any, ...], name: str, context: Swap | None
    ) -> None:
        self.hub = hub
        self.name = name
        self.context = context
        self.dead = False
        self.error: BaseException | None = None
        self.value: Any = None
        self.wait: Wait | None = None
        self._function = function
        self._args = args
        self._joiners: list[Wait] = []

    def run(self) -> None:
        """From the function's begin to its end, in the carrier."""
        try:
            self.value = self._function(*self._args)
        except (Exception, SystemExit, Killed, GreenletExit) as error:
            self.error = error
        except BaseException as error:  # Ctrl-C, pytest.exit, a debugger that quits: the caller's business.
            self.error = error
            self.hub.escaped = error
        finally:
            del self._function, self._args
            self.dead = True
            self.hub.ended(self)
            for wait in self._joiners:
                self.hub.wake(wait)

    def doom(self) -> None:
        """Make a strand that has not begun die when it is its turn."""
        self._function, self._args = _die, ()

    def join(self, timeout: float | None = None) -> None:
        """Wait, in another strand, until this one is dead; TimeoutError after `timeout` seconds."""
        if not self.dead:
            wait = self.hub.waiting()
            self._joiners.append(wait)
            self.hub.park(wait, timeout)

    def stack(self) -> str:
        """Where a suspended strand stands, as traceback text."""
        carrier = self.hub.strands.get(self)
        frame = carrier.gr_frame if carrier is not None else None
        return "".join(traceback.format_stack(frame)) if frame is not None else ""


def _die() -> None:
    raise Killed


class Carrier(greenlet):
    """Runs strands, one after another: to make a greenlet and end it costs eight times what it takes to go on with one.

    For each strand it begins with no context variables, as a new greenlet does.
    """

    #: The strand that it runs or shall run next, None between two.
    strand: Strand | None = None

    def run(self, _: Any) -> None:
        # The frame of a carrier that waits holds nothing: the collector does not free greenlets.
        while self.strand is not None:
            self.strand.run()
            strand, self.strand, self.gr_context = self.strand, None, None
            hub = strand.hub
            if isinstance(strand.error, GreenletExit) or (len(hub.carriers) >= _SPARE and not hub.for_life):
                return
            hub.carriers.append(self)
            del strand, hub
            assert self.parent is not None
            self.parent.switch()


#: Carriers that wait, at most, in a process that outlives its hub.
_SPARE = 16


def running() -> Strand | None:
    """The strand that calls; None outside of one."""
    carrier = getcurrent()
    return carrier.strand if isinstance(carrier, Carrier) else None


class Mailbox(Generic[T]):
    """A queue that strands wait on; items are handed out in order, to waiters in order."""

    __slots__ = ("_hub", "_waits", "items")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: What waits to be taken, None if nothing does.
        # Made when needed: a deque takes 760 bytes, and each of thousands of sites has half a dozen mailboxes.
        self.items: deque[T] | None = None
        self._waits: list[Wait] | None = None

    def __len__(self) -> int:
        return len(self.items) if self.items is not None else 0

    def put(self, item: T) -> None:
        waits = self._waits
        while waits:
            wait = waits.pop(0)
            if not wait.settled:
                self._hub.wake(wait, item)
                return
        if self.items is None:
            self.items = deque()
        self.items.append(item)

    def is_awaited(self) -> bool:
        """Whether a strand waits for the next item."""
        return self._waits is not None and any(not wait.settled for wait in self._waits)

    def get(self, timeout: float | None = None) -> T:
        """The next item; TimeoutError if none comes within `timeout` seconds."""
        if self.items:
            item = self.items.popleft()
            if not self.items:
                self.items = None
            return item
        wait = self._hub.waiting()
        if self._waits is None:
            self._waits = [wait]
        else:
            self._waits.append(wait)
        came: T = self._hub.park(wait, timeout)
        return came
