"""NPTrainer: pretends to train one numpy array by adding a number to it.

Answers ``nvflare.app_common.np.np_trainer``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from fedjob.components.paths import resolve_path_under_root
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants, NPConstants
from fedjob.exchange.dxo import DXO, DataKind, MetaKey, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class NPTrainer(Executor):
    """Adds `delta` per round and keeps the result as `model_name` in `model_dir` of the run directory.

    `sleep_time` is in seconds. Raises TypeError for a `delta` that is no number.
    """

    def __init__(
        self,
        delta: float = 1,
        sleep_time: float = 0,
        train_task_name: str = AppConstants.TASK_TRAIN,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        model_name: str = "best_numpy.npy",
        model_dir: str = "model",
    ) -> None:
        super().__init__()
        if not isinstance(delta, (int, float)):
            raise TypeError(f"delta must be a number, but got {type(delta).__name__}")
        self._delta = delta
        self._sleep_time = sleep_time
        self._train_task_name = train_task_name
        self._submit_model_task_name = submit_model_task_name
        self._model_name = model_name
        self._model_dir = model_dir

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        wait(self._sleep_time, abort_signal)
        if abort_signal.triggered:
            return make_reply(ReturnCode.TASK_ABORTED)
        if task_name == self._train_task_name:
            return self._train(shareable, fl_ctx)
        if task_name == self._submit_model_task_name:
            return self._submit_model(fl_ctx)
        return make_reply(ReturnCode.TASK_UNKNOWN)

    def _train(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        problem, data = None, None
        try:
            dxo = from_shareable(shareable)
            data = dxo.data
            if dxo.data_kind != DataKind.WEIGHTS:
                problem = f"the model must be of kind WEIGHTS, but is {dxo.data_kind}"
        except Exception as e:
            problem = f"the task carries no model: {e}"
        if problem:
            self.system_panic(problem, fl_ctx)
        if problem or not data or NPConstants.NUMPY_KEY not in data:
            self.log_error(fl_ctx, problem or f"the model has no {NPConstants.NUMPY_KEY}")
            return make_reply(ReturnCode.BAD_TASK_DATA)
        data[NPConstants.NUMPY_KEY] += self._delta
        path = self._path(fl_ctx)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, data[NPConstants.NUMPY_KEY])
        meta = {MetaKey.NUM_STEPS_CURRENT_ROUND: 1}
        return DXO(data_kind=DataKind.WEIGHTS, data=data, meta=meta).to_shareable()

    def _submit_model(self, fl_ctx: FLContext) -> Shareable:
        try:
            array: Any = np.load(self._path(fl_ctx), allow_pickle=False)
        except (OSError, ValueError) as e:
            self.log_error(fl_ctx, f"there is no local model: {e}")
            return make_reply(ReturnCode.EXECUTION_RESULT_ERROR)
        return DXO(data_kind=DataKind.WEIGHTS, data={NPConstants.NUMPY_KEY: array}).to_shareable()

    def _path(self, fl_ctx: FLContext) -> Path:
        root = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_prop(FLContextKey.CURRENT_RUN))
        relative = str(Path(self._model_dir) / self._model_name)
        return Path(resolve_path_under_root(root, relative, "model path"))


def wait(seconds: float, abort_signal: Signal) -> None:
    """Sleep in half seconds, as long as nobody aborts."""
    waited = 0.0
    while waited < seconds and not abort_signal.triggered:
        time.sleep(0.5)
        waited += 0.5
