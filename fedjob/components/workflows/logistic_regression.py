"""FedAvgLR: logistic regression by Newton's method.

Answers ``nvflare.app_common.workflows.lr.fedavg``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fedjob.components.aggregators.weighted_aggregation_helper import WeightedAggregationHelper
from fedjob.components.persistors.np_lr import LRModelPersistor
from fedjob.components.workflows.base_fedavg import BaseFedAvg, client_name, num_steps_weight
from fedjob.exchange.app_constants import AppConstants, NPConstants
from fedjob.exchange.fl_model import FLModel

#: FLARE has one for all its controllers as a default.
_AGGREGATOR = WeightedAggregationHelper()


class FedAvgLR(BaseFedAvg):
    """The sites send ``gradient`` (features + 1, 1) and ``hessian`` (features + 1, features + 1); with their weighted means g
    and H, the weights grow by ``damping_factor * inverse(H + epsilon * I) g``, so a gradient is one of ascent.

    Without a persistor, weights of zeros are kept in ``<model_dir>/<model_name>``.
    """

    def __init__(
        self,
        damping_factor: float,
        epsilon: float = 1.0,
        model_dir: str = "models",
        model_name: str = "weights.npy",
        n_features: int = 13,
        aggregator: WeightedAggregationHelper = _AGGREGATOR,
        persistor: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.damping_factor = damping_factor
        self.epsilon = epsilon
        self.model_dir = model_dir
        self.model_name = model_name
        self.n_features = n_features
        self.aggregator = aggregator
        self.persistor = persistor

    def run(self) -> None:
        model = self.load_model()
        if model is None:
            return  # load_model has panicked.
        model.start_round = self.start_round
        model.total_rounds = self.num_rounds
        for number in range(self.start_round, self.start_round + self.num_rounds):
            self.current_round = model.current_round = number
            self.info(f"Round {number} started.")
            results = self.send_model_and_wait(targets=self.sample_clients(self.num_clients), data=model)
            model = self.update_model(model, self.aggregate(results, self.newton_raphson_aggregator_fn))
            self.save_model(model)

    def newton_raphson_aggregator_fn(self, results: list[FLModel]) -> FLModel:
        """The step, as ``newton_raphson_updates``."""
        for result in results:
            self.aggregator.add(
                result.params or {}, num_steps_weight(result), client_name(result), result.current_round
            )
        mean = self.aggregator.get_result()
        hessian = mean["hessian"] + self.epsilon * np.eye(len(mean["hessian"]))
        step = self.damping_factor * np.linalg.solve(hessian, mean["gradient"])
        averaged = self.aggregate_fn(results)
        return FLModel(
            params={"newton_raphson_updates": step},
            params_type=results[0].params_type,
            metrics=averaged.metrics,
            current_round=results[0].current_round,
            meta={**(averaged.meta or {}), AppConstants.NUM_ROUNDS: self.num_rounds},
        )

    def update_model(self, model: FLModel, aggr_result: FLModel) -> FLModel:
        """Add the step to the weights. Raises ValueError when there is none."""
        if aggr_result.params is None:
            raise ValueError("there is no step: the clients' results came to nothing")
        model.meta, model.metrics = aggr_result.meta, aggr_result.metrics
        assert model.params is not None
        weights = model.params[NPConstants.NUMPY_KEY]
        weights += aggr_result.params["newton_raphson_updates"]
        return model

    def load_model(self) -> Any:
        if self.persistor is None:
            self.persistor = LRModelPersistor(self.model_dir, self.model_name, self.n_features)
        return super().load_model()
