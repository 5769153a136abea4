"""The task on pfl: its backend, its weighted sums, and a model of our own, because its models need a framework."""

from __future__ import annotations

from typing import Any

import numpy as np
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import FederatedNNAlgorithm, NNAlgorithmParams
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam.base import ModelHyperParams
from pfl.metrics import Metrics
from pfl.model.base import StatefulModel
from pfl.stats import MappedVectorStatistics

from benchmarks.peers import task


class Model(StatefulModel):
    """One vector."""

    def __init__(self, params: np.ndarray) -> None:
        self.params = params.copy()

    def get_parameters(self, placeholders: Any = None) -> MappedVectorStatistics:
        if placeholders is None:
            return MappedVectorStatistics({"params": self.params.copy()})
        np.copyto(placeholders["params"], self.params)
        return placeholders

    def set_parameters(self, w: MappedVectorStatistics) -> None:
        np.copyto(self.params, w["params"])

    def get_model_difference(
        self, other: MappedVectorStatistics, clone: bool = False
    ) -> MappedVectorStatistics:
        return MappedVectorStatistics({"params": self.params - other["params"]})

    def apply_model_update(self, statistics: MappedVectorStatistics) -> tuple[Model, Metrics]:
        self.params += statistics["params"]
        return self, Metrics()

    def save(self, dir_path: str) -> None:
        """Nothing is kept."""

    def load(self, dir_path: str) -> None:
        """Nothing is kept."""

    def evaluate(self, *_: Any, **__: Any) -> Metrics:
        return Metrics()


class AddOne(FederatedNNAlgorithm):
    """Federated averaging whose local training adds one."""

    def train_one_user(
        self, initial_model_state: Any, model: Model, user_dataset: Any, central_context: Any
    ) -> tuple[MappedVectorStatistics, Metrics]:
        model.params += 1
        difference = model.get_model_difference(initial_model_state)
        difference.weight = 1
        return difference, Metrics()

    def process_aggregated_statistics(
        self,
        central_context: Any,
        aggregate_metrics: Metrics,
        model: Model,
        statistics: MappedVectorStatistics,
    ) -> tuple[Model, Metrics]:
        statistics.average()
        return model.apply_model_update(statistics)


def work(sites: int, rounds: int, params: np.ndarray) -> np.ndarray:
    sampler = get_user_sampler("minimize_reuse", list(range(sites)))
    data = FederatedDataset(lambda user: Dataset(raw_data=[np.zeros((1, 1))], user_id=str(user)), sampler)
    settings = NNAlgorithmParams(
        central_num_iterations=rounds,
        evaluation_frequency=rounds + 1,
        train_cohort_size=sites,
        val_cohort_size=None,
    )
    backend, settings_of_model = SimulatedBackend(data, data), ModelHyperParams()
    model = AddOne().run(settings, backend, Model(params), settings_of_model, send_metrics_to_platform=False)
    return np.asarray(model.params)


if __name__ == "__main__":
    task.main(work, ["pfl", "numpy"])
