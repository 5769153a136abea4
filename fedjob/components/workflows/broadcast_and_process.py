"""BroadcastAndProcess: one question to all sites, answers to a ResponseProcessor.

Answers ``nvflare.app_common.workflows.broadcast_and_process`` and ``...initialize_global_weights``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.controller import Controller
from fedjob.components.response_processor import ResponseProcessor
from fedjob.components.task import ClientTask, Task
from fedjob.components.workflows.global_weights_initializer import GlobalWeightsInitializer, WeightMethod
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class BroadcastAndProcess(Controller):
    """`processor` is one, or its component id. An answer or an outcome that it refuses ends the run.

    Times are in seconds. Raises TypeError for another processor.
    """

    def __init__(
        self,
        processor: str | ResponseProcessor,
        task_name: str,
        min_responses_required: int = 0,
        wait_time_after_min_received: int = 10,
        timeout: int = 0,
        clients: Any = None,
    ) -> None:
        super().__init__()
        if not isinstance(processor, (str, ResponseProcessor)):
            raise TypeError(
                f"processor must be a ResponseProcessor or its id, but got {type(processor).__name__}"
            )
        self.processor: Any = processor
        self.task_name = task_name
        self.min_responses_required = min_responses_required
        self.wait_time_after_min_received = wait_time_after_min_received
        self.timeout = timeout
        self.clients = clients

    def start_controller(self, fl_ctx: FLContext) -> None:
        if not isinstance(self.processor, str):
            return
        component_id = self.processor
        self.processor = fl_ctx.get_engine().get_component(component_id)
        if not isinstance(self.processor, ResponseProcessor):
            self.system_panic(
                f"component {component_id!r} must be a ResponseProcessor, but is {type(self.processor).__name__}",
                fl_ctx,
            )

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        data = self.processor.create_task_data(self.task_name, fl_ctx)
        name = type(self.processor).__name__
        if not isinstance(data, Shareable):
            self.system_panic(
                f"{name} must make a Shareable for the task, but made {type(data).__name__}", fl_ctx
            )
            return
        task = Task(
            name=self.task_name,
            data=data,
            timeout=self.timeout,
            result_received_cb=self._process_client_response,
        )
        self.broadcast_and_wait(
            task=task,
            wait_time_after_min_received=self.wait_time_after_min_received,
            fl_ctx=fl_ctx,
            abort_signal=abort_signal,
            targets=self.clients,
            min_responses=self.min_responses_required,
        )
        if not self.processor.final_process(fl_ctx):
            self.system_panic(f"{name} does not accept the outcome", fl_ctx)

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Nothing is left to stop."""

    def _process_client_response(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        client = client_task.client
        ok = self.processor.process_client_response(
            client=client, task_name=client_task.task.name, response=client_task.result, fl_ctx=fl_ctx
        )
        client_task.result = None
        if not ok:
            self.system_panic(
                f"{type(self.processor).__name__} does not accept the answer of {client.name}", fl_ctx
            )


class InitializeGlobalWeights(BroadcastAndProcess):
    """Takes the model to start from out of the sites' answers (see GlobalWeightsInitializer)."""

    def __init__(
        self,
        task_name: str = AppConstants.TASK_GET_WEIGHTS,
        min_responses_required: int = 0,
        wait_time_after_min_received: int = 0,
        task_timeout: int = 0,
        weights_prop_name: str = AppConstants.GLOBAL_MODEL,
        weight_method: str = WeightMethod.FIRST,
        weights_client_name: str | list[str] | None = None,
    ) -> None:
        named = [weights_client_name] if isinstance(weights_client_name, str) else weights_client_name
        super().__init__(
            processor=GlobalWeightsInitializer(weights_prop_name, weight_method, weights_client_name),
            task_name=task_name,
            min_responses_required=min_responses_required,
            wait_time_after_min_received=wait_time_after_min_received,
            timeout=task_timeout,
            clients=named if isinstance(named, list) else None,
        )
