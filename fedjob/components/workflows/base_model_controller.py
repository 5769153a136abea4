"""Workflows that exchange FLModels: sending, receiving, loading and saving the global model.

Answers ``nvflare.app_common.workflows.base_model_controller.BaseModelController``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

from fedjob.components.controller import Controller
from fedjob.components.persistor import LearnablePersistor
from fedjob.components.task import ClientTask, OperatorMethod, Task, TaskOperatorKey, let_go, only_fires
from fedjob.components.workflows.error_policy import ErrorPolicy
from fedjob.components.workflows.wrapper import FLComponentWrapper
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.client import Client
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal

Targets = list[Client] | list[str] | None
Callback = Callable[[FLModel], Any]


# FLARE gives `initialize` two meanings: the engine passes a context, a wrapper's takes none.
class BaseModelController(Controller, FLComponentWrapper):  # type: ignore[misc]
    """Sends FLModels to sites and takes FLModels back.

    `persistor_id` names the component that loads and saves the global model; without one the model
    starts empty. `task_check_period` is in seconds. Raises TypeError or ValueError for bad arguments.
    """

    def __init__(
        self,
        persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID,
        ignore_result_error: bool | None = None,
        allow_empty_global_weights: bool = False,
        task_check_period: float = 0.5,
    ) -> None:
        super().__init__(task_check_period=task_check_period)
        if not isinstance(persistor_id, str):
            raise TypeError(f"persistor_id must be str, but got {type(persistor_id).__name__}")
        if not isinstance(task_check_period, (int, float)):
            raise TypeError(f"task_check_period must be a number, but got {type(task_check_period).__name__}")
        if task_check_period <= 0:
            raise ValueError(f"task_check_period must be greater than 0, but got {task_check_period}")
        self._persistor_id = persistor_id
        self._ignore_result_error = ignore_result_error
        self._allow_empty_global_weights = allow_empty_global_weights
        self.persistor: Any = None
        self._results: list[FLModel] = []
        self._policy = ErrorPolicy(ignore_result_error)

    def start_controller(self, fl_ctx: FLContext) -> None:
        self.fl_ctx = fl_ctx
        self.engine = fl_ctx.get_engine()
        if self._persistor_id:
            self.persistor = self.engine.get_component(self._persistor_id)
            if not isinstance(self.persistor, LearnablePersistor):
                self.warning(
                    f"component {self._persistor_id!r} must be a LearnablePersistor to be used as persistor, "
                    f"but it is {type(self.persistor).__name__}"
                )
                self.persistor = None
        FLComponentWrapper.initialize(self)

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        self.fl_ctx = fl_ctx
        self.abort_signal = abort_signal
        try:
            self.event(AppEventType.TRAINING_STARTED)
            self.run()
        except Exception as e:
            reason = f"{type(self).__name__}.run() raised {type(e).__name__}: {e}"
            self.exception(reason)
            fl_ctx.get_engine().note_exception(e)
            self.panic(reason)

    def run(self) -> None:
        """The workflow; subclasses write it."""
        raise NotImplementedError

    def stop_controller(self, fl_ctx: FLContext) -> None:
        self.fl_ctx = fl_ctx
        self.finalize()

    # Sending.

    def broadcast_model(
        self,
        data: FLModel | None,
        task_name: str = AppConstants.TASK_TRAIN,
        targets: Targets = None,
        min_responses: int | None = None,
        timeout: int = 0,
        wait_time_after_min_received: int = 0,
        blocking: bool = True,
        callback: Callback | None = None,
    ) -> list[FLModel] | None:
        """Send `data` to `targets` (all sites by default) as a task.

        Blocking, the results in site order; else None, and `callback(result)` is called with each.
        `min_responses` None waits for all targets; `timeout` and `wait_time_after_min_received` are
        whole seconds. Raises TypeError or ValueError for bad arguments.
        """
        _require("task_name", task_name, str)
        if not isinstance(data, FLModel):
            raise TypeError(f"data must be a FLModel, but got {type(data).__name__}")
        responses = min_responses or 0
        for name, value in (
            ("min_responses", responses),
            ("timeout", timeout),
            ("wait_time_after_min_received", wait_time_after_min_received),
        ):
            _require_non_negative(name, value)
        if not blocking and not callable(callback):
            raise TypeError(f"callback must be callable when blocking is False, but got {callback!r}")

        names = [t.name if isinstance(t, Client) else t for t in targets] if targets else None
        count = len(names) if names else len(self.engine.get_clients())
        self._policy = ErrorPolicy(self._ignore_result_error, count, responses or count)
        self.set_fl_context(data)
        task = self._task(data, task_name, timeout, callback)
        # Thousands of names are not put into words for nobody.
        if self.logger.isEnabledFor(logging.INFO):
            self.info(f"Sending task {task_name} to {names or 'all clients'}")
        if not blocking:
            self.broadcast(task, self.fl_ctx, names, responses, wait_time_after_min_received)
            return None
        self._results = []
        self.broadcast_and_wait(
            task, self.fl_ctx, names, responses, wait_time_after_min_received, self.abort_signal
        )
        results, self._results = self._results, []
        if names is not None and len(results) != (responses or len(names)):
            self.warning(
                f"Number of results ({len(results)}) is different from number of expected responses "
                f"({responses or len(names)})."
            )
        return results

    def _task(self, data: FLModel, name: str, timeout: int, callback: Callback | None) -> Task:
        shareable = FLModelUtils.to_shareable(data)
        shareable.add_cookie(
            AppConstants.CONTRIBUTION_ROUND, shareable.get_header(AppConstants.CURRENT_ROUND)
        )
        return Task(
            name=name,
            data=shareable,
            operator={
                TaskOperatorKey.OP_ID: name,
                TaskOperatorKey.METHOD: OperatorMethod.BROADCAST,
                TaskOperatorKey.TIMEOUT: timeout,
            },
            props={AppConstants.TASK_PROP_CALLBACK: callback, AppConstants.META_DATA: data.meta},
            timeout=timeout,
            before_task_sent_cb=self._prepare_task_data,
            result_received_cb=self._process_result,
            task_done_cb=let_go,
        )

    @only_fires(AppEventType.BEFORE_TRAIN_TASK)
    def _prepare_task_data(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        self.fire_event_with_data(
            AppEventType.BEFORE_TRAIN_TASK, fl_ctx, AppConstants.TRAIN_SHAREABLE, client_task.task.data
        )

    # Receiving.

    def _process_result(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        self.fl_ctx = fl_ctx
        result = client_task.result
        assert result is not None
        number = client_task.task.data.get_header(AppConstants.CURRENT_ROUND)
        number = result.get_header(AppConstants.CURRENT_ROUND) if number is None else number
        if number is not None:
            self._set_ctx_prop_preserving_attrs(fl_ctx, AppConstants.CURRENT_ROUND, number)
        try:
            self.event(AppEventType.BEFORE_CONTRIBUTION_ACCEPT)
            accepted = self._accept_train_result(client_task.client.name, result, fl_ctx)
            accepted = accepted and self._hand_over(client_task, result)
            self._set_ctx_prop_preserving_attrs(fl_ctx, AppConstants.AGGREGATION_ACCEPTED, accepted)
            self.event(AppEventType.AFTER_CONTRIBUTION_ACCEPT)
        finally:
            self._set_ctx_prop_preserving_attrs(fl_ctx, AppConstants.TRAINING_RESULT, None)
            client_task.result = None

    def _hand_over(self, client_task: ClientTask, result: Shareable) -> bool:
        """Give an accepted result to whoever waits for it; whether it was used."""
        site = client_task.client.name
        try:
            model = FLModelUtils.from_shareable(result)
        except Exception as e:
            self.warning(f"Failed to convert result from {site} to FLModel: {e}")
            self.engine.note_exception(e, site=site)
            return False
        model.meta["props"] = client_task.task.props[AppConstants.META_DATA]
        model.meta["client_name"] = site
        return self._call_back(client_task.task, model)

    def _call_back(self, task: Task, model: FLModel) -> bool:
        callback = task.get_prop(AppConstants.TASK_PROP_CALLBACK)
        if callback is None:
            self._results.append(model)
            return True
        try:
            return callback(model) is not False
        except Exception as e:
            self.error(f"Unsuccessful callback {callback} for task {task.name}: {e}")
            self.engine.note_exception(e)
            return False

    def _accept_train_result(
        self, client_name: str, result: Shareable, fl_ctx: FLContext, is_unknown_task: bool = False
    ) -> bool:
        """Whether a reply may be used; an error is ignored or ends the run, as the error policy says."""
        self.fl_ctx = fl_ctx
        rc = result.get_return_code()
        if rc and rc != ReturnCode.OK:
            # A late error has no task any more whose tolerance could be judged.
            policy = ErrorPolicy(True) if is_unknown_task else self._policy
            survives = policy.survives(client_name)
            sentence = policy.sentence(
                client_name, rc, result.get_header(AppConstants.CURRENT_ROUND), type(self).__name__
            )
            if survives:
                self.warning(sentence)
            else:
                self.panic(sentence)
            return False
        fl_ctx.set_prop(AppConstants.TRAINING_RESULT, result, private=True, sticky=False)
        return True

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        if task_name == AppConstants.TASK_TRAIN:
            self._accept_train_result(client.name, result, fl_ctx, is_unknown_task=True)
        else:
            self.error("Ignoring result from unknown task.")

    # The global model.

    def load_model(self) -> Any:
        """The global model to start from, from the persistor or empty; None after a panic."""
        if self.persistor is None:
            self.info("persistor not configured, creating empty initial FLModel")
            model: FLModel | None = FLModel(params_type=ParamsType.FULL, params={})
        else:
            model = self._loaded()
        if model is None:
            return None
        learnable = make_model_learnable(model.params, model.meta)
        self.fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, learnable, private=True, sticky=True)
        self.event(AppEventType.INITIAL_MODEL_LOADED)
        return model

    def _loaded(self) -> FLModel | None:
        weights = self.persistor.load(self.fl_ctx)
        if not isinstance(weights, ModelLearnable):
            self.panic(f"the persistor must load a ModelLearnable, but it returned {type(weights).__name__}")
            return None
        if weights.is_empty() and not self._allow_empty_global_weights:
            weights = self.fl_ctx.get_prop(AppConstants.GLOBAL_MODEL) or weights
        if not weights.is_empty():
            return FLModel(
                params_type=ParamsType.FULL,
                params=weights[ModelLearnableKey.WEIGHTS],
                meta=weights[ModelLearnableKey.META],
            )
        if self._allow_empty_global_weights:
            return FLModel(params_type=ParamsType.FULL, params={})
        self.panic(
            f"neither the persistor {self._persistor_id!r} nor the context has a global model; "
            "set allow_empty_global_weights=True if sites are to start without one"
        )
        return None

    def save_model(self, model: FLModel) -> None:
        """Save the global model through the persistor; without one, an error is logged and nothing saved."""
        if self.persistor is None:
            self.error("persistor not configured, model will not be saved")
            return
        self.event(AppEventType.BEFORE_LEARNABLE_PERSIST)
        self.persistor.save(make_model_learnable(model.params, model.meta), self.fl_ctx)
        self.event(AppEventType.AFTER_LEARNABLE_PERSIST)

    # Small things that subclasses call.

    def sample_clients(self, num_clients: int | None = None) -> list[str]:
        """Names of `num_clients` sites: a random choice if there are more, all of them otherwise."""
        clients = [client.name for client in self.engine.get_clients()]
        if num_clients:
            _require("num_clients", num_clients, int)
            if num_clients < 1:
                raise ValueError(f"num_clients must be a positive integer, but got {num_clients}")
            if num_clients < len(clients):
                random.shuffle(clients)
                clients = clients[:num_clients]
            elif num_clients > len(clients):
                self.error(
                    f"num_clients ({num_clients}) is greater than the number of available clients. "
                    f"Returning all ({len(clients)}) available clients."
                )
        if self.logger.isEnabledFor(logging.INFO):
            self.info(f"Sampled clients: {clients}")
        return clients

    def set_fl_context(self, data: FLModel) -> None:
        """Keep the context's round numbers in step with the model that is sent."""
        if data.current_round is not None:
            self._set_ctx_prop_preserving_attrs(self.fl_ctx, AppConstants.CURRENT_ROUND, data.current_round)
        if data.total_rounds is not None:
            self._set_ctx_prop_preserving_attrs(self.fl_ctx, AppConstants.NUM_ROUNDS, data.total_rounds)

    def get_run_dir(self) -> Any:
        return self.engine.get_workspace().get_run_dir(self.fl_ctx.get_job_id())

    def get_app_dir(self) -> Any:
        return self.engine.get_workspace().get_app_dir(self.fl_ctx.get_job_id())

    def build_component(self, config_dict: dict[str, Any]) -> Any:
        return self.engine.build_component(config_dict)

    @staticmethod
    def _set_ctx_prop_preserving_attrs(
        fl_ctx: FLContext,
        key: str,
        value: Any,
        default_private: bool = True,
        default_sticky: bool = False,
    ) -> None:
        private, sticky = default_private, default_sticky
        if key in fl_ctx.props:
            detail = fl_ctx.get_prop_detail(key)
            assert detail is not None
            private, sticky = detail["private"], detail["sticky"]
        fl_ctx.set_prop(key, value, private=private, sticky=sticky)


def _require(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, but got {type(value).__name__}")


def _require_non_negative(name: str, value: Any) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} must be an int, but got {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name} must not be negative, but got {value}")
