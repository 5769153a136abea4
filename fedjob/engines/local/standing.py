"""Tasks that stand on the server's board: to which site each goes next, and when it is done.

One class for each way in which a controller can have a task done: broadcast, broadcast forever, send to one; the relay is
in `relay.py`.
Times are seconds on the engine's clock.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable
from enum import Enum, auto
from typing import Any

from fedjob.components.task import ClientTask, SendOrder, Task, TaskCompletionStatus
from fedjob.engines.local.link import Message
from fedjob.engines.local.plain_result import Body, Form, PlainResult
from fedjob.engines.local.reply import told_by
from fedjob.engines.local.slab import MOST
from fedjob.engines.local.wire import Frozen
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.client import Client
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable


class Offer(Enum):
    """What a standing task says to a site that is free."""

    SEND = auto()
    #: Not now, but the site must wait for this task before it looks at later ones.
    WAIT = auto()
    NO = auto()


#: What a site has sent, and the return code.
Reply = tuple[Body | None, str]


#: Bytes of large results that are taken together: a quarter of what a worker may have out.
_MUCH = MOST // 4


class Standing:
    """A task on the board. `targets` are names; `now` is the engine's clock.

    Results are handed over in the order of the targets, whatever order they arrive in: sums of floats
    then come out the same in every run.
    """

    def __init__(self, task: Task, targets: list[str], now: Callable[[], float]) -> None:
        self.task = task
        self.targets = targets
        self.now = now
        self.since = now()
        task.targets = targets
        #: Replies that have arrived and wait for their turn, by site.
        self.arrived: dict[str, Reply] = {}
        #: Number of replies that were processed.
        self.responded = 0
        #: Sites that have died.
        self.lost: set[str] = set()
        #: The data as it was encoded, with the public props beside it, and of what the data consisted.
        self.frozen: tuple[Any, Frozen] | None = None
        #: The same for the server's filters, without what is added afterwards.
        self.unfiltered: Frozen | None = None
        self.parts: dict[tuple[str, ...], Any] | None = None
        #: The round that the task belongs to. Here, because a workflow may let go of the data once it is sent.
        self.number: Any = task.data.get_header(AppConstants.CURRENT_ROUND)
        #: What was sent last, which is mostly what is sent next.
        self.message: Message | None = None
        #: Whether only our own code would notice that the task is sent, found out anew for each look at the board;
        #: then nothing changes during that look, and all of its sites are sent the same.
        self.silent: bool | None = None
        self.for_all: Message | None = None
        #: The headers with which the data went out first, and whether what goes out now has others of those that a
        #: reply brings back, or what could be changed meanwhile.
        self.headers: dict[str, Any] = {}
        self.is_own = False
        self._places: dict[str, int] | None = None
        self._cursor = 0
        self._failed: list[str] = []

    def note_headers(self, headers: dict[str, Any]) -> None:
        """The data goes out with these headers now."""
        self.headers = self.headers or headers
        told = told_by(headers)
        self.is_own = told is None or told != (self.number, self.headers[ReservedHeaderKey.COOKIE_JAR])

    def arrive(self, site: str, reply: Reply) -> None:
        """A reply has arrived. One that says that the site has failed waits for no other: it may end the run."""
        self.arrived[site] = reply
        if reply[1] != ReturnCode.OK:
            self._failed.append(site)

    def offer(self, site: str) -> Offer:
        raise NotImplementedError

    def hungry(self) -> bool:
        """Whether any site may be offered this task now; False spares asking for each of thousands."""
        return True

    def status(self) -> TaskCompletionStatus | None:
        """How the task ended, None while it stands."""
        raise NotImplementedError

    def sent(self, client_task: ClientTask) -> None:
        """The task is on its way to a site."""
        self.task.last_client_task_map[client_task.client.name] = client_task
        self.task.client_tasks.append(client_task)

    def answered(self, client_task: ClientTask) -> None:
        """A reply was processed."""
        self.responded += 1

    def due(self) -> str | None:
        """The site whose arrived reply is to be processed next; None if that one has not arrived."""
        while self._failed:
            site = self._failed.pop(0)
            if site in self.arrived:
                return site
        while self._cursor < len(self.targets):
            site = self.targets[self._cursor]
            if site in self.arrived:
                return site
            client_task = self.task.last_client_task_map.get(site)
            done = client_task is not None and client_task.result_received_time is not None
            if not done and site not in self.lost:
                return self.first_arrived() if self.must_flush() else None
            self._cursor += 1
        return self.first_arrived()

    def results_from(self, site: str) -> list[tuple[str, PlainResult]]:
        """Take from the replies the result of the site that is due, and those that will be due right after it.

        Of large ones a few are taken: they lie in memory for which others wait.
        """
        arrived, targets, first = self.arrived, self.targets, self._cursor
        run: list[Any] = [(site, arrived.pop(site)[0])]
        if first == len(targets) or targets[first] != site:
            return run
        form: Form = run[0][1].form
        most = max(1, _MUCH // form.size) if form.is_large else len(targets)
        for following in targets[first + 1 : first + most]:
            body = arrived[following][0] if following in arrived else None
            if type(body) is not PlainResult or body.form.is_large != form.is_large:
                break
            del arrived[following]
            run.append((following, body))
        return run

    def reply_of(self, result: PlainResult) -> Shareable:
        """A script's result as the reply to this task that it is."""
        reply = result.shareable(self.number)
        if jar := self.headers.get(ReservedHeaderKey.COOKIE_JAR):
            reply.set_header(ReservedHeaderKey.COOKIE_JAR, copy.deepcopy(jar))
        return reply

    def first_arrived(self) -> str | None:
        """An arrived reply regardless of those before it, for a task that will not wait for them."""
        if not self.arrived:
            return None
        if len(self.arrived) == 1:
            return next(iter(self.arrived))
        return min(self.arrived, key=self._first_places().__getitem__)

    def _first_places(self) -> dict[str, int]:
        """Where each target stands first."""
        if self._places is None:
            self._places = {}
            for place, target in enumerate(self.targets):
                self._places.setdefault(target, place)
        return self._places

    def must_flush(self) -> bool:
        """Whether arrived replies are to be processed although earlier ones are missing."""
        return False

    def _all_lost(self) -> bool:
        """Whether the task waits for nobody but the dead."""
        if not self.lost:
            return False
        sent = self.task.last_client_task_map
        waited_for = [t for t in self.targets if t not in sent or sent[t].result_received_time is None]
        return bool(waited_for) and self.lost.issuperset(waited_for)


