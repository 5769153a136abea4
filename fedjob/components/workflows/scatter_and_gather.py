"""ScatterAndGather: all sites train, an aggregator combines, a shareable generator updates the model.

Answers ``nvflare.app_common.workflows.scatter_and_gather``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.aggregator import Aggregator
from fedjob.components.checks import (
    check_non_negative_int,
    check_positive_int,
    check_positive_number,
    check_str,
)
from fedjob.components.controller import Controller
from fedjob.components.generator import ShareableGenerator
from fedjob.components.persistor import LearnablePersistor
from fedjob.components.task import ClientTask, OperatorMethod, Task, TaskOperatorKey, let_go, only_fires
from fedjob.components.workflows.error_policy import ErrorPolicy
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.client import Client
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.learnable import ModelLearnable, make_model_learnable
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class ScatterAndGather(Controller):
    """A round ends when all sites have answered, `wait_time_after_min_received` seconds after `min_clients` have, or after
    `train_timeout` seconds (0: never).

    `ignore_result_error` is FLARE's policy on sites' errors (see ErrorPolicy). `memory_gc_rounds`,
    `snapshot_every_n_rounds` and `enable_tensor_disk_offload` have no effect here. Raises TypeError or ValueError for bad
    arguments.
    """

    def __init__(
        self,
        min_clients: int = 1000,
        num_rounds: int = 5,
        start_round: int = 0,
        wait_time_after_min_received: int = 10,
        aggregator_id: str = AppConstants.DEFAULT_AGGREGATOR_ID,
        persistor_id: str = "",
        shareable_generator_id: str = AppConstants.DEFAULT_SHAREABLE_GENERATOR_ID,
        train_task_name: str = AppConstants.TASK_TRAIN,
        train_timeout: int = 0,
        ignore_result_error: bool | None = None,
        allow_empty_global_weights: bool = False,
        task_check_period: float = 0.5,
        persist_every_n_rounds: int = 1,
        snapshot_every_n_rounds: int = 1,
        memory_gc_rounds: int = 1,
        enable_tensor_disk_offload: bool = False,
    ) -> None:
        super().__init__(task_check_period=task_check_period)
        check_positive_int("min_clients", min_clients)
        check_non_negative_int("num_rounds", num_rounds)
        check_non_negative_int("start_round", start_round)
        check_non_negative_int("wait_time_after_min_received", wait_time_after_min_received)
        check_non_negative_int("train_timeout", train_timeout)
        check_non_negative_int("persist_every_n_rounds", persist_every_n_rounds)
        check_non_negative_int("snapshot_every_n_rounds", snapshot_every_n_rounds)
        check_non_negative_int("memory_gc_rounds", memory_gc_rounds)
        check_str("aggregator_id", aggregator_id)
        check_str("persistor_id", persistor_id)
        check_str("shareable_generator_id", shareable_generator_id)
        check_str("train_task_name", train_task_name)
        check_positive_number("task_check_period", task_check_period)
        self._min_clients = min_clients
        self._num_rounds = num_rounds
        self._start_round = start_round
        self._wait_time_after_min_received = wait_time_after_min_received
        self.aggregator_id = aggregator_id
        self.persistor_id = persistor_id
        self.shareable_generator_id = shareable_generator_id
        self.train_task_name = train_task_name
        self._train_timeout = train_timeout
        self.ignore_result_error = ignore_result_error
        self.allow_empty_global_weights = allow_empty_global_weights
        self._persist_every_n_rounds = persist_every_n_rounds
        self._snapshot_every_n_rounds = snapshot_every_n_rounds
        self._memory_gc_rounds = memory_gc_rounds
        self.enable_tensor_disk_offload = enable_tensor_disk_offload
        self.aggregator: Any = None
        self.persistor: Any = None
        self.shareable_gen: Any = None
        self._phase = AppConstants.PHASE_INIT
        self._global_weights: Any = make_model_learnable({}, {})
        self._current_round: int | None = None
        self._policy = ErrorPolicy(ignore_result_error)

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Find the components and load the model; ends the run when one is missing or of the wrong class."""
        self._phase = AppConstants.PHASE_INIT
        self.aggregator = self._require(self.aggregator_id, Aggregator, fl_ctx)
        self.shareable_gen = self._require(self.shareable_generator_id, ShareableGenerator, fl_ctx)
        if self.persistor_id:
            self.persistor = self._require(self.persistor_id, LearnablePersistor, fl_ctx)
        if None in {self.aggregator, self.shareable_gen} or (self.persistor_id and self.persistor is None):
            return
        fl_ctx.set_prop(AppConstants.START_ROUND, self._start_round, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.NUM_ROUNDS, self._num_rounds, private=True, sticky=False)
        if self.persistor:
            self._load_model(fl_ctx)

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        self._phase = AppConstants.PHASE_TRAIN
        fl_ctx.set_prop(AppConstants.PHASE, self._phase, private=True, sticky=False)
        fl_ctx.set_prop(AppConstants.NUM_ROUNDS, self._num_rounds, private=True, sticky=False)
        try:
            self.fire_event(AppEventType.TRAINING_STARTED, fl_ctx)
            for number in range(self._start_round, self._start_round + self._num_rounds):
                self._current_round = number
                if not self._round(number, abort_signal, fl_ctx):
                    self.log_info(fl_ctx, f"aborted in round {number}")
                    break
        except Exception as e:
            reason = f"{type(self).__name__} failed in round {self._current_round}: {type(e).__name__}: {e}"
            self.log_exception(fl_ctx, reason)
            fl_ctx.get_engine().note_exception(e)
            self.system_panic(reason, fl_ctx)
        self._phase = AppConstants.PHASE_FINISHED

    def stop_controller(self, fl_ctx: FLContext) -> None:
        self._phase = AppConstants.PHASE_FINISHED

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        """A late result goes to the aggregator, which decides by its round."""
        if self._phase == AppConstants.PHASE_TRAIN and task_name == self.train_task_name:
            self._accept_train_result(client.name, result, fl_ctx, is_unknown_task=True)
        else:
            self.log_error(fl_ctx, f"a result of the unknown task {task_name} is ignored")

    def get_persist_state(self, fl_ctx: FLContext) -> dict[str, Any]:
        return {
            "current_round": self._current_round,
            "start_round": self._start_round,
            "num_rounds": self._num_rounds,
            "global_weights": self._global_weights,
        }

    def restore(self, state_data: dict[str, Any], fl_ctx: FLContext) -> None:
        self._current_round = state_data.get("current_round")
        self._start_round = state_data["start_round"]
        self._num_rounds = state_data["num_rounds"]
        self._global_weights = state_data.get("global_weights")

    def _require(self, component_id: str, role: type, fl_ctx: FLContext) -> Any:
        found = self._engine.get_component(component_id)
        if isinstance(found, role):
            return found
        self.system_panic(
            f"component {component_id!r} must be a {role.__name__}, but is {type(found).__name__}", fl_ctx
        )
        return None

    def _load_model(self, fl_ctx: FLContext) -> None:
        model = self.persistor.load(fl_ctx)
        if isinstance(model, ModelLearnable) and model.is_empty() and not self.allow_empty_global_weights:
            model = fl_ctx.get_prop(AppConstants.GLOBAL_MODEL)
        if not isinstance(model, ModelLearnable):
            self.system_panic(
                f"the model to start from must be a ModelLearnable, but is {type(model).__name__}", fl_ctx
            )
            return
        self._global_weights = model
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, model, private=True, sticky=True)
        self.fire_event(AppEventType.INITIAL_MODEL_LOADED, fl_ctx)

    def _round(self, number: int, abort_signal: Signal, fl_ctx: FLContext) -> bool:
        """One round; False when the run is being aborted."""
        if abort_signal.triggered:
            return False
        self.log_info(fl_ctx, f"Round {number} started.")
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, self._global_weights, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.CURRENT_ROUND, number, private=True, sticky=True)
        self.fire_event(AppEventType.ROUND_STARTED, fl_ctx)
        self._scatter(number, abort_signal, fl_ctx)
        if abort_signal.triggered:
            return False
        self._gather(fl_ctx)
        if abort_signal.triggered:
            return False
        self._persist(number, fl_ctx)
        self.fire_event(AppEventType.ROUND_DONE, fl_ctx)
        self.log_info(fl_ctx, f"Round {number} finished.")
        self._current_round = number + 1
        self.aggregator.reset(fl_ctx)
        return True

    def _train_data(self, number: int, fl_ctx: FLContext) -> Shareable:
        data: Shareable = self.shareable_gen.learnable_to_shareable(self._global_weights, fl_ctx)
        data.set_header(AppConstants.CURRENT_ROUND, number)
        data.set_header(AppConstants.NUM_ROUNDS, self._num_rounds)
        data.add_cookie(AppConstants.CONTRIBUTION_ROUND, number)
        return data

    def _scatter(self, number: int, abort_signal: Signal, fl_ctx: FLContext) -> None:
        task = Task(
            name=self.train_task_name,
            data=self._train_data(number, fl_ctx),
            operator={
                TaskOperatorKey.OP_ID: self.train_task_name,
                TaskOperatorKey.METHOD: OperatorMethod.BROADCAST,
                TaskOperatorKey.TIMEOUT: self._train_timeout,
                TaskOperatorKey.AGGREGATOR: self.aggregator_id,
            },
            props={},
            timeout=self._train_timeout,
            before_task_sent_cb=self._prepare_train_task_data,
            result_received_cb=self._process_train_result,
        )
        self._policy = ErrorPolicy(
            self.ignore_result_error, len(self._engine.get_clients()), self._min_clients
        )
        self.broadcast_and_wait(
            task=task,
            min_responses=self._min_clients,
            wait_time_after_min_received=self._wait_time_after_min_received,
            fl_ctx=fl_ctx,
            abort_signal=abort_signal,
        )
        let_go(task)

    def _gather(self, fl_ctx: FLContext) -> None:
        self.fire_event(AppEventType.BEFORE_AGGREGATION, fl_ctx)
        aggregate = self.aggregator.aggregate(fl_ctx)
        self.fire_event_with_data(
            AppEventType.AFTER_AGGREGATION, fl_ctx, AppConstants.AGGREGATION_RESULT, aggregate
        )
        self.fire_event(AppEventType.BEFORE_SHAREABLE_TO_LEARNABLE, fl_ctx)
        self._global_weights = self.shareable_gen.shareable_to_learnable(aggregate, fl_ctx)
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, self._global_weights, private=True, sticky=True)
        self.fire_event(AppEventType.AFTER_SHAREABLE_TO_LEARNABLE, fl_ctx)

    def _persist(self, number: int, fl_ctx: FLContext) -> None:
        every = self._persist_every_n_rounds
        last = number == self._start_round + self._num_rounds - 1
        if self.persistor and (last or (every != 0 and (number + 1) % every == 0)):
            self.fire_event(AppEventType.BEFORE_LEARNABLE_PERSIST, fl_ctx)
            self.persistor.save(self._global_weights, fl_ctx)
            self.fire_event(AppEventType.AFTER_LEARNABLE_PERSIST, fl_ctx)

    @only_fires(AppEventType.BEFORE_TRAIN_TASK)
    def _prepare_train_task_data(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        self.fire_event_with_data(
            AppEventType.BEFORE_TRAIN_TASK, fl_ctx, AppConstants.TRAIN_SHAREABLE, client_task.task.data
        )

    def _process_train_result(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        assert client_task.result is not None
        self._accept_train_result(client_task.client.name, client_task.result, fl_ctx)
        client_task.result = None

    def _accept_train_result(
        self, client_name: str, result: Shareable, fl_ctx: FLContext, is_unknown_task: bool = False
    ) -> bool:
        """Hand a result to the aggregator; whether it was used."""
        rc = result.get_return_code()
        if rc and rc != ReturnCode.OK:
            # A late error has no task any more whose tolerance could be judged.
            policy = ErrorPolicy(True) if is_unknown_task else self._policy
            survives = policy.survives(client_name)
            sentence = policy.sentence(client_name, rc, self._current_round, type(self).__name__)
            if survives:
                self.log_warning(fl_ctx, sentence)
            else:
                self.system_panic(sentence, fl_ctx)
            return False
        fl_ctx.set_prop(AppConstants.CURRENT_ROUND, self._current_round, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.TRAINING_RESULT, result, private=True, sticky=False)
        self.fire_event(AppEventType.BEFORE_CONTRIBUTION_ACCEPT, fl_ctx)
        accepted: bool = self.aggregator.accept(result, fl_ctx)
        verdict = "ACCEPTED" if accepted else "REJECTED"
        self.log_info(fl_ctx, f"Contribution from {client_name} {verdict} at round {self._current_round}.")
        fl_ctx.set_prop(AppConstants.AGGREGATION_ACCEPTED, accepted, private=True, sticky=False)
        self.fire_event(AppEventType.AFTER_CONTRIBUTION_ACCEPT, fl_ctx)
        return accepted
