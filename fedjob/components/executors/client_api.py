"""Executors that have a training script do the tasks, through the Client API.

One behaviour under FLARE's names of all releases: ``ClientAPIExecutor`` (2.9) and the in-process executors of
2.5 to 2.8. The script itself is started by the engine (`start_script`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from fedjob.client.config import ConfigKey, ExchangeFormat, TransferType
from fedjob.components.roles import Executor, FLComponent
from fedjob.errors import FolderError
from fedjob.exchange.analytics import ANALYTIC_EVENT_TYPE
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import FLMetaKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class ScriptExecutor(Executor):
    """Starts a script when the run starts and hands it one task after another."""

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(
        self,
        *,
        task_script_path: str,
        task_script_args: str,
        train_task_name: str,
        evaluate_task_name: str,
        submit_model_task_name: str,
        train_with_evaluation: bool,
        params_exchange_format: Any,
        server_expected_format: Any,
        params_transfer_type: Any,
        memory_gc_rounds: int,
        cuda_empty_cache: bool,
    ) -> None:
        super().__init__()
        self._task_script_path = task_script_path
        self._task_script_args = task_script_args
        self._train_task_name = train_task_name
        self._evaluate_task_name = evaluate_task_name
        self._submit_model_task_name = submit_model_task_name
        self._train_with_evaluation = train_with_evaluation
        self._params_exchange_format = _one_of(
            ExchangeFormat, "params_exchange_format", params_exchange_format
        )
        self._server_expected_format = _one_of(
            ExchangeFormat, "server_expected_format", server_expected_format
        )
        self._params_transfer_type = _one_of(TransferType, "params_transfer_type", params_transfer_type)
        self._memory_gc_rounds = memory_gc_rounds
        self._cuda_empty_cache = cuda_empty_cache
        #: The script, once it was started; the engine may hand tasks to it on a shorter way.
        self.running: Any = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            try:
                self.running = self._start(fl_ctx)
            except ValueError as e:
                self.system_panic(str(e), fl_ctx)

    def _start(self, fl_ctx: FLContext) -> Any:
        """Start the script; ValueError if it is no Python file or not in ``custom/``."""
        if not self._task_script_path.endswith(".py"):
            raise ValueError(
                f"task_script_path must be a Python file (.py), but it is {self._task_script_path!r}"
            )
        # FLARE splits at blanks and knows no quotes here.
        args = self._task_script_args.split() if self._task_script_args else []
        return fl_ctx.get_engine().start_script(self._task_script_path, args, self._config(fl_ctx))

    def _config(self, fl_ctx: FLContext) -> dict[str, Any]:
        """What the script's ``get_config()`` shows."""
        return {
            FLMetaKey.SITE_NAME: fl_ctx.get_identity_name(),
            FLMetaKey.JOB_ID: fl_ctx.get_job_id(),
            ConfigKey.TASK_NAME: None,
            ConfigKey.TASK_EXCHANGE: {
                ConfigKey.TRAIN_WITH_EVAL: self._train_with_evaluation,
                ConfigKey.EXCHANGE_FORMAT: self._params_exchange_format,
                ConfigKey.SERVER_EXPECTED_FORMAT: self._server_expected_format,
                ConfigKey.TRANSFER_TYPE: self._params_transfer_type,
                ConfigKey.TRAIN_TASK_NAME: self._train_task_name,
                ConfigKey.EVAL_TASK_NAME: self._evaluate_task_name,
                ConfigKey.SUBMIT_MODEL_TASK_NAME: self._submit_model_task_name,
            },
        }

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        """Hand the task to the script and wait for what it sends."""
        if self.running is None:
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        sent = self.running.exchange(
            task_name, self.taken(shareable, fl_ctx.get_identity_name(), fl_ctx.get_job_id())
        )
        if sent is None:
            rc = ReturnCode.TASK_ABORTED if abort_signal.triggered else ReturnCode.EXECUTION_EXCEPTION
            return make_reply(rc)
        return self.given(sent, shareable)

    @staticmethod
    def taken(shareable: Shareable, site: Any, job_id: Any) -> FLModel:
        """A task as its script gets it. Raises ValueError for one that holds no model."""
        shareable.set_header(FLMetaKey.JOB_ID, job_id)
        shareable.set_header(FLMetaKey.SITE_NAME, site)
        return FLModelUtils.from_shareable(shareable)

    @staticmethod
    def given(sent: FLModel, task: Shareable) -> Shareable:
        """What a script has sent as the reply to a task. Raises ValueError for an empty model."""
        reply = FLModelUtils.to_shareable(sent)
        # The round is the task's, whatever the script may have put into its model.
        number = task.get_header(AppConstants.CURRENT_ROUND)
        if number is not None:
            reply.set_header(AppConstants.CURRENT_ROUND, number)
        return reply


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
        command = self._command
        run = fl_ctx.get_engine().start_process(
            shlex.split(command) if isinstance(command, str) else command,
            self._config(fl_ctx),
            once=self._launch_once,
            launch_timeout=self._launch_timeout,
            result_timeout=self._result_wait_timeout,
            publish=publish_to_server(self),
        )
        run.ready()
        return run


