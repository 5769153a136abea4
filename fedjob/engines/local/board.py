"""The board of standing tasks: gives them to sites that are free, takes results in their order, sees to the end.

What FLARE's sites pull by asking every two seconds is given out the moment a site is free.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Iterable

from fedjob.components.task import TaskCompletionStatus
from fedjob.engines.local.delivery import Delivery
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.plain_result import Body
from fedjob.engines.local.standing import Broadcast, Offer, Standing
from fedjob.engines.local.watch import Watch
from fedjob.exchange.client import Client

_log = logging.getLogger(__name__)


class Board:
    """The tasks of one workflow and the sites that work on them; at most `threads` sites at a time."""

    def __init__(
        self, engine: FLEngine, clients: list[Client], delivery: Delivery, watch: Watch, threads: int | None
    ) -> None:
        #: In the order in which they were put up; a site is offered them in this order.
        self.standing: list[Standing] = []
        #: When each site that has gone was lost, in seconds since the epoch.
        self.lost: dict[str, float] = {}
        self._engine = engine
        self._hub = engine.hub
        self._clients = {c.name: c for c in clients}
        self._delivery = delivery
        self._watch = watch
        self._threads = threads or len(clients)
        #: What each site that is not free works on.
        self._working: dict[str, Standing] = {}
        #: Who has answered last.
        self._last: str | None = None
        self._looking = False
        self._look_again = False

    def lose(self, site: str) -> None:
        """A site has gone for good."""
        self.lost[site] = time.time()
        self._working.pop(site, None)
        for standing in self.standing:
            standing.lost.add(site)
        self.look()

    def take_replies(self, task: str, rc: str, replies: Iterable[tuple[str, Body | None]]) -> None:
        """Sites have answered a task: they are free, and their results wait for their turn, which the next `look` sees to."""
        for site, body in replies:
            standing = self._working.pop(site, None)
            if standing is None or not standing.task.is_standing:
                # FLARE's sites ask whether the task still stands and drop a late result themselves.
                _log.info("late result of %s from %s dropped", task, site)
            else:
                standing.arrive(site, (body, rc))
                self._last = site

    def put(self, standing: Standing, wakes: tuple[float, ...] = ()) -> None:
        task = standing.task
        task.schedule_time = time.time()
        task.is_standing = True
        standing.lost.update(self.lost)
        self.standing.append(standing)
        self._watch.task_sent(task, standing.targets)
        if task.timeout:
            self._after(task.timeout, standing, self._expire)
        for seconds in wakes:
            if seconds:
                self._tick(standing, seconds)
        if isinstance(standing, Broadcast) and standing.patience:
            self._tick(standing, standing.patience)
        self.look()

    def _after(self, seconds: float, standing: Standing, call: Callable[[Standing], None]) -> None:
        """Call after so many seconds if the task still stands; until then its data, a model, is not kept for that."""
        hub, task = self._hub, weakref.ref(standing)

        def wait() -> None:
            hub.sleep(seconds)
            found = task()
            if found is not None and found in self.standing:
                call(found)

        hub.spawn(wait, name=f"timer of {seconds:g} s")

    def _tick(self, standing: Standing, seconds: float) -> None:
        """Look again every `seconds` while the task stands: one of its times may be over."""

        def again(found: Standing) -> None:
            self.look()
            self._tick(found, seconds)

        self._after(seconds, standing, again)

    def _expire(self, standing: Standing) -> None:
        if standing.task.completion_status is None:
            while (site := standing.first_arrived()) is not None:
                self._delivery.process(standing, site)
            standing.task.completion_status = TaskCompletionStatus.TIMEOUT
            self.look()

    def look(self) -> None:
        """Do all there is to do; a callback that causes more finds it done before this returns."""
        self._look_again = True
        if self._looking:
            return
        self._looking = True
        try:
            while self._look_again:
                self._look_again = False
                self._process_arrived()
                self._finish()
                self._send_out()
        finally:
            self._looking = False

    def _process_arrived(self) -> None:
        for standing in list(self.standing):
            self._delivery.take_due(standing)

    def _finish(self) -> None:
        for standing in list(self.standing):
            task = standing.task
            if task.completion_status is None:
                task.completion_status = standing.status()
            if task.completion_status is not None:
                self._delivery.settle()
                self.standing.remove(standing)
                task.is_standing = False
                self._look_again = True
                if task.task_done_cb is not None:
                    with self._engine.new_context() as fl_ctx:
                        self._delivery.guard(task, task.task_done_cb, task=task, fl_ctx=fl_ctx)

    def _send_out(self) -> None:
        if not any(standing.hungry() for standing in self.standing):
            return
        self._forget()
        working, lost = self._working, self.lost
        for name, client in self._clients.items():
            if len(working) >= self._threads:
                return
            if name not in working and name not in lost:
                standing = self._offered(name)
                if standing is not None:
                    self._give(standing, client)
                    if (
                        type(standing) is Broadcast
                        and standing.for_all is not None
                        and len(self.standing) == 1
                    ):
                        self._give_to_all(standing)

    def _offered(self, site: str) -> Standing | None:
        for standing in self.standing:
            if standing.task.completion_status is None:
                offer = standing.offer(site)
                if offer is not Offer.NO:
                    return standing if offer is Offer.SEND else None
        return None

    def _give(self, standing: Standing, client: Client) -> None:
        if self._delivery.send(standing, client):
            self._working[client.name] = standing
        if not standing.silent:
            self._forget()  # whoever was called may have changed it.
        self._look_again = True

    def _give_to_all(self, standing: Broadcast) -> None:
        """Give the only task to all that are free: only our own code notices, so that nothing changes on the way."""
        working, lost = self._working, self.lost
        free = [c for name, c in self._clients.items() if name not in working and name not in lost]
        takers = standing.takers(free)[: self._threads - len(working)]
        self._delivery.send_all(standing, takers, self._last)
        working.update(dict.fromkeys([client.name for client in takers], standing))

    def _forget(self) -> None:
        """Nothing is known of how tasks go out."""
        for standing in self.standing:
            standing.silent = standing.for_all = None
