"""FLARE 2.9's executor for training scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.components.executors.script_executor import ScriptExecutor
from fedjob.components.roles import FLComponent
from fedjob.errors import FolderError
from fedjob.exchange.analytics import ANALYTIC_EVENT_TYPE
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.secrets import command_words
from fedjob.exchange.shareable import Shareable


class ClientAPIExecutor(ScriptExecutor):
    """FLARE 2.9's executor for training scripts, in the site's process or in one of their own."""

    def __init__(
        self,
        execution_mode: str,
        command: str | list[str] | None = None,
        task_script_path: str | None = None,
        task_script_args: str = "",
        launch_once: bool = True,
        launch_timeout: float | None = 300.0,
        shutdown_timeout: float | None = None,
        stop_grace_period: float = 30.0,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 30.0,
        task_wait_timeout: float | None = None,
        result_wait_timeout: float | None = None,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        train_with_evaluation: bool = False,
        params_exchange_format: Any = ExchangeFormat.RAW,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        params_transfer_type: Any = TransferType.FULL,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        attach_id: str | None = None,
        attach_timeout: float | None = None,
        allow_reconnect: bool = False,
        allow_insecure_attach: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=(task_script_path or "").strip(),
            task_script_args=task_script_args,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            train_with_evaluation=train_with_evaluation,
            params_exchange_format=params_exchange_format,
            server_expected_format=server_expected_format,
            params_transfer_type=params_transfer_type,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
        modes = ("in_process", "external_process", "attach")
        if execution_mode not in modes:
            raise ValueError(
                f"execution_mode must be one of {', '.join(modes)}, but it is {execution_mode!r}"
            )
        if execution_mode == "external_process" and not command:
            raise ValueError(
                "execution_mode 'external_process' needs a command, e.g. 'python custom/train.py'"
            )
        if execution_mode != "external_process" and command is not None:
            raise ValueError(f"command is only for execution_mode 'external_process', not {execution_mode!r}")
        self._execution_mode = execution_mode
        self._command = command
        self._launch_once = launch_once
        self._launch_timeout = launch_timeout
        self._shutdown_timeout = shutdown_timeout
        self._stop_grace_period = stop_grace_period
        self._heartbeat_interval = heartbeat_interval
        self._heartbeat_timeout = heartbeat_timeout
        self._task_wait_timeout = task_wait_timeout
        self._result_wait_timeout = result_wait_timeout
        self._attach_id = attach_id
        self._attach_timeout = attach_timeout
        self._allow_reconnect = allow_reconnect
        self._allow_insecure_attach = allow_insecure_attach

    @property
    def execution_mode(self) -> str:
        return self._execution_mode

    def _start(self, fl_ctx: FLContext) -> Any:
        if self._execution_mode == "external_process":
            return self._start_process(fl_ctx)
        if self._execution_mode == "attach":
            raise FolderError(
                "the local engine starts training scripts itself, and has no execution_mode='attach'; "
                "use 'external_process' or 'in_process'"
            )
        return super()._start(fl_ctx)

    def _start_process(self, fl_ctx: FLContext) -> Any:
        run = fl_ctx.get_engine().start_process(
            command_words(self._command or []),
            self._config(fl_ctx),
            once=self._launch_once,
            launch_timeout=self._launch_timeout,
            result_timeout=self._result_wait_timeout,
            publish=_publish_to_server(self),
        )
        run.ready()
        return run


def _publish_to_server(
    component: FLComponent, event_type: str = f"fed.{ANALYTIC_EVENT_TYPE}"
) -> Callable[[Shareable, FLContext], None]:
    """What an external script logs becomes an event for the server at once; no widget has to convert it."""

    def publish(data: Shareable, fl_ctx: FLContext) -> None:
        component.fire_fed_event(event_type, data, fl_ctx)

    return publish
