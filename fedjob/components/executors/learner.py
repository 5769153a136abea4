"""LearnerExecutor: runs a Learner component.

Answers ``nvflare.app_common.executors.learner_executor``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.learner import Learner
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants, ValidateType
from fedjob.exchange.dxo import MetaKey, from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class LearnerExecutor(Executor):
    """For a train task the learner first validates the model it was sent; that result travels as INITIAL_METRICS.

    `learner_id` is the component id. The first task raises TypeError when there is no Learner of that id.
    """

    _EVENTS = frozenset({EventType.ABORT_TASK, EventType.END_RUN})

    def __init__(
        self,
        learner_id: str,
        train_task: str = AppConstants.TASK_TRAIN,
        submit_model_task: str = AppConstants.TASK_SUBMIT_MODEL,
        validate_task: str = AppConstants.TASK_VALIDATION,
    ) -> None:
        super().__init__()
        self.learner_id = learner_id
        self.train_task = train_task
        self.submit_model_task = submit_model_task
        self.validate_task = validate_task
        self.learner: Any = None
        self.is_initialized = False

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.ABORT_TASK and self.learner and not self.unsafe:
            self._guarded("abort", fl_ctx)
        elif event_type == EventType.END_RUN and not self.unsafe:
            self.finalize(fl_ctx)

    def initialize(self, fl_ctx: FLContext) -> None:
        engine = fl_ctx.get_engine()
        self.learner = engine.get_component(self.learner_id)
        if not isinstance(self.learner, Learner):
            raise TypeError(
                f"component {self.learner_id!r} must be a Learner, but is {type(self.learner).__name__}"
            )
        self.learner.initialize(engine.get_all_components(), fl_ctx)

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if not self.is_initialized:
            self.is_initialized = True
            self.initialize(fl_ctx)
        if task_name == self.train_task:
            return self.train(shareable, fl_ctx, abort_signal)
        if task_name == self.submit_model_task:
            return self.submit_model(shareable, fl_ctx)
        if task_name == self.validate_task:
            return self.validate(shareable, fl_ctx, abort_signal)
        self.log_error(fl_ctx, f"the learner has no answer to task {task_name!r}")
        return make_reply(ReturnCode.TASK_UNKNOWN)

    def train(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        shareable.set_header(AppConstants.VALIDATE_TYPE, ValidateType.BEFORE_TRAIN_VALIDATE)
        validated = self.learner.validate(shareable, fl_ctx, abort_signal)
        trained: Shareable = self.learner.train(shareable, fl_ctx, abort_signal)
        if not _usable(trained):
            return make_reply(ReturnCode.EMPTY_RESULT)
        if not _usable(validated) or validated.get_return_code() != ReturnCode.OK:
            return trained
        try:
            metrics, result = from_shareable(validated), from_shareable(trained)
        except ValueError:
            return trained
        result.meta[MetaKey.INITIAL_METRICS] = metrics.data.get(MetaKey.INITIAL_METRICS, 0)
        return result.to_shareable()

    def submit_model(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        name = shareable.get_header(AppConstants.SUBMIT_MODEL_NAME)
        found: Shareable = self.learner.get_model_for_validation(name, fl_ctx)
        return found if _usable(found) else make_reply(ReturnCode.EMPTY_RESULT)

    def validate(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        shareable.set_header(AppConstants.VALIDATE_TYPE, ValidateType.MODEL_VALIDATE)
        found: Shareable = self.learner.validate(shareable, fl_ctx, abort_signal)
        return found if _usable(found) else make_reply(ReturnCode.EMPTY_RESULT)

    def finalize(self, fl_ctx: FLContext) -> None:
        if self.learner:
            self._guarded("finalize", fl_ctx)

    def _guarded(self, method: str, fl_ctx: FLContext) -> None:
        try:
            getattr(self.learner, method)(fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner failed to {method}: {e}")


def _usable(reply: Any) -> bool:
    return bool(reply) and isinstance(reply, Shareable)
