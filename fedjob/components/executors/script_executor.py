"""Executors that have a training script do the tasks, through the Client API: what all of FLARE's have in common.

``ClientAPIExecutor`` (2.9) is in `client_api.py`, those of 2.5 to 2.8 are in `in_process.py` and `launched.py`. The script
itself is started by the engine (`start_script`).
"""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ConfigKey, ExchangeFormat, TransferType
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import FLMetaKey, ReturnCode
from fedjob.exchange.secrets import script_words
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
        """Start the script; ValueError if it is no Python file, not in ``custom/``, or a secret is not there."""
        if not self._task_script_path.endswith(".py"):
            raise ValueError(
                f"task_script_path must be a Python file (.py), but it is {self._task_script_path!r}"
            )
        args = script_words(self._task_script_args or "")
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


def _one_of(kind: Any, name: str, value: Any) -> Any:
    """`value` as a member of the enumeration `kind`; ValueError for anything else."""
    try:
        return value if type(value) is kind else kind(value)
    except ValueError as e:
        raise ValueError(
            f"{name} must be one of {', '.join(m.value for m in kind)}, but it is {value!r}"
        ) from e
