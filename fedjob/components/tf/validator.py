"""TFValidator: evaluates a Keras model in cross-site evaluation, without a script.

Answers ``nvflare.app_opt.tf.tf_validator``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.persistors.tf_layers import unflat_layer_weights_dict
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class TFValidator(Executor):
    """Takes the metrics from ``metric_fn(model, data_loader)``, else loss and accuracy from ``model.evaluate(data_loader)``."""

    def __init__(self, model: Any, data_loader: Any = None, metric_fn: Any = None) -> None:
        super().__init__()
        self.model = model
        self.data_loader = data_loader
        self.metric_fn = metric_fn

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if task_name != AppConstants.TASK_VALIDATION:
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            dxo = from_shareable(shareable)
        except Exception as e:
            self.log_error(fl_ctx, f"the task carries no model: {e}")
            return make_reply(ReturnCode.BAD_TASK_DATA)
        if not dxo.data or dxo.data_kind != DataKind.WEIGHTS:
            self.log_error(fl_ctx, f"the model must be WEIGHTS, but is {dxo.data_kind}")
            return make_reply(ReturnCode.BAD_TASK_DATA)
        if abort_signal.triggered:
            return make_reply(ReturnCode.TASK_ABORTED)
        try:
            for layer, weights in unflat_layer_weights_dict(dxo.data).items():
                self.model.get_layer(name=layer).set_weights(weights)
            metrics = self._evaluate()
        except Exception as e:
            self.log_exception(fl_ctx, f"the model cannot be evaluated: {e}")
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        if abort_signal.triggered:
            return make_reply(ReturnCode.TASK_ABORTED)
        return DXO(data_kind=DataKind.METRICS, data=metrics).to_shareable()

    def _evaluate(self) -> dict[str, Any]:
        if self.metric_fn:
            return dict(self.metric_fn(self.model, self.data_loader))
        if not self.data_loader:
            raise ValueError("TFValidator needs a metric_fn or a data_loader")
        loss, accuracy = self.model.evaluate(self.data_loader, verbose=0)
        return {"loss": float(loss), "accuracy": float(accuracy)}
