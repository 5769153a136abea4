"""NPValidator: pretends to validate one numpy array.

Answers ``nvflare.app_common.np.np_validator``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fedjob.components.np.trainer import wait
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants, NPConstants
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class NPValidator(Executor):
    """The accuracy is the sum of the array over its maximum, plus a random number below 1; `epsilon` has no effect.

    A submit_model task is answered OK, without a model. `sleep_time` is in seconds. Up to FLARE 2.6 there was a
    `validate_task_name` as well. Raises TypeError for another argument.
    """

    def __init__(self, epsilon: float = 1, sleep_time: float = 0, **former: Any) -> None:
        super().__init__()
        self._validate_task_name = former.pop("validate_task_name", AppConstants.TASK_VALIDATION)
        if former:
            raise TypeError(f"NPValidator takes no {', '.join(former)}")
        self._random_epsilon = epsilon
        self._sleep_time = sleep_time

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        wait(self._sleep_time, abort_signal)
        if abort_signal.triggered:
            return make_reply(ReturnCode.TASK_ABORTED)
        if task_name == AppConstants.TASK_SUBMIT_MODEL:
            return make_reply(ReturnCode.OK)
        if task_name != self._validate_task_name:
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            dxo = from_shareable(shareable)
        except Exception as e:
            self.log_error(fl_ctx, f"the task carries no model: {e}")
            return make_reply(ReturnCode.BAD_TASK_DATA)
        if not dxo.data or dxo.data_kind != DataKind.WEIGHTS or NPConstants.NUMPY_KEY not in dxo.data:
            self.log_error(fl_ctx, f"the model must be WEIGHTS with {NPConstants.NUMPY_KEY}")
            return make_reply(ReturnCode.BAD_TASK_DATA)
        array = dxo.data[NPConstants.NUMPY_KEY]
        # The site's own generator, so that a seeded run repeats it.
        accuracy = np.sum(array / np.max(array)) + np.random.random()  # noqa: NPY002
        return DXO(data_kind=DataKind.METRICS, data={"accuracy": accuracy}).to_shareable()
