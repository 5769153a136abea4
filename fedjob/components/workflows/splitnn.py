"""Split learning between two sites: the server hands out the model and starts the training, the sites do the rest.

Answers ``nvflare.app_common.workflows.splitnn_workflow`` and ``nvflare.app_common.executors.splitnn_learner_executor``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.controller import Controller
from fedjob.components.generator import ShareableGenerator
from fedjob.components.learner import Learner
from fedjob.components.persistor import LearnablePersistor
from fedjob.components.roles import Executor
from fedjob.components.task import ClientTask, Task
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class SplitNNDataKind:
    ACTIVATIONS = "_splitnn_activations_"
    GRADIENT = "_splitnn_gradient_"


class SplitNNConstants:
    BATCH_INDICES = "_splitnn_batch_indices_"
    DATA = "_splitnn_data_"
    BATCH_SIZE = "_splitnn_batch_size_"
    TARGET_NAMES = "_splitnn_target_names_"

    TASK_INIT_MODEL = "_splitnn_task_init_model_"
    TASK_TRAIN_LABEL_STEP = "_splitnn_task_train_label_step_"
    TASK_VALID_LABEL_STEP = "_splitnn_task_valid_label_step_"
    TASK_TRAIN = "_splitnn_task_train_"

    TASK_RESULT = "_splitnn_task_result_"
    #: Seconds to wait for the reply to a message.
    TIMEOUT = 60.0


#: With `ignore_result_error=False` these answers end the run.
_FATAL = {
    ReturnCode.MISSING_PEER_CONTEXT,
    ReturnCode.BAD_PEER_CONTEXT,
    ReturnCode.EXECUTION_EXCEPTION,
    ReturnCode.TASK_UNKNOWN,
    ReturnCode.EXECUTION_RESULT_ERROR,
    ReturnCode.TASK_DATA_FILTER_ERROR,
    ReturnCode.TASK_RESULT_FILTER_ERROR,
}


class SplitNNController(Controller):
    """Two tasks to each of ``site-1`` and ``site-2``: the initial model, then the whole training of `num_rounds`.

    `task_timeout` is kept and has no effect, as in FLARE. Raises TypeError or ValueError for bad arguments.
    """

    def __init__(
        self,
        num_rounds: int = 5000,
        start_round: int = 0,
        persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID,
        shareable_generator_id: str = AppConstants.DEFAULT_SHAREABLE_GENERATOR_ID,
        init_model_task_name: str = SplitNNConstants.TASK_INIT_MODEL,
        train_task_name: str = SplitNNConstants.TASK_TRAIN,
        task_timeout: int = 10,
        ignore_result_error: bool = True,
        batch_size: int = 256,
    ) -> None:
        super().__init__()
        _check("num_rounds", num_rounds, int)
        _check("start_round", start_round, int)
        _check("task_timeout", task_timeout, int)
        _check("persistor_id", persistor_id, str)
        _check("shareable_generator_id", shareable_generator_id, str)
        _check("init_model_task_name", init_model_task_name, str)
        _check("train_task_name", train_task_name, str)
        for name, value in (("num_rounds", num_rounds), ("start_round", start_round)):
            if value < 0:
                raise ValueError(f"{name} must not be negative, but is {value}")
        self._num_rounds = num_rounds
        self._start_round = start_round
        self.persistor_id = persistor_id
        self.shareable_generator_id = shareable_generator_id
        self.init_model_task_name = init_model_task_name
        self.train_task_name = train_task_name
        self._task_timeout = task_timeout
        self.ignore_result_error = ignore_result_error
        self.batch_size = batch_size
        self.targets_names = ["site-1", "site-2"]
        self.nr_supported_clients = 2
        self.persistor: Any = None
        self.shareable_generator: Any = None
        self._global_weights: Any = None

    def start_controller(self, fl_ctx: FLContext) -> None:
        self.persistor = self._component(self.persistor_id, LearnablePersistor, fl_ctx)
        self.shareable_generator = self._component(self.shareable_generator_id, ShareableGenerator, fl_ctx)
        if not (self.persistor and self.shareable_generator):
            return  # has panicked
        fl_ctx.set_prop(AppConstants.START_ROUND, self._start_round, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.NUM_ROUNDS, self._num_rounds, private=True, sticky=False)
        self._global_weights = self.persistor.load(fl_ctx)
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, self._global_weights, private=True, sticky=True)
        self.fire_event(AppEventType.INITIAL_MODEL_LOADED, fl_ctx)

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        try:
            model = self.shareable_generator.learnable_to_shareable(self._global_weights, fl_ctx)
            self._ask(self.init_model_task_name, model, abort_signal, fl_ctx)
            training = Shareable()
            training.set_header(AppConstants.NUM_ROUNDS, self._num_rounds)
            training.set_header(SplitNNConstants.BATCH_SIZE, self.batch_size)
            training.set_header(SplitNNConstants.TARGET_NAMES, self.targets_names)
            self._ask(self.train_task_name, training, abort_signal, fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"split learning failed: {e}")
            self.system_panic(f"split learning failed: {e}", fl_ctx)

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Nothing is left to stop."""

    def _component(self, component_id: str, role: type, fl_ctx: FLContext) -> Any:
        found = fl_ctx.get_engine().get_component(component_id)
        if not isinstance(found, role):
            self.system_panic(
                f"component {component_id!r} must be a {role.__name__}, but is {type(found).__name__}", fl_ctx
            )
            return None
        return found

    def _ask(self, name: str, data: Shareable, abort_signal: Signal, fl_ctx: FLContext) -> None:
        for client in fl_ctx.get_engine().get_clients():
            if client.name not in self.targets_names:
                self.system_panic(f"client {client.name} is none of {self.targets_names}", fl_ctx)
        self.broadcast_and_wait(
            task=Task(name=name, data=data, result_received_cb=self._take),
            min_responses=self.nr_supported_clients,
            wait_time_after_min_received=0,
            fl_ctx=fl_ctx,
            abort_signal=abort_signal,
        )

    def _take(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        name, result = client_task.task.name, client_task.result
        code = result.get_return_code() if result is not None else ReturnCode.EMPTY_RESULT
        if code and code != ReturnCode.OK:
            if self.ignore_result_error:
                self.log_error(fl_ctx, f"the result of task {name} is ignored: {code}")
                return
            if code in _FATAL:
                self.system_panic(f"{client_task.client.name} failed in task {name}: {code}", fl_ctx)
                return
        client_task.task.set_prop(SplitNNConstants.TASK_RESULT, result)


class SplitNNLearnerExecutor(Executor):
    """Has the Learner of the id `learner_id` make its part of the model (`init_model`) and train (`train`)."""

    _EVENTS = frozenset({EventType.START_RUN, EventType.ABORT_TASK, EventType.END_RUN})

    def __init__(
        self,
        learner_id: str,
        init_model_task_name: str = SplitNNConstants.TASK_INIT_MODEL,
        train_task_name: str = SplitNNConstants.TASK_TRAIN,
    ) -> None:
        super().__init__()
        self.learner_id = learner_id
        self.init_model_task_name = init_model_task_name
        self.train_task_name = train_task_name
        self.learner: Any = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._initialize(fl_ctx)
        elif event_type == EventType.ABORT_TASK and self.learner:
            self._guarded("abort", fl_ctx)
        elif event_type == EventType.END_RUN and self.learner:
            self._guarded("finalize", fl_ctx)

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        methods = {self.init_model_task_name: "init_model", self.train_task_name: "train"}
        if task_name not in methods:
            self.log_error(fl_ctx, f"task {task_name!r} is none of {', '.join(methods)}")
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            reply: Shareable = getattr(self.learner, methods[task_name])(
                shareable=shareable, fl_ctx=fl_ctx, abort_signal=abort_signal
            )
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner failed in task {task_name}: {e}")
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        return reply

    def _initialize(self, fl_ctx: FLContext) -> None:
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

    def _guarded(self, method: str, fl_ctx: FLContext) -> None:
        try:
            getattr(self.learner, method)(fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"the learner's {method} failed: {e}")


def _check(name: str, value: Any, cls: type) -> None:
    if not isinstance(value, cls):
        raise TypeError(f"{name} must be {cls.__name__}, but got {type(value).__name__}")
