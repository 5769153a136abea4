"""Federated averaging (``nvflare.app_common.workflows.fedavg.FedAvg``), McMahan et al., 2017."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedjob.components.aggregators.weighted_aggregation_helper import (
    AggregationStatsKey,
    WeightedAggregationHelper,
    filter_aggregatable_metrics,
)
from fedjob.components.workflows.base_fedavg import (
    BaseFedAvg,
    client_name,
    key_metric_of_stop_condition,
    metrics_aggregation_info,
    num_steps_weight,
    steps_weights,
)
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fedprox import normalize_fedprox_mu, set_fedprox_metadata
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.math import parse_compare_criteria

_WEIGHT_KEY = "effective_fedavg_metric_weight"

_NUMBERS = frozenset({int, float})


class FedAvg(BaseFedAvg):
    """Averages the sites' models round by round, each result as it comes.

    `model` (a dict of parameters or an FLModel) starts the training in place of the persistor's.
    `stop_cond` is ``"<metric> <op> <value>"`` with op one of ``= < <= > >=``; `patience` counts rounds
    without improvement. `exclude_vars` is a regular expression of parameter names that are not averaged.
    `aggregation_weights` multiplies a site's weight. Raises ValueError for a bad `stop_cond`, TypeError or
    ValueError for a bad `fedprox_mu`.
    """

    def __init__(
        self,
        *args: Any,
        model: dict[str, Any] | FLModel | None = None,
        save_filename: str | None = "FL_global_model.pt",
        aggregator: Any = None,
        stop_cond: str | None = None,
        patience: int | None = None,
        task_name: str | None = "train",
        exclude_vars: str | None = None,
        aggregation_weights: dict[str, float] | None = None,
        enable_tensor_disk_offload: bool = False,
        fedprox_mu: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.model = model
        self.save_filename = save_filename
        self.aggregator = aggregator
        self.stop_cond = stop_cond
        self.patience = patience
        self.task_name = task_name
        self.exclude_vars = exclude_vars
        self.aggregation_weights = aggregation_weights or {}
        self.enable_tensor_disk_offload = enable_tensor_disk_offload
        self.fedprox_mu = normalize_fedprox_mu(fedprox_mu)
        self.stop_condition = parse_compare_criteria(stop_cond) if stop_cond else None
        self.num_fl_rounds_without_improvement = 0
        self.best_target_metric_value: Any = None
        self._params_sum = WeightedAggregationHelper()
        self._metrics_sum = WeightedAggregationHelper()
        self._all_metrics = True
        self._received_count = 0
        self._params_type: Any = None
        self._weights: dict[str, dict[str, Any]] = {}
        self._warned_metrics: set[str] = set()

    def run(self) -> None:
        """Rounds `start_round` to `start_round + num_rounds - 1`; the model is saved after each."""
        self.fl_ctx.set_prop(AppConstants.NUM_ROUNDS, self.num_rounds, private=True, sticky=False)
        model = self._first_model()
        if model is None:
            return  # load_model has panicked.
        model.start_round = self.start_round
        model.total_rounds = self.num_rounds
        for number in range(self.start_round, self.start_round + self.num_rounds):
            self.current_round = number
            self._start_round(model)
            if not self._collect(model):
                return
            self.event(AppEventType.BEFORE_AGGREGATION)
            aggregate = self._aggregate_of_round()
            self.fire_event_with_data(
                AppEventType.AFTER_AGGREGATION, self.fl_ctx, AppConstants.AGGREGATION_RESULT, aggregate
            )
            model = self.update_model(model, aggregate)
            if not self._keep(model):
                break

    def _first_model(self) -> FLModel | None:
        if self.model is None:
            loaded: FLModel | None = self.load_model()
            return loaded
        return self.model if isinstance(self.model, FLModel) else FLModel(params=self.model)

    def _start_round(self, model: FLModel) -> None:
        model.current_round = self.current_round
        contexts = [self.fl_ctx, getattr(self.aggregator, "fl_ctx", None)]
        for fl_ctx in filter(None, contexts):
            fl_ctx.set_prop(AppConstants.CURRENT_ROUND, self.current_round, private=True, sticky=False)
        self.event(AppEventType.ROUND_STARTED)
        self._received_count = 0
        self._params_type = None
        self._weights = {}
        if self.aggregator:
            self.aggregator.reset_stats()
        else:
            self._params_sum = WeightedAggregationHelper(exclude_vars=self.exclude_vars)
            self._metrics_sum = WeightedAggregationHelper()
            self._all_metrics = True

    def _collect(self, model: FLModel) -> bool:
        """Have the sampled sites train; False when the run is being aborted."""
        clients = self.sample_clients(self.num_clients)
        set_fedprox_metadata(model, self.fedprox_mu)
        self.send_model(
            task_name=self.task_name or "train",
            targets=clients,
            data=model,
            callback=self._aggregate_one_result,
        )
        while self.get_num_standing_tasks() and not self.is_aborted():
            time.sleep(self._task_check_period)
        return not self.is_aborted()

    def _aggregate_one_result(self, result: FLModel) -> bool:
        """Take one site's result into the sums; False if it is empty and so is skipped."""
        site = client_name(result)
        if not result.params:
            self.warning(f"Empty result from client {site}, skipping.")
            return False
        if self._params_type is None:
            self._params_type = result.params_type
        if self.aggregator:
            self.aggregator.accept_model(result)
        else:
            self._add(site, result)
        self._received_count += 1
        return True

    def _add(self, site: str, result: FLModel) -> None:
        weight = self.aggregation_weights.get(site, 1.0) * num_steps_weight(result)
        self._weights[site] = {"name": site, "weight": weight, "weight_key": _WEIGHT_KEY}
        self._params_sum.add(
            data=result.params,
            weight=weight,
            contributor_name=site,
            contribution_round=self.current_round,
        )
        # A site without metrics means that an average over the others would pass for one over all.
        if result.metrics is None:
            self._all_metrics = False
        if self._all_metrics and result.metrics:
            numbers = filter_aggregatable_metrics(
                result.metrics,
                warn_skipped=lambda k, kind: self.warning(f"Metric '{k}' ({kind}) skipped for aggregation."),
                warned_metric_keys=self._warned_metrics,
            )
            if numbers:
                self._metrics_sum.add(
                    data=numbers,
                    weight=weight,
                    contributor_name=site,
                    contribution_round=self.current_round,
                )

    def _fits(self, params: dict[str, Any]) -> bool:
        """Whether arrays of these shapes can be added to the sums, so that none will fail on the way."""
        totals = self._params_sum.total
        return all(
            name not in totals or getattr(totals[name], "shape", None) == value.shape
            for name, value in params.items()
        )

    def _aggregate_stack(
        self,
        sites: Sequence[str],
        params_type: ParamsType,
        params: dict[str, Any],
        metrics: dict[str, Sequence[float]] | None,
        steps: Sequence[Any],
    ) -> bool:
        """`_aggregate_one_result` for many sites, whose parameters and numbers come as `add_stack` takes them.

        False, and nothing is done, where the results have to be taken one by one.
        """
        weights = steps_weights(steps)
        if self.aggregation_weights:
            factors = [self.aggregation_weights.get(site, 1.0) for site in sites]
            if not _NUMBERS.issuperset(map(type, factors)):
                return False
            weights = [factor * weight for factor, weight in zip(factors, weights, strict=True)]
        if not self._fits({name: values[0] for name, values in params.items()}):
            return False
        if self._params_type is None:
            self._params_type = params_type
        self._weights |= {
            site: {"name": site, "weight": weight, "weight_key": _WEIGHT_KEY}
            for site, weight in zip(sites, weights, strict=True)
        }
        self._params_sum.add_stack(params, weights, sites, self.current_round)
        if metrics is None:
            self._all_metrics = False
        if self._all_metrics and metrics:
            self._metrics_sum.add_stack(metrics, weights, sites, self.current_round)
        self._received_count += len(sites)
        return True

    def _aggregate_of_round(self) -> FLModel:
        if self.aggregator:
            return self._custom_aggregate()
        params = self._params_sum.get_result()
        stats = self._params_sum.last_aggregation_stats or {}
        stats[AggregationStatsKey.ROUND] = self.current_round
        self.fl_ctx.set_prop(AppConstants.AGGREGATION_STATS, stats, private=True, sticky=False)
        return FLModel(
            params=params,
            params_type=self._params_type,
            metrics=(self._metrics_sum.get_result() or None) if self._all_metrics else None,
            current_round=self.current_round,
            meta={
                "nr_aggregated": self._received_count,
                "current_round": self.current_round,
                AppConstants.METRICS_AGGREGATION_INFO: self._info(),
            },
        )

    def _custom_aggregate(self) -> FLModel:
        result: FLModel = self.aggregator.aggregate_model()
        result.meta = result.meta or {}
        result.meta.update(nr_aggregated=self._received_count, current_round=self.current_round)
        if result.current_round is None:
            result.current_round = self.current_round
        self._complete_info(result)
        return result

    def _info(self) -> dict[str, Any]:
        weights = list(self._weights.values())
        info = (
            metrics_aggregation_info(
                weight_key=_WEIGHT_KEY,
                weight_formula="aggregation_weight * NUM_STEPS_CURRENT_ROUND",
                site_weights=weights,
            )
            if weights
            else metrics_aggregation_info()
        )
        return self._with_key_metric(info)

    def _complete_info(self, aggregate: FLModel) -> None:
        """A custom aggregator's metrics are its own: FLARE does not show the sites' beside them."""
        assert aggregate.meta is not None
        given = aggregate.meta.get(AppConstants.METRICS_AGGREGATION_INFO)
        if isinstance(given, dict):
            info = self._with_key_metric(dict(given))
            if "sites" not in info:
                info.setdefault("use_contribution_sites", False)
        else:
            info = self._with_key_metric(
                {"metric_source": "custom_aggregator_flmodel_metrics", "use_contribution_sites": False}
            )
        aggregate.meta[AppConstants.METRICS_AGGREGATION_INFO] = info

    def _with_key_metric(self, info: dict[str, Any]) -> dict[str, Any]:
        key = key_metric_of_stop_condition(self.stop_cond, self.stop_condition)
        if key:
            info.setdefault("key_metric", key)
        return info

    def _keep(self, model: FLModel) -> bool:
        """Save the new global model, or under a stop condition only a better one; False to stop early."""
        if self.stop_condition is None:
            self.save_model(model)
            return True
        if self.is_curr_model_better(model):
            self.save_model(model)
        if self.should_stop(model.metrics):
            self.info(f"Stopping at round={self.current_round} out of total_rounds={self.num_rounds}.")
            return False
        return True

    def should_stop(self, metrics: dict[str, Any] | None = None) -> bool:
        """Whether the stop condition holds for `metrics`, or patience is used up."""
        if self.stop_condition is None or metrics is None:
            return False
        if self.patience and self.patience <= self.num_fl_rounds_without_improvement:
            return True
        key, target, holds = self.stop_condition
        value = metrics.get(key)
        if value is None:
            self.warning(f"Stop criteria key '{key}' doesn't exist in metrics: {list(metrics)}")
            return False
        return bool(holds(value, target))

    def is_curr_model_better(self, curr_model: FLModel) -> bool:
        """Whether the stop condition's metric beats its best value so far; True without a stop condition."""
        if self.stop_condition is None:
            return True
        key, _, beats = self.stop_condition
        value = (curr_model.metrics or {}).get(key)
        if value is None:
            return False
        best = self.best_target_metric_value
        better = best is None or beats(value, best)
        if better and not (self.patience and best == value):
            self.best_target_metric_value = value
            self.num_fl_rounds_without_improvement = 0
            return True
        self.num_fl_rounds_without_improvement += 1
        return False

    # Without a persistor the model is one file in the run's directory.

    def load_model(self) -> Any:
        if self.persistor:
            return super().load_model()
        path = self._own_file()
        return self.load_model_file(str(path)) if path and path.exists() else FLModel(params={})

    def save_model(self, model: FLModel) -> None:
        if self.persistor:
            super().save_model(model)
        elif path := self._own_file():
            self.save_model_file(model, str(path))
        else:
            self.warning("No persistor or save_filename configured, model not saved")

    def _own_file(self) -> Path | None:
        return Path(self.get_run_dir(), self.save_filename) if self.save_filename else None

    def save_model_file(self, model: FLModel, filepath: str) -> None:
        """Write the parameters, as arrays by name (numpy's .npz). FLARE writes its own FOBS format here."""
        import numpy as np

        with Path(filepath).open("wb") as f:
            np.savez(f, **(model.params or {}))

    def load_model_file(self, filepath: str) -> FLModel:
        """Read what `save_model_file` wrote."""
        import numpy as np

        with np.load(filepath, allow_pickle=False) as arrays:
            return FLModel(params={name: arrays[name] for name in arrays.files})
