"""The common part of averaging workflows (``nvflare.app_common.workflows.base_fedavg.BaseFedAvg``).

Federated averaging: McMahan et al., 2017, https://arxiv.org/abs/1602.05629.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from fedjob.components.aggregators.weighted_aggregation_helper import (
    AggregationStatsKey,
    WeightedAggregationHelper,
    compute_key_match_stats,
    filter_aggregatable_metrics,
)
from fedjob.components.workflows.model_controller import ModelController
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.learnable import make_model_learnable

#: Which operators of a stop condition mean that larger is better.
_MODES = {">": "max", ">=": "max", "<": "min", "<=": "min"}


class BaseFedAvg(ModelController):
    """Loading, averaging and updating; subclasses write `run`.

    `memory_gc_rounds` asks FLARE for a garbage collection every so many rounds; it has no effect here.
    """

    def __init__(
        self,
        *args: Any,
        num_clients: int = 3,
        num_rounds: int = 5,
        start_round: int = 0,
        memory_gc_rounds: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(memory_gc_rounds, int):
            raise TypeError(f"memory_gc_rounds must be an int, but got {type(memory_gc_rounds).__name__}")
        if memory_gc_rounds < 0:
            raise ValueError(f"memory_gc_rounds must not be negative, but got {memory_gc_rounds}")
        self.num_clients = num_clients
        self.num_rounds = num_rounds
        self.start_round = start_round
        self.memory_gc_rounds = memory_gc_rounds
        self.current_round = None

    @staticmethod
    def _check_results(results: list[FLModel]) -> None:
        empty = [client_name(r) for r in results if not r.params]
        if empty:
            raise ValueError(f"Result from client(s) {empty} is empty!")

    @staticmethod
    def aggregate_fn(results: list[FLModel]) -> FLModel:
        """Weighted average of parameters and metrics; ValueError for no results."""
        if not results:
            raise ValueError("received empty results for aggregation.")
        params, metrics = WeightedAggregationHelper(), WeightedAggregationHelper()
        for r in results:
            _add(params, r, r.params)
            _add(metrics, r, filter_aggregatable_metrics(r.metrics))
        all_metrics = all(r.metrics is not None for r in results)
        return FLModel(
            params=params.get_result(),
            params_type=results[0].params_type,
            metrics=(metrics.get_result() or None) if all_metrics else None,
            meta={
                "nr_aggregated": len(results),
                "current_round": results[0].current_round,
                AppConstants.METRICS_AGGREGATION_INFO: metrics_aggregation_info(),
            },
        )

    def aggregate(
        self, results: list[FLModel], aggregate_fn: Callable[[list[FLModel]], FLModel] | None = None
    ) -> FLModel:
        """One model out of the sites' models, with FLARE's events around it."""
        self._set_ctx_prop_preserving_attrs(self.fl_ctx, AppConstants.AGGREGATION_STATS, None)
        self.event(AppEventType.BEFORE_AGGREGATION)
        self._check_results(results)
        try:
            aggregate = (aggregate_fn or self.aggregate_fn)(results)
        except Exception as e:
            reason = f"Exception in aggregate call: {type(e).__name__}: {e}"
            self.exception(reason)
            self.engine.note_exception(e)
            self.panic(reason)
            return FLModel()
        self._results = []
        self._complete_info(aggregate)
        self._note_stats(results)
        self.fire_event_with_data(
            AppEventType.AFTER_AGGREGATION, self.fl_ctx, AppConstants.AGGREGATION_RESULT, aggregate
        )
        return aggregate

    def _complete_info(self, aggregate: FLModel) -> None:
        """Say in the meta how the metrics came about, unless the aggregating function said so itself."""
        if not isinstance(aggregate, FLModel):
            return
        aggregate.meta = aggregate.meta or {}
        given = aggregate.meta.get(AppConstants.METRICS_AGGREGATION_INFO)
        info = dict(given) if isinstance(given, dict) else metrics_aggregation_info()
        key = key_metric_of_stop_condition(
            getattr(self, "stop_cond", None), getattr(self, "stop_condition", None)
        )
        if key and "key_metric" not in info:
            info["key_metric"] = key
        aggregate.meta[AppConstants.METRICS_AGGREGATION_INFO] = info

    def _note_stats(self, results: list[FLModel]) -> None:
        keys = {client_name(r): list(r.params) for r in results if isinstance(r.params, dict)}
        if keys:
            stats = compute_key_match_stats(keys)
            stats[AggregationStatsKey.ROUND] = self.current_round
            self.fl_ctx.set_prop(AppConstants.AGGREGATION_STATS, stats, private=True, sticky=False)

    def update_model(self, model: FLModel, aggr_result: FLModel) -> FLModel:
        """The next global model: `model` updated with the aggregate (added if it is a DIFF)."""
        self.event(AppEventType.BEFORE_SHAREABLE_TO_LEARNABLE)
        model = FLModelUtils.update_model(model, aggr_result)
        learnable = make_model_learnable(model.params, model.meta)
        self.fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, learnable, private=True, sticky=True)
        self.event(AppEventType.AFTER_SHAREABLE_TO_LEARNABLE)
        return model


def client_name(result: FLModel) -> str:
    """The site that sent `result`, as the controller noted it."""
    name = (result.meta or {}).get("client_name")
    return name if isinstance(name, str) and name else AppConstants.CLIENT_UNKNOWN


def num_steps_weight(result: FLModel) -> float:
    """The weight of a result: its NUM_STEPS_CURRENT_ROUND if that is a finite positive number, else 1.0."""
    return steps_weight((result.meta or {}).get(FLMetaKey.NUM_STEPS_CURRENT_ROUND))


def steps_weight(value: Any) -> float:
    """The weight of a result that says so of its steps."""
    if value is None or isinstance(value, bool):
        return 1.0
    try:
        weight = float(value)
    except (TypeError, ValueError, OverflowError):
        return 1.0
    return weight if math.isfinite(weight) and weight > 0 else 1.0


def steps_weights(values: Sequence[Any]) -> list[float]:
    """`steps_weight` of each; whole numbers, which they mostly are, all at once."""
    if set(map(type, values)) == {int} and min(values) > 0 and max(values) < _EXACT:
        return list(map(float, values))
    return [steps_weight(value) for value in values]


#: Whole numbers up to this are floats, too.
_EXACT = 2**53


def metrics_aggregation_info(
    weight_key: str = FLMetaKey.NUM_STEPS_CURRENT_ROUND,
    weight_formula: str | None = None,
    site_weights: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """How metrics were averaged, in the form that FLARE's metrics artifacts carry."""
    aggregation = {
        "method": "weighted_average",
        "weight_key": weight_key,
        "metric_policy": "finite_numeric_metrics_only_per_key_denominator",
    }
    if weight_formula:
        aggregation["weight_formula"] = weight_formula
    info: dict[str, Any] = {
        "metric_source": "client_reported_flmodel_metrics",
        "aggregation": aggregation,
    }
    if site_weights:
        info["site_weights"] = site_weights
    return info


def key_metric_of_stop_condition(stop_cond: str | None, parsed: Any) -> dict[str, Any] | None:
    """The key metric that a stop condition such as ``accuracy >= 80`` implies."""
    tokens = (stop_cond or "").split(" ")
    if not parsed or len(tokens) != 3 or tokens[1] not in _MODES:
        return None
    return {"name": parsed[0], "mode": _MODES[tokens[1]], "mode_source": "derived_from_stop_condition"}


def _add(helper: WeightedAggregationHelper, result: FLModel, data: Any) -> None:
    if data:
        helper.add(
            data=data,
            weight=num_steps_weight(result),
            contributor_name=client_name(result),
            contribution_round=result.current_round,
        )
