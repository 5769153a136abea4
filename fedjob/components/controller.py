"""Controllers: the server's side of a workflow, sending tasks through a communicator.

Answers ``nvflare.apis.impl.controller.Controller``. What it does with a task is the communicator's, which the
engine provides; so the same controller runs on the server or, in client-controlled workflows, at a site.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.components.task import SendOrder, Task, TaskCompletionStatus
from fedjob.exchange.client import Client
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal

Targets = list[Client] | list[str] | None


class ControllerSpec:
    """What a workflow's author writes."""

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Called once before `control_flow`."""
        raise NotImplementedError

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """The workflow; when it returns, the workflow is over. It should end soon once `abort_signal` is triggered."""
        raise NotImplementedError

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Called once after `control_flow`."""
        raise NotImplementedError

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        """Called with a result whose task is not standing any more; FLARE's sites seldom send one."""


class Controller(FLComponent, ControllerSpec):
    """Base of workflows. `task_check_period` is in seconds; here tasks are watched without polling."""

    def __init__(self, task_check_period: float = 0.2) -> None:
        super().__init__()
        self._task_check_period = task_check_period
        self.communicator: Any = None
        self._engine: Any = None

    def initialize(self, fl_ctx: FLContext) -> None:
        """Called by the engine: remembers the engine, then starts the workflow's own part."""
        self._engine = fl_ctx.get_engine()
        self.start_controller(fl_ctx)

    def set_communicator(self, communicator: Any) -> None:
        self.communicator = communicator
        communicator.controller = self

    def broadcast(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Targets = None,
        min_responses: int = 1,
        wait_time_after_min_received: int = 0,
    ) -> None:
        """Have all `targets` do the task; returns at once. `min_responses` 0 means all of them."""
        self.communicator.broadcast(task, fl_ctx, targets, min_responses, wait_time_after_min_received)

    def broadcast_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Targets = None,
        min_responses: int = 1,
        wait_time_after_min_received: int = 0,
        abort_signal: Signal | None = None,
    ) -> None:
        """Have all `targets` do the task; returns when it is done, timed out or aborted."""
        self.communicator.broadcast_and_wait(
            task, fl_ctx, targets, min_responses, wait_time_after_min_received, abort_signal
        )

    def broadcast_forever(self, task: Task, fl_ctx: FLContext, targets: Targets = None) -> None:
        """Offer the task to `targets` again and again until it is cancelled."""
        self.communicator.broadcast_forever(task, fl_ctx, targets)

    def send(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Targets = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
    ) -> None:
        """Have one of `targets` do the task; returns at once."""
        self.communicator.send(task, fl_ctx, targets, send_order, task_assignment_timeout)

    def send_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Targets = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        abort_signal: Signal | None = None,
    ) -> None:
        """Have one of `targets` do the task; returns when it is done, timed out or aborted."""
        self.communicator.send_and_wait(
            task, fl_ctx, targets, send_order, task_assignment_timeout, abort_signal
        )

    def relay(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Targets = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        task_result_timeout: int = 0,
        dynamic_targets: bool = True,
    ) -> None:
        """Have `targets` do the task one after another; returns at once."""
        self.communicator.relay(
            task, fl_ctx, targets, send_order, task_assignment_timeout, task_result_timeout, dynamic_targets
        )

    def relay_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Targets = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        task_result_timeout: int = 0,
        dynamic_targets: bool = True,
        abort_signal: Signal | None = None,
    ) -> None:
        """Have `targets` do the task one after another; returns when all are through, or timed out or aborted."""
        self.communicator.relay_and_wait(
            task,
            fl_ctx,
            targets,
            send_order,
            task_assignment_timeout,
            task_result_timeout,
            dynamic_targets,
            abort_signal,
        )

    def get_num_standing_tasks(self) -> int:
        count: int = self.communicator.get_num_standing_tasks()
        return count

    def cancel_task(
        self,
        task: Task,
        completion_status: TaskCompletionStatus = TaskCompletionStatus.CANCELLED,
        fl_ctx: FLContext | None = None,
    ) -> None:
        self.communicator.cancel_task(task, completion_status, fl_ctx)

    def cancel_all_tasks(
        self,
        completion_status: TaskCompletionStatus = TaskCompletionStatus.CANCELLED,
        fl_ctx: FLContext | None = None,
    ) -> None:
        self.communicator.cancel_all_tasks(completion_status, fl_ctx)

    def get_client_disconnect_time(self, client_name: str) -> float | None:
        """When a site was lost (seconds since the epoch); None while it is there."""
        if self.communicator is None:
            return None
        when: float | None = self.communicator.get_client_disconnect_time(client_name)
        return when

    def add_to_fed_job(self, job: Any, ctx: Any, **kwargs: Any) -> None:
        """Add this controller to a FedJob: a workflow on the server, a component at a site."""
        job.check_kwargs(args_to_check=kwargs, args_expected={})
        job.add_controller(obj=self, ctx=ctx)
