"""Scaffold: averaging with control variates against the sites' drift.

Answers ``nvflare.app_common.workflows.scaffold``; Karimireddy et al., "SCAFFOLD: stochastic controlled averaging for federated
learning", ICML 2020.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from fedjob.components.aggregators.weighted_aggregation_helper import (
    WeightedAggregationHelper,
    filter_aggregatable_metrics,
)
from fedjob.components.workflows.base_fedavg import (
    BaseFedAvg,
    client_name,
    metrics_aggregation_info,
    num_steps_weight,
)
from fedjob.exchange.app_constants import AlgorithmConstants, AppConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel


class Scaffold(BaseFedAvg):
    """Sends the global control in the meta as SCAFFOLD_CTRL_GLOBAL; each result must bring its SCAFFOLD_CTRL_DIFF.

    `enable_tensor_disk_offload` has no effect here.
    """

    def __init__(self, *args: Any, enable_tensor_disk_offload: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.enable_tensor_disk_offload = enable_tensor_disk_offload
        self.model: Any = None
        self._global_ctrl_weights: dict[str, Any] = {}

    def initialize(self, fl_ctx: FLContext) -> None:  # type: ignore[override]  # the controller's
        super().initialize(fl_ctx)
        self.model = self.load_model()
        if self.model is None:
            return  # load_model has panicked.
        self.model.start_round = self.start_round
        self.model.total_rounds = self.num_rounds
        self._global_ctrl_weights = {k: _zero(v) for k, v in self.model.params.items()}

    def run(self) -> None:
        for number in range(self.start_round, self.start_round + self.num_rounds):
            self.current_round = self.model.current_round = number
            self.info(f"Round {number} started.")
            self.model.meta[AlgorithmConstants.SCAFFOLD_CTRL_GLOBAL] = self._global_ctrl_weights
            sites = self.sample_clients(self.num_clients)
            results = self.send_model_and_wait(targets=sites, data=self.model)
            aggregate = self.aggregate(results, aggregate_fn=scaffold_aggregate_fn)
            self.model = self.update_model(self.model, aggregate)
            self._update_control((aggregate.meta or {})[AlgorithmConstants.SCAFFOLD_CTRL_DIFF])
            self.save_model(self.model)

    def _update_control(self, changes: dict[str, Any]) -> None:
        for name, change in changes.items():
            if name not in self._global_ctrl_weights:
                if name not in self.model.params:
                    raise RuntimeError(f"a control came for {name!r}, which is no parameter of the model")
                self._global_ctrl_weights[name] = _zero(self.model.params[name])
            self._global_ctrl_weights[name] = _added(self._global_ctrl_weights[name], change)


def scaffold_aggregate_fn(results: list[FLModel]) -> FLModel:
    """Weighted means of parameters, controls and metrics. Raises ValueError for a result without its control."""
    params, controls, metrics = (WeightedAggregationHelper() for _ in range(3))
    for result in results:
        name, number, meta = client_name(result), result.current_round, result.meta or {}
        if AlgorithmConstants.SCAFFOLD_CTRL_DIFF not in meta:
            raise ValueError(
                f"the result of {name} has no meta[{AlgorithmConstants.SCAFFOLD_CTRL_DIFF!r}], which Scaffold needs"
            )
        weight = num_steps_weight(result)
        params.add(result.params or {}, weight, name, number)
        controls.add(meta[AlgorithmConstants.SCAFFOLD_CTRL_DIFF], weight, name, number)
        if numbers := filter_aggregatable_metrics(result.metrics):
            metrics.add(numbers, weight, name, number)
    all_metrics = all(r.metrics is not None for r in results)
    return FLModel(
        params=params.get_result(),
        params_type=results[0].params_type,
        metrics=(metrics.get_result() or None) if all_metrics else None,
        meta={
            AlgorithmConstants.SCAFFOLD_CTRL_DIFF: controls.get_result(),
            "nr_aggregated": len(results),
            "current_round": results[0].current_round,
            AppConstants.METRICS_AGGREGATION_INFO: metrics_aggregation_info(),
        },
    )


def _zero(value: Any) -> Any:
    zero = copy.deepcopy(value)
    try:
        zero[...] = 0
    except (IndexError, TypeError):  # a number
        return np.zeros_like(zero)
    return zero


def _added(control: Any, change: Any) -> Any:
    """The control plus its change; a tensor takes a numpy change as a tensor of its own kind."""
    if callable(getattr(control, "new_tensor", None)) and not callable(getattr(change, "new_tensor", None)):
        return control.add_(control.new_tensor(change))
    control += change
    return control
