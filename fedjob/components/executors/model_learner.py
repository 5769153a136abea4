"""ModelLearnerExecutor: runs a ModelLearner component.

Answers ``nvflare.app_common.executors.model_learner_executor``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.components.checks import check_object_type
from fedjob.components.learner import ModelLearner
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants, ValidateType
from fedjob.exchange.dxo import MetaKey
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal

_Method = Callable[..., Any]


class ModelLearnerExecutor(Executor):
    """For a train task the learner first validates the model it was sent; its metrics travel as INITIAL_METRICS.

    `learner_id` is the component id; START_RUN raises TypeError when there is no ModelLearner of that id.
    """

    _EVENTS = frozenset({EventType.START_RUN, EventType.ABORT_TASK, EventType.END_RUN})

    def __init__(
        self,
        learner_id: str,
        train_task: str = AppConstants.TASK_TRAIN,
        submit_model_task: str = AppConstants.TASK_SUBMIT_MODEL,
        validate_task: str = AppConstants.TASK_VALIDATION,
        configure_task: str = AppConstants.TASK_CONFIGURE,
    ) -> None:
        super().__init__()
        self.learner_id = learner_id
        self.learner: Any = None
        self.is_initialized = False
        self.task_funcs: dict[str, _Method] = {
            train_task: self.train,
            submit_model_task: self.submit_model,
            validate_task: self.validate,
            configure_task: self.configure,
        }

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self.learner = fl_ctx.get_engine().get_component(self.learner_id)
            check_object_type(f"component {self.learner_id!r}", self.learner, ModelLearner)
        elif event_type == EventType.ABORT_TASK and self.learner and not self.unsafe:
            self._guarded("abort", fl_ctx)
        elif event_type == EventType.END_RUN and not self.unsafe:
            self.finalize(fl_ctx)

    def initialize(self, fl_ctx: FLContext) -> None:
        self.learner.fl_ctx = fl_ctx
        self.learner.engine = fl_ctx.get_engine()
        self.learner.initialize()

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        self._setup_learner(shareable, fl_ctx, abort_signal)
        if not self.is_initialized:
            self.is_initialized = True
            self.initialize(fl_ctx)
        function = self.task_funcs.get(task_name)
        if function is None:
            self.log_error(fl_ctx, f"the learner has no answer to task {task_name!r}")
            return make_reply(ReturnCode.TASK_UNKNOWN)
        reply: Shareable = function(shareable, fl_ctx)
        return reply

    def train(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        shareable.set_header(AppConstants.VALIDATE_TYPE, ValidateType.BEFORE_TRAIN_VALIDATE)
        model = self._model(shareable, fl_ctx)
        if model is None:
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        validated = self._call("validate", model, fl_ctx)
        if validated is _FAILED:
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        trained = self._call("train", model, fl_ctx)
        if isinstance(trained, FLModel):
            if isinstance(validated, FLModel) and validated.metrics:
                FLModelUtils.set_meta_prop(trained, MetaKey.INITIAL_METRICS, validated.metrics)
            elif validated:
                self.log_warning(fl_ctx, f"validation before training gave no metrics but {validated!r}")
        return self._reply("train", trained, fl_ctx)

    def submit_model(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        name = shareable.get_header(AppConstants.SUBMIT_MODEL_NAME)
        return self._reply("get_model", self._call("get_model", name, fl_ctx), fl_ctx)

    def validate(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        model = self._model(shareable, fl_ctx)
        if model is None:
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        return self._reply("validate", self._call("validate", model, fl_ctx), fl_ctx)

    def configure(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        model = self._model(shareable, fl_ctx)
        if model is None:
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        failed = self._call("configure", model, fl_ctx) is _FAILED
        return make_reply(ReturnCode.EXECUTION_EXCEPTION if failed else ReturnCode.OK)

    def finalize(self, fl_ctx: FLContext) -> None:
        if self.learner:
            self._guarded("finalize", fl_ctx)

    def _setup_learner(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> None:
        learner = self.learner
        learner.shareable, learner.fl_ctx, learner.abort_signal = shareable, fl_ctx, abort_signal
        learner.args = learner.args or fl_ctx.get_prop(FLContextKey.ARGS)
        learner.site_name = learner.site_name or fl_ctx.get_identity_name()
        learner.job_id = learner.job_id or fl_ctx.get_prop(FLContextKey.CURRENT_RUN)
        if not learner.engine:
            learner.engine = fl_ctx.get_engine()
            learner.workspace = learner.engine.get_workspace()
            learner.workspace_root = learner.workspace.get_root_dir()
            learner.job_root = learner.workspace.get_run_dir(learner.job_id)
            learner.app_root = learner.workspace.get_app_dir(learner.job_id)
        if shareable:
            learner.current_round = shareable.get_header(AppConstants.CURRENT_ROUND)
            learner.total_rounds = shareable.get_header(AppConstants.NUM_ROUNDS)

    def _model(self, shareable: Shareable, fl_ctx: FLContext) -> FLModel | None:
        try:
            return FLModelUtils.from_shareable(shareable)
        except ValueError as e:
            self.log_error(fl_ctx, f"the task carries no model: {e}")
            return None

    def _call(self, method: str, argument: Any, fl_ctx: FLContext) -> Any:
        """What the learner gives; _FAILED when it raises."""
        try:
            return getattr(self.learner, method)(argument)
        except Exception as e:
            self.log_exception(fl_ctx, f"{type(self.learner).__name__}.{method} failed: {e}")
            fl_ctx.get_engine().note_exception(e)
            return _FAILED

    def _reply(self, method: str, result: Any, fl_ctx: FLContext) -> Shareable:
        if result is _FAILED:
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        if isinstance(result, FLModel):
            return FLModelUtils.to_shareable(result)
        rc = result if isinstance(result, str) else ReturnCode.EMPTY_RESULT
        self.log_error(fl_ctx, f"{type(self.learner).__name__}.{method} gave no FLModel but {result!r}")
        return make_reply(rc)

    def _guarded(self, method: str, fl_ctx: FLContext) -> None:
        self.learner.fl_ctx = fl_ctx
        try:
            getattr(self.learner, method)()
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner failed to {method}: {e}")


class _Failed:
    """What a learner that raised gave."""

    def __bool__(self) -> bool:
        return False


_FAILED = _Failed()
