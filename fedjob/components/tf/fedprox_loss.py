"""TFFedProxLoss: a loss with a term for how far the local model has gone from the global one.

Answers ``nvflare.app_opt.tf.fedprox_loss``; Li et al., "Federated optimization in heterogeneous networks", MLSys 2020.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def __getattr__(name: str) -> Any:
    # The class is made when asked for: its base is Keras's, and tensorflow is not imported before.
    if name == "TFFedProxLoss":
        return _loss_class()
    raise AttributeError(f"module {__name__} has no attribute {name!r}")


@cache
def _loss_class() -> type:
    import tensorflow as tf

    class TFFedProxLoss(tf.keras.losses.Loss):  # type: ignore[misc]  # tensorflow is not checked
        """`loss_fun` plus `mu` / 2 times the squared distance of the two lists of trainable variables."""

        def __init__(
            self,
            local_model_weights: Any,
            global_model_weights: Any,
            mu: float,
            loss_fun: Any,
            *args: Any,
            **kwargs: Any,
        ) -> None:
            super().__init__(*args, **kwargs)
            self.local_model_weights = local_model_weights
            self.global_model_weights = global_model_weights
            self.mu = mu
            self.loss_fun = loss_fun

        def call(self, y_true: Any, y_pred: Any) -> Any:
            distance = self.model_difference_norm(self.global_model_weights, self.local_model_weights)
            return self.loss_fun(y_true, y_pred) + self.mu / 2 * distance

        def model_difference_norm(self, global_model: Any, local_model: Any) -> Any:
            """The squared distance of two lists of variables, a scalar."""
            pairs = zip(local_model, global_model, strict=True)
            return tf.add_n([tf.reduce_sum(tf.square(local - glob)) for local, glob in pairs])

    TFFedProxLoss.__qualname__ = "TFFedProxLoss"
    return TFFedProxLoss
