"""A task that its targets do one after another, as it stands on the server's board."""

from __future__ import annotations

from collections.abc import Callable

from fedjob.components.task import ClientTask, SendOrder, Task, TaskCompletionStatus
from fedjob.engines.local.standing import Offer, Standing


class Relay(Standing):
    """The targets do the task one after another, in their order or as they are free.

    A target that does not take the task within `assignment_timeout`, or does not answer within
    `result_timeout`, is passed over.
    """

    def __init__(
        self,
        task: Task,
        targets: list[str],
        now: Callable[[], float],
        order: SendOrder,
        assignment_timeout: float,
        result_timeout: float,
    ) -> None:
        super().__init__(task, targets, now)
        self._any = order is SendOrder.ANY
        self.assignment_timeout = assignment_timeout
        self.result_timeout = result_timeout
        self._next = 0
        self._waiting_since = self.since
        self._sent_to: list[str] = []
        #: Who has the task now, since when, and when that one has answered.
        self._pending: ClientTask | None = None
        self._sent_at = self._answered_at = 0.0

    def offer(self, site: str) -> Offer:
        if site not in self.targets:
            return Offer.NO
        if self._is_pending():
            return Offer.WAIT
        if self._any:
            return Offer.SEND if self.targets.count(site) > self._sent_to.count(site) else Offer.NO
        self._pass_over()
        if self._next >= len(self.targets):
            return Offer.NO
        window = self.targets[self._next : self._next + 1 + self._missed()]
        return Offer.SEND if site in window else Offer.WAIT

    def sent(self, client_task: ClientTask) -> None:
        super().sent(client_task)
        self._pending, self._sent_at = client_task, self.now()
        name = client_task.client.name
        self._sent_to.append(name)
        if not self._any:
            self._next = self.targets.index(name, self._next) + 1

    def answered(self, client_task: ClientTask) -> None:
        super().answered(client_task)
        if client_task is self._pending:
            self._answered_at = self.now()

    def due(self) -> str | None:
        return self.first_arrived()

    def status(self) -> TaskCompletionStatus | None:
        if self._is_pending():
            return None
        self._pass_over()
        through = len(self._sent_to) >= len(self.targets) if self._any else self._next >= len(self.targets)
        if through:
            return TaskCompletionStatus.OK
        return TaskCompletionStatus.CLIENT_DEAD if self._all_lost() else None

    def is_late(self, client_task: ClientTask) -> bool:
        """Whether the relay has gone on without this one's answer."""
        return client_task is not self.task.client_tasks[-1]

    def _is_pending(self) -> bool:
        pending = self._pending
        if pending is None or pending.client.name in self.lost:
            return False
        if pending.result_received_time is not None:
            self._waiting_since = max(self._waiting_since, self._answered_at)
            return False
        return not (self.result_timeout and self.now() - self._sent_at > self.result_timeout)

    def _missed(self) -> int:
        """By how many targets the window has grown since the first in it was to take the task."""
        if not self.assignment_timeout:
            return 0
        return int((self.now() - self._waiting_since) / self.assignment_timeout)

    def _pass_over(self) -> None:
        while self._next < len(self.targets) and self.targets[self._next] in self.lost:
            self._next += 1
