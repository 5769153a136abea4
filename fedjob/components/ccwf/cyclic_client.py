"""CyclicClientController: train, then pass the model on to the next site.

Answers ``nvflare.app_common.ccwf.cyclic_client_ctl``.
"""

from __future__ import annotations

import random

from fedjob.components.ccwf.client import ClientSideController
from fedjob.components.ccwf.common import Constant, CyclicOrder, ResultType, rotate_to_front
from fedjob.components.checks import check_non_empty_str
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class CyclicClientController(ClientSideController):
    """Raises TypeError or ValueError for bad arguments."""

    def __init__(
        self,
        task_name_prefix: str = Constant.TN_PREFIX_CYCLIC,
        learn_task_name: str = AppConstants.TASK_TRAIN,
        persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID,
        shareable_generator_id: str = AppConstants.DEFAULT_SHAREABLE_GENERATOR_ID,
        learn_task_check_interval: float = Constant.LEARN_TASK_CHECK_INTERVAL,
        learn_task_abort_timeout: float = Constant.LEARN_TASK_ABORT_TIMEOUT,
        learn_task_ack_timeout: float = Constant.LEARN_TASK_ACK_TIMEOUT,
        final_result_ack_timeout: float = Constant.FINAL_RESULT_ACK_TIMEOUT,
    ) -> None:
        check_non_empty_str("learn_task_name", learn_task_name)
        check_non_empty_str("persistor_id", persistor_id)
        check_non_empty_str("shareable_generator_id", shareable_generator_id)
        super().__init__(
            task_name_prefix=task_name_prefix,
            learn_task_name=learn_task_name,
            persistor_id=persistor_id,
            shareable_generator_id=shareable_generator_id,
            learn_task_check_interval=learn_task_check_interval,
            learn_task_ack_timeout=learn_task_ack_timeout,
            learn_task_abort_timeout=learn_task_abort_timeout,
            final_result_ack_timeout=final_result_ack_timeout,
        )

    def start_workflow(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        order = list(self.get_config_prop(Constant.CLIENTS))
        rotate_to_front(self.me, order)
        self._set_headers(shareable, self.get_config_prop(Constant.START_ROUND, 0), order)
        self.set_learn_task(task_data=shareable, fl_ctx=fl_ctx)
        return make_reply(ReturnCode.OK)

    def do_learn_task(self, name: str, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> None:
        number: int = data.get_header(AppConstants.CURRENT_ROUND)
        order: list[str] = data.get_header(Constant.CLIENT_ORDER)
        self.update_status(last_round=number, action="start_learn_task")
        model = self.shareable_generator.shareable_to_learnable(data, fl_ctx)
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, model, private=True, sticky=True)
        data.set_header(FLContextKey.TASK_NAME, name)
        result = self.execute_learn_task(data, fl_ctx, abort_signal)
        rc = result.get_return_code()
        if rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"the executor failed in round {number}: {rc}")
            self.update_status(action="do_learn_task", error=rc)
            return
        self.last_round = number
        learned = self.shareable_generator.shareable_to_learnable(result, fl_ctx)
        if order[-1] != self.me:
            self._pass_on(learned, order[order.index(self.me) + 1], number, order, fl_ctx)
        elif number - self.get_config_prop(Constant.START_ROUND, 0) + 1 >= self._num_rounds():
            self.record_last_result(fl_ctx, number, learned)
            self.broadcast_final_result(fl_ctx, ResultType.LAST, learned, round_num=number)
        else:
            if self.get_config_prop(Constant.ORDER) == CyclicOrder.RANDOM:
                self._shuffle(order)
            self._pass_on(learned, order[0], number + 1, order, fl_ctx)

    def _pass_on(
        self, learned: object, target: str, number: int, order: list[str], fl_ctx: FLContext
    ) -> None:
        data = self.shareable_generator.learnable_to_shareable(learned, fl_ctx)
        self._set_headers(data, number, order)
        self.send_learn_task(targets=[target], request=data, fl_ctx=fl_ctx)

    def _shuffle(self, order: list[str]) -> None:
        """A new order that does not begin with the site that has just had its turn."""
        random.shuffle(order)
        if order[0] == self.me:
            order.append(order.pop(0))

    def _num_rounds(self) -> int:
        rounds: int = self.get_config_prop(AppConstants.NUM_ROUNDS)
        return rounds

    def _set_headers(self, data: Shareable, number: int, order: list[str]) -> None:
        data.set_header(AppConstants.NUM_ROUNDS, self._num_rounds())
        data.set_header(AppConstants.CURRENT_ROUND, number)
        data.set_header(Constant.CLIENT_ORDER, order)
