"""CyclicController: the model goes from site to site as one relayed task per round.

Answers ``nvflare.app_common.workflows.cyclic_ctl``.
"""

from __future__ import annotations

import random
from typing import Any

from fedjob.components.checks import check_non_negative_int, check_object_type, check_str
from fedjob.components.controller import Controller
from fedjob.components.generator import ShareableGenerator
from fedjob.components.persistor import LearnablePersistor
from fedjob.components.task import ClientTask, Task, let_go
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.client import Client
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class RelayOrder:
    """In which order the sites take their turns."""

    FIXED = "FIXED"
    RANDOM = "RANDOM"
    RANDOM_WITHOUT_SAME_IN_A_ROW = "RANDOM_WITHOUT_SAME_IN_A_ROW"


SUPPORTED_ORDERS = (RelayOrder.FIXED, RelayOrder.RANDOM, RelayOrder.RANDOM_WITHOUT_SAME_IN_A_ROW)


class CyclicController(Controller):
    """`order` is one of RelayOrder, or a list of site names.

    A site's error ends the workflow, not the run; so does EARLY_TERMINATION, if `allow_early_termination`.
    `task_assignment_timeout` is in seconds; `snapshot_every_n_rounds` and `memory_gc_rounds` have no effect here.
    Raises TypeError or ValueError for bad arguments.
    """

    def __init__(
        self,
        num_rounds: int = 5,
        task_assignment_timeout: int = 10,
        persistor_id: str = "persistor",
        shareable_generator_id: str = "shareable_generator",
        task_name: str = "train",
        task_check_period: float = 0.5,
        persist_every_n_rounds: int = 1,
        snapshot_every_n_rounds: int = 1,
        order: str | list[str] = RelayOrder.FIXED,
        allow_early_termination: bool = False,
        memory_gc_rounds: int = 1,
    ) -> None:
        super().__init__(task_check_period=task_check_period)
        check_object_type("num_rounds", num_rounds, int)
        check_object_type("task_assignment_timeout", task_assignment_timeout, int)
        check_str("persistor_id", persistor_id)
        check_str("shareable_generator_id", shareable_generator_id)
        check_str("task_name", task_name)
        check_non_negative_int("memory_gc_rounds", memory_gc_rounds)
        if order not in SUPPORTED_ORDERS and not isinstance(order, list):
            raise ValueError(f"order must be one of {SUPPORTED_ORDERS} or a list of sites, but got {order!r}")
        self._num_rounds = num_rounds
        self.task_assignment_timeout = task_assignment_timeout
        self.persistor_id = persistor_id
        self.shareable_generator_id = shareable_generator_id
        self.task_name = task_name
        self._persist_every_n_rounds = persist_every_n_rounds
        self._snapshot_every_n_rounds = snapshot_every_n_rounds
        self._order = order
        self._allow_early_termination = allow_early_termination
        self._memory_gc_rounds = memory_gc_rounds
        self._start_round = 0
        self._end_round = num_rounds
        self._current_round = 0
        self._is_done = False
        self._last_learnable: Any = None
        self._last_client: Client | None = None
        self._participating_clients: list[Client] = []
        self.persistor: Any = None
        self.shareable_generator: Any = None

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Find the components and load the model; ends the run for a wrong component or fewer than two sites."""
        for attribute, component_id, role in (
            ("persistor", self.persistor_id, LearnablePersistor),
            ("shareable_generator", self.shareable_generator_id, ShareableGenerator),
        ):
            found = self._engine.get_component(component_id)
            if not isinstance(found, role):
                self.system_panic(
                    f"component {component_id!r} must be a {role.__name__}, but is {type(found).__name__}",
                    fl_ctx,
                )
                return
            setattr(self, attribute, found)
        self._last_learnable = self.persistor.load(fl_ctx)
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, self._last_learnable, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.NUM_ROUNDS, self._num_rounds, private=True, sticky=True)
        self.fire_event(AppEventType.INITIAL_MODEL_LOADED, fl_ctx)
        self._participating_clients = self._engine.get_clients()
        if len(self._participating_clients) <= 1:
            self.system_panic("a cycle needs at least two sites", fl_ctx)
        self._last_client = None

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        try:
            for number in range(self._start_round, self._end_round):
                self._current_round = number
                if self._is_done or abort_signal.triggered or not self._round(abort_signal, fl_ctx):
                    return
        except Exception as e:
            reason = f"the cycle failed in round {self._current_round}: {type(e).__name__}: {e}"
            self.log_exception(fl_ctx, reason)
            fl_ctx.get_engine().note_exception(e)
            self.system_panic(reason, fl_ctx)

    def stop_controller(self, fl_ctx: FLContext) -> None:
        if self.persistor is not None:
            self.persistor.save(learnable=self._last_learnable, fl_ctx=fl_ctx)

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        self.log_warning(fl_ctx, f"a result of the unknown task {task_name} from {client.name} is dropped")

    def get_persist_state(self, fl_ctx: FLContext) -> dict[str, Any]:
        return {
            "current_round": self._current_round,
            "end_round": self._end_round,
            "last_learnable": self._last_learnable,
        }

    def restore(self, state_data: dict[str, Any], fl_ctx: FLContext) -> None:
        self._start_round = self._current_round = state_data["current_round"]
        self._end_round = state_data["end_round"]
        self._last_learnable = state_data.get("last_learnable")

    def _round(self, abort_signal: Signal, fl_ctx: FLContext) -> bool:
        """One time round; False when there are not the sites for it."""
        fl_ctx.set_prop(AppConstants.CURRENT_ROUND, self._current_round, private=True, sticky=True)
        targets = self._get_relay_orders(fl_ctx)
        if targets is None:
            return False
        task = Task(name=self.task_name, data=self._data(fl_ctx), result_received_cb=self._process_result)
        self.relay_and_wait(
            task=task,
            targets=targets,
            task_assignment_timeout=self.task_assignment_timeout,
            fl_ctx=fl_ctx,
            dynamic_targets=False,
            abort_signal=abort_signal,
        )
        let_go(task)
        every = self._persist_every_n_rounds
        if every != 0 and (self._current_round + 1) % every == 0:
            self.fire_event(AppEventType.BEFORE_LEARNABLE_PERSIST, fl_ctx)
            self.persistor.save(self._last_learnable, fl_ctx)
            self.fire_event(AppEventType.AFTER_LEARNABLE_PERSIST, fl_ctx)
        return True

    def _data(self, fl_ctx: FLContext) -> Shareable:
        data: Shareable = self.shareable_generator.learnable_to_shareable(self._last_learnable, fl_ctx)
        data.set_header(AppConstants.CURRENT_ROUND, self._current_round)
        data.set_header(AppConstants.NUM_ROUNDS, self._num_rounds)
        data.add_cookie(AppConstants.CONTRIBUTION_ROUND, self._current_round)
        return data

    def _get_relay_orders(self, fl_ctx: FLContext) -> list[Client] | None:
        """The sites of this round, in their order; None when the run was ended for want of them."""
        active = {
            c.name: c for c in self._participating_clients if not self.get_client_disconnect_time(c.name)
        }
        if len(active) <= 1:
            self.system_panic(f"a cycle needs at least two sites, but there are {len(active)}", fl_ctx)
            return None
        if isinstance(self._order, list):
            missing = [name for name in self._order if name not in active]
            if missing:
                self.system_panic(f"the cycle names sites that are not there: {missing}", fl_ctx)
                return None
            targets = [active[name] for name in self._order]
        else:
            targets = list(active.values())
            if self._order != RelayOrder.FIXED:
                random.shuffle(targets)
            if self._order == RelayOrder.RANDOM_WITHOUT_SAME_IN_A_ROW and self._last_client == targets[0]:
                targets.append(targets.pop(0))
        self._last_client = targets[-1]
        return targets

    def _process_result(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        """Take the model over for the next site; an error or early end stops the workflow."""
        result, site = client_task.result, client_task.client.name
        if not isinstance(result, Shareable):
            self._stop(client_task.task, f"the result of {site} is no Shareable", fl_ctx)
            return
        rc = result.get_return_code()
        early = rc == ReturnCode.EARLY_TERMINATION
        if rc != ReturnCode.OK and not early:
            self._stop(client_task.task, f"{site} reports {rc}", fl_ctx)
            return
        try:
            self._last_learnable = self.shareable_generator.shareable_to_learnable(result, fl_ctx)
        except Exception as e:
            if not early:
                fl_ctx.get_engine().note_exception(e)
                self._stop(client_task.task, f"the result of {site} makes no model: {e}", fl_ctx)
                return
            self.log_warning(fl_ctx, f"the result of {site}, which ends early, makes no model: {e}")
        if early and self._allow_early_termination:
            self._stop(client_task.task, f"{site} ends early", fl_ctx)
            return
        if early:
            self.log_warning(fl_ctx, f"{site} would end early, which is not allowed")
        client_task.task.data = self._data(fl_ctx)

    def _stop(self, task: Task, why: str, fl_ctx: FLContext) -> None:
        self.cancel_task(task)
        self._is_done = True
        self.log_error(fl_ctx, f"the cycle stops: {why}")