class Broadcast(Standing):
    """Every target does the task once; done when all have, or enough have and the wait is over."""

    def __init__(
        self, task: Task, targets: list[str], now: Callable[[], float], min_responses: int, patience: float
    ) -> None:
        super().__init__(task, targets, now)
        self._min = min_responses
        self.patience = patience
        self.enough_since: float | None = None

        self._wanted = set(targets)

    def offer(self, site: str) -> Offer:
        return Offer.SEND if site in self._wanted else Offer.NO

    def takers(self, free: Iterable[Client]) -> list[Client]:
        """Of the sites that are free, those that this task is offered."""
        return [client for client in free if client.name in self._wanted]

    def hungry(self) -> bool:
        return bool(self._wanted)

    def sent(self, client_task: ClientTask) -> None:
        super().sent(client_task)
        self._wanted.discard(client_task.client.name)

    def sent_to_all(self, client_tasks: list[ClientTask]) -> None:
        """`sent`, for many."""
        by_name = {client_task.client.name: client_task for client_task in client_tasks}
        self.task.last_client_task_map.update(by_name)
        self.task.client_tasks += client_tasks
        self._wanted.difference_update(by_name)

    def must_flush(self) -> bool:
        """Enough replies are here, processed or waiting, and the wait after them is over."""
        if not self._min:
            return False
        if self.responded + len(self.arrived) < self._min:
            return False
        if self.enough_since is None:
            self.enough_since = self.now()
        return self.now() - self.enough_since >= self.patience

    def status(self) -> TaskCompletionStatus | None:
        if self.responded >= len(self.targets):
            return TaskCompletionStatus.OK
        if self.must_flush() and self.responded >= self._min:
            return TaskCompletionStatus.OK
        return TaskCompletionStatus.CLIENT_DEAD if self._all_lost() else None


class BroadcastForever(Standing):
    """Offered to every target whenever it is free, until it is cancelled."""

    def offer(self, site: str) -> Offer:
        return Offer.SEND if site in self._first_places() else Offer.NO

    def due(self) -> str | None:
        return self.first_arrived()

    def status(self) -> TaskCompletionStatus | None:
        return TaskCompletionStatus.CLIENT_DEAD if self.lost.issuperset(self.targets) else None


class Send(Standing):
    """One target does the task: the first that is free, or the first in order within its time."""

    def __init__(
        self,
        task: Task,
        targets: list[str],
        now: Callable[[], float],
        order: SendOrder,
        assignment_timeout: float,
    ) -> None:
        super().__init__(task, targets, now)
        self._order = order
        self.assignment_timeout = assignment_timeout

    def offer(self, site: str) -> Offer:
        if self.task.client_tasks or site not in self.targets:
            return Offer.NO
        if self._order is SendOrder.ANY:
            return Offer.SEND
        steps = int((self.now() - self.since) / self.assignment_timeout) if self.assignment_timeout else 0
        return Offer.SEND if self.targets.index(site) <= steps else Offer.WAIT

    def status(self) -> TaskCompletionStatus | None:
        if self.responded:
            return TaskCompletionStatus.OK
        chosen = [c.client.name for c in self.task.client_tasks] or self.targets
        return TaskCompletionStatus.CLIENT_DEAD if self.lost.issuperset(chosen) else None


def names_of(targets: Collection[Any] | None, everybody: list[str]) -> list[str]:
    """The targets of a task as names; all sites if none are given."""
    if not targets:
        return list(everybody)
    return [target if isinstance(target, str) else target.name for target in targets]
