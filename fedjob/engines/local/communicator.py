"""How a controller has its tasks done on the server, by FLARE's ``WFCommSpec``: broadcast, send, relay, cancel."""

from __future__ import annotations

from typing import Any

from fedjob.components.task import SendOrder, Task, TaskCompletionStatus
from fedjob.engines.local.board import Board
from fedjob.engines.local.hub import Hub
from fedjob.engines.local.relay import Relay
from fedjob.engines.local.standing import Broadcast, BroadcastForever, Send, names_of
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.signal import Signal

_LOOK = 0.5  # seconds between looks at an abort signal when nothing else happens


class Communicator:
    """One workflow's way to its sites. Raises ValueError or TypeError for tasks and targets that cannot be."""

    def __init__(self, board: Board, hub: Hub, sites: list[str]) -> None:
        self.controller: Any = None
        self._board = board
        self._hub = hub
        self._sites = sites
        self._known = frozenset(sites)

    def broadcast(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        min_responses: int = 1,
        wait_time_after_min_received: int = 0,
    ) -> None:
        names = self._names(task, targets)
        self._natural("min_responses", min_responses)
        self._natural("wait_time_after_min_received", wait_time_after_min_received)
        if min_responses > len(names):
            raise ValueError(
                f"min_responses ({min_responses}) must not exceed the number of targets ({len(names)})"
            )
        self._board.put(Broadcast(task, names, self._hub.now, min_responses, wait_time_after_min_received))

    def broadcast_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        min_responses: int = 1,
        wait_time_after_min_received: int = 0,
        abort_signal: Signal | None = None,
    ) -> None:
        self.broadcast(task, fl_ctx, targets, min_responses, wait_time_after_min_received)
        self.wait_for_task(task, abort_signal)

    def broadcast_forever(self, task: Task, fl_ctx: FLContext, targets: Any = None) -> None:
        self._board.put(BroadcastForever(task, self._names(task, targets), self._hub.now))

    def send(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
    ) -> None:
        if send_order is SendOrder.SEQUENTIAL and not targets:
            raise ValueError("targets must be given when the send order is SEQUENTIAL")
        names = self._names(task, targets)
        timeout = task_assignment_timeout or 0
        self._natural("task_assignment_timeout", timeout)
        if task.timeout and timeout > task.timeout:
            raise ValueError(
                f"task_assignment_timeout ({timeout}) must not exceed the task's timeout ({task.timeout})"
            )
        self._board.put(Send(task, names, self._hub.now, send_order, timeout), wakes=(timeout,))

    def send_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        abort_signal: Signal | None = None,
    ) -> None:
        self.send(task, fl_ctx, targets, send_order, task_assignment_timeout)
        self.wait_for_task(task, abort_signal)

    def relay(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        task_result_timeout: int = 0,
        dynamic_targets: bool = True,
    ) -> None:
        # Sites here never join late, so dynamic targets are all sites when none are named.
        names = self._names(task, targets)
        assignment, result = task_assignment_timeout or 0, task_result_timeout or 0
        self._natural("task_assignment_timeout", assignment)
        self._natural("task_result_timeout", result)
        self._board.put(
            Relay(task, names, self._hub.now, send_order, assignment, result),
            wakes=(assignment, result),
        )

    def relay_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        task_result_timeout: int = 0,
        dynamic_targets: bool = True,
        abort_signal: Signal | None = None,
    ) -> None:
        self.relay(
            task, fl_ctx, targets, send_order, task_assignment_timeout, task_result_timeout, dynamic_targets
        )
        self.wait_for_task(task, abort_signal)

    def get_num_standing_tasks(self) -> int:
        return len(self._board.standing)

    def cancel_task(
        self,
        task: Task,
        completion_status: TaskCompletionStatus = TaskCompletionStatus.CANCELLED,
        fl_ctx: FLContext | None = None,
    ) -> None:
        if task.completion_status is None:
            task.completion_status = completion_status
            self._board.look()

    def cancel_all_tasks(
        self,
        completion_status: TaskCompletionStatus = TaskCompletionStatus.CANCELLED,
        fl_ctx: FLContext | None = None,
    ) -> None:
        for standing in self._board.standing:
            if standing.task.completion_status is None:
                standing.task.completion_status = completion_status
        self._board.look()

    def wait_for_task(self, task: Task, abort_signal: Signal | None) -> None:
        """Until the task stands no more, or the run is aborted."""
        while any(standing.task is task for standing in self._board.standing):
            if abort_signal is not None and abort_signal.triggered:
                self.cancel_task(task, TaskCompletionStatus.ABORTED)
                return
            self._hub.poll(_LOOK)

    def get_client_disconnect_time(self, client_name: str) -> float | None:
        return self._board.lost.get(client_name)

    def _names(self, task: Task, targets: Any) -> list[str]:
        if task.schedule_time is not None:
            raise ValueError(f"task {task.name!r} was used in a call before; make a new Task")
        names = names_of(targets, self._sites)
        unknown = [n for n in names if n not in self._known]
        if unknown:
            raise ValueError(f"targets {unknown} are no sites of this run; sites are {self._sites}")
        return names

    @staticmethod
    def _natural(name: str, value: Any) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number, but got {type(value).__name__}")
        if value < 0:
            raise ValueError(f"{name} must not be negative, but got {value}")
