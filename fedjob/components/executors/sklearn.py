"""SKLearnExecutor: has a Learner train a scikit-learn model on parameters that the server puts together.

Answers ``nvflare.app_opt.sklearn.sklearn_executor``. Needs joblib; validation scores become TensorBoard files, in the app's
directory, where tensorboard is installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fedjob.components.learner import Learner
from fedjob.components.receivers.tb_events import TensorBoardEventWriter
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, MetaKey, from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class SKLearnExecutor(Executor):
    """The learner's `train` gives parameters and model, `validate` (from the second round on) scores and model.

    `learner_id` is the component id; the learner's `n_samples` is the weight of the site.
    """

    _EVENTS = frozenset({EventType.START_RUN, EventType.ABORT_TASK, EventType.END_RUN})

    def __init__(self, learner_id: str, train_task: str = AppConstants.TASK_TRAIN) -> None:
        super().__init__()
        self.learner_id = learner_id
        self.train_task = train_task
        self.learner: Any = None
        self.writer: TensorBoardEventWriter | None = None
        self._folder = Path()

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._initialize(fl_ctx)
        elif event_type == EventType.ABORT_TASK:
            self._guarded("abort", fl_ctx)
        elif event_type == EventType.END_RUN:
            self._guarded("finalize", fl_ctx)

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if abort_signal.triggered:
            self._guarded("finalize", fl_ctx)
            return make_reply(ReturnCode.TASK_ABORTED)
        if task_name != self.train_task:
            self.log_error(fl_ctx, f"task {task_name!r} is not {self.train_task!r}")
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            return self._train(shareable, fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner failed: {e}")
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)

    def _initialize(self, fl_ctx: FLContext) -> None:
        self._folder = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT))
        if find_spec("tensorboard"):
            self.writer = TensorBoardEventWriter(str(self._folder))
        engine = fl_ctx.get_engine()
        learner = engine.get_component(self.learner_id)
        if not isinstance(learner, Learner):
            self.log_error(
                fl_ctx, f"component {self.learner_id!r} must be a Learner, but is {type(learner).__name__}"
            )
            return
        self.learner = learner
        try:
            learner.initialize(engine.get_all_components(), fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner cannot be initialized: {e}")

    def _train(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        given = from_shareable(shareable).data
        number = shareable.get_header(AppConstants.CURRENT_ROUND)
        fl_ctx.set_prop(AppConstants.CURRENT_ROUND, number)
        if number > 0:  # the first round's parameters are only where to start from
            scores, model = self.learner.validate(number, given, fl_ctx)
            self._keep(model, "model_global.joblib")
            self._write(scores, number)
        params, model = self.learner.train(number, given, fl_ctx)
        self._keep(model, "model_local.joblib")
        meta = {MetaKey.NUM_STEPS_CURRENT_ROUND: self.learner.n_samples}
        return DXO(data_kind=DataKind.WEIGHTS, data=params, meta=meta).to_shareable()

    def _keep(self, model: Any, name: str) -> None:
        import joblib

        joblib.dump(model, self._folder / name)

    def _write(self, scores: dict[str, float], number: int) -> None:
        if self.writer:
            for key, value in scores.items():
                self.writer.add_scalar(key, value, number)
            self.writer.flush()

    def _guarded(self, method: str, fl_ctx: FLContext) -> None:
        try:
            if self.learner:
                getattr(self.learner, method)(fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner failed to {method}: {e}")