class InProcessClientAPIExecutor(ScriptExecutor):
    """The executor for training scripts of FLARE 2.5 to 2.8."""

    def __init__(
        self,
        task_script_path: str,
        task_script_args: str = "",
        task_wait_time: float | None = None,
        result_pull_interval: float = 0.5,
        log_pull_interval: float | None = None,
        params_exchange_format: Any = ExchangeFormat.NUMPY,
        params_transfer_type: Any = TransferType.FULL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        train_with_evaluation: bool = False,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=task_script_path,
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
        self._task_wait_time = task_wait_time
        self._result_pull_interval = result_pull_interval
        self._log_pull_interval = log_pull_interval
        self._from_nvflare_converter_id = from_nvflare_converter_id
        self._to_nvflare_converter_id = to_nvflare_converter_id

    def _start(self, fl_ctx: FLContext) -> Any:
        for name in ("from_nvflare_converter_id", "to_nvflare_converter_id"):
            if getattr(self, f"_{name}"):
                raise FolderError(
                    f"the local engine converts parameters by itself and does not use {name}; "
                    'run this job with engine="simulator"'
                )
        return super()._start(fl_ctx)


class PTInProcessClientAPIExecutor(InProcessClientAPIExecutor):
    """The same for PyTorch."""

    def __init__(
        self,
        task_script_path: str,
        task_script_args: str = "",
        task_wait_time: float | None = None,
        result_pull_interval: float = 0.5,
        log_pull_interval: float | None = None,
        params_transfer_type: Any = TransferType.FULL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        train_with_evaluation: bool = True,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        params_exchange_format: Any = ExchangeFormat.PYTORCH,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=task_script_path,
            task_script_args=task_script_args,
            task_wait_time=task_wait_time,
            result_pull_interval=result_pull_interval,
            log_pull_interval=log_pull_interval,
            params_exchange_format=params_exchange_format,
            params_transfer_type=params_transfer_type,
            from_nvflare_converter_id=from_nvflare_converter_id,
            to_nvflare_converter_id=to_nvflare_converter_id,
            train_with_evaluation=train_with_evaluation,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            server_expected_format=server_expected_format,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )


class TFInProcessClientAPIExecutor(InProcessClientAPIExecutor):
    """The same for TensorFlow."""

    def __init__(
        self,
        task_script_path: str,
        task_script_args: str = "",
        task_wait_time: float | None = None,
        result_pull_interval: float = 0.5,
        log_pull_interval: float | None = None,
        params_transfer_type: Any = TransferType.FULL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        train_with_evaluation: bool = True,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        params_exchange_format: Any = ExchangeFormat.KERAS_LAYER_WEIGHTS,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=task_script_path,
            task_script_args=task_script_args,
            task_wait_time=task_wait_time,
            result_pull_interval=result_pull_interval,
            log_pull_interval=log_pull_interval,
            params_exchange_format=params_exchange_format,
            params_transfer_type=params_transfer_type,
            from_nvflare_converter_id=from_nvflare_converter_id,
            to_nvflare_converter_id=to_nvflare_converter_id,
            train_with_evaluation=train_with_evaluation,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            server_expected_format=server_expected_format,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )


def publish_to_server(
    component: FLComponent, event_type: str = f"fed.{ANALYTIC_EVENT_TYPE}"
) -> Callable[[Shareable, FLContext], None]:
    """What an external script logs becomes an event for the server at once; no widget has to convert it."""

    def publish(data: Shareable, fl_ctx: FLContext) -> None:
        component.fire_fed_event(event_type, data, fl_ctx)

    return publish


def _one_of(kind: Any, name: str, value: Any) -> Any:
    """`value` as a member of the enumeration `kind`; ValueError for anything else."""
    try:
        return value if type(value) is kind else kind(value)
    except ValueError as e:
        raise ValueError(
            f"{name} must be one of {', '.join(m.value for m in kind)}, but it is {value!r}"
        ) from e
