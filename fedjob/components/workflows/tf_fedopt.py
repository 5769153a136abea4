"""FedOpt for TensorFlow: FedAvg with a Keras optimizer that moves the global model.

Answers ``nvflare.app_opt.tf.fedopt_ctl``; Reddi et al., "Adaptive federated optimization", ICLR 2021.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.building import build_described
from fedjob.components.persistors.tf_layers import flat_layer_weights_dict
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.exchange.fl_model import FLModel, ParamsType


class FedOpt(FedAvg):
    """The optimizer and the schedule of its learning rate are ``{"path", "args"}``; ``decay_steps`` is the number of rounds
    unless it is given.

    Moves the trainable weights of the persistor's Keras model by the sites' mean change; other weights are averaged.
    """

    def __init__(
        self,
        *args: Any,
        optimizer_args: dict[str, Any] = {  # noqa: B006  # FLARE's default
            "path": "tensorflow.keras.optimizers.SGD",
            "args": {"learning_rate": 1.0, "momentum": 0.6},
        },
        lr_scheduler_args: dict[str, Any] = {  # noqa: B006  # FLARE's default
            "path": "tensorflow.keras.optimizers.schedules.CosineDecay",
            "args": {"initial_learning_rate": 1.0, "decay_steps": None, "alpha": 0.9},
        },
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.optimizer_args = optimizer_args
        self.lr_scheduler_args = lr_scheduler_args
        self.optimizer: Any = None
        self.lr_scheduler: Any = None

    def run(self) -> None:
        problem = self._prepare()
        if problem:
            self.panic(problem)
        else:
            super().run()

    def update_model(self, global_model: FLModel, aggr_result: FLModel) -> FLModel:
        """One step of the optimizer, for which the change with its sign reversed is the gradient."""
        old, result = global_model.params or {}, aggr_result.params or {}
        if aggr_result.params_type == ParamsType.FULL:
            change = {name: value - old[name] for name, value in result.items()}
        else:
            change = result
        trainable = self._trainable()
        moved = [name for name in trainable if name in change]
        self.optimizer.apply_gradients([(-change[name], trainable[name]) for name in moved])
        new = {name: trainable[name].numpy() for name in moved}
        if aggr_result.params_type == ParamsType.FULL:
            averaged = result
        else:
            averaged = {name: value + result[name] for name, value in old.items() if name not in new}
        global_model.params = {name: new[name] if name in new else averaged[name] for name in old}
        global_model.meta, global_model.metrics = aggr_result.meta, aggr_result.metrics
        return global_model

    def _trainable(self) -> dict[str, Any]:
        """The variables that the optimizer moves, by the names of parameters, in the model's order."""
        model = self.persistor.model
        variables = flat_layer_weights_dict({layer.name: layer.weights for layer in model.layers})
        moved = {id(variable) for variable in model.trainable_weights}
        return {name: variable for name, variable in variables.items() if id(variable) in moved}

    def _prepare(self) -> str | None:
        """Build the optimizer and its schedule; gives what is wrong."""
        try:
            # FLARE puts the rounds into any schedule that is not told how long to decay.
            told = (self.lr_scheduler_args.get("args") or {}).get("decay_steps") is not None
            rounds = {} if told else {"decay_steps": self.num_rounds}
            self.optimizer = build_described(self.build_component, self.optimizer_args)
            self.lr_scheduler = build_described(self.build_component, self.lr_scheduler_args, **rounds)
            self.optimizer.learning_rate = self.lr_scheduler
        except Exception as e:
            self.exception("FedOpt's optimizer or schedule cannot be built")
            return f"FedOpt's optimizer or schedule cannot be built: {type(e).__name__}: {e}"
        return None
