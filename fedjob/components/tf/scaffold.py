"""TFScaffoldHelper: the control variates of one site (see the Scaffold workflow), for Keras models.

Answers ``nvflare.app_opt.tf.scaffold``; Karimireddy et al., "SCAFFOLD: stochastic controlled averaging for federated
learning", ICML 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from fedjob.components.persistors.tf_layers import flat_layer_weights_dict


def __getattr__(name: str) -> Any:
    # The class is made when asked for: its base is Keras's, and tensorflow is not imported before.
    if name == "ScaffoldCallback":
        return _callback_class()
    raise AttributeError(f"module {__name__} has no attribute {name!r}")


def get_lr_values(optimizer: Any) -> Any:
    """The optimizer's learning rate."""
    return optimizer.learning_rate


class TFScaffoldHelper:
    """Call `init` once with a model that is built; per round `load_global_controls`, `get_params`, after each epoch
    `model_update` (`ScaffoldCallback` does), at the end `terms_update`, and send `get_delta_controls`.
    """

    def __init__(self) -> None:
        self.cnt = 0  #: updates in this round
        self.c_global: Any = None
        self.c_local: Any = None
        self.c_delta_para: dict[str, Any] | None = None
        self.global_keys: Any = None

    def init(self, model: Any) -> None:
        """Start with controls of zero, in two copies of the model."""
        import tensorflow as tf

        zeros = [np.zeros(weights.shape) for weights in model.get_weights()]
        self.c_global, self.c_local = (tf.keras.models.clone_model(model) for _ in range(2))
        self.c_global.set_weights(zeros)
        self.c_local.set_weights(zeros)

    def get_params(self) -> tuple[list[Any], list[Any]]:
        """Global and local controls, one variable for each trainable one of the model."""
        self.cnt = 0
        return self.c_global.trainable_variables, self.c_local.trainable_variables

    def model_update(self, model: Any, curr_lr: Any, c_global_para: Any, c_local_para: Any) -> None:
        """Correct the model by its controls at learning rate `curr_lr`."""
        for variable, glob, local in zip(model.trainable_variables, c_global_para, c_local_para, strict=True):
            variable.assign_sub(_cast(curr_lr, variable) * (glob - local))
        self.cnt += 1

    def terms_update(
        self, model: Any, curr_lr: Any, c_global_para: Any, c_local_para: Any, model_global: Any
    ) -> None:
        """New local controls at the end of the round; `model_global` is the model that the round started from.

        Raises RuntimeError when there was no `model_update`.
        """
        if self.cnt <= 0:
            raise RuntimeError("terms_update needs at least one model_update in the round")
        scale = 1 / (self.cnt * curr_lr)
        changes = []
        parts = (model_global, model)
        for local, glob, old, start, end in zip(
            self.c_local.trainable_variables,
            c_global_para,
            c_local_para,
            *(part.trainable_variables for part in parts),
            strict=True,
        ):
            new = local - glob + _cast(scale, local) * (start - end)
            # `old` may be the very variable that is assigned next.
            changes.append((new - old).numpy())
            local.assign(new)
        self.c_delta_para = _by_name(model, changes)

    def load_global_controls(self, weights: Mapping[str, Any]) -> None:
        """Take over the server's controls, whose values are in the order of the model's weights."""
        self.c_global.set_weights(list(weights.values()))

    def get_delta_controls(self) -> dict[str, Any]:
        """How the local controls changed in this round, as numpy arrays. Raises ValueError before `terms_update`."""
        if self.c_delta_para is None:
            raise ValueError("the controls of this round are not there before terms_update")
        return self.c_delta_para


@cache
def _callback_class() -> type:
    import tensorflow as tf

    class ScaffoldCallback(tf.keras.callbacks.Callback):  # type: ignore[misc]  # tensorflow is not checked
        """Corrects the model by the helper's controls after each epoch of ``model.fit``."""

        def __init__(self, scaffold_helper: TFScaffoldHelper) -> None:
            super().__init__()
            self.scaffold_helper = scaffold_helper
            self.c_global_para, self.c_local_para = scaffold_helper.get_params()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            rate = self.model.optimizer.learning_rate
            self.scaffold_helper.model_update(self.model, rate, self.c_global_para, self.c_local_para)

    ScaffoldCallback.__qualname__ = "ScaffoldCallback"
    return ScaffoldCallback


def _by_name(model: Any, changes: list[Any]) -> dict[str, Any]:
    """The changes by the names of the layers' weights; a weight that is not trained stands for itself, as in FLARE."""
    trained = {id(v): change for v, change in zip(model.trainable_variables, changes, strict=True)}
    layers = flat_layer_weights_dict({layer.name: layer.weights for layer in model.layers})
    return {name: trained[id(v)] if id(v) in trained else v.numpy() for name, v in layers.items()}


def _cast(value: Any, like: Any) -> Any:
    import tensorflow as tf

    return tf.cast(value, like.dtype)
