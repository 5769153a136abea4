"""StatisticsTaskHandler: answers the server's questions with a site's Statistics component.

Answers ``nvflare.app_common.executors.statistics.statistics_task_handler`` and ``...statistics_executor``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.executors.error_handling import ErrorHandlingExecutor
from fedjob.components.init_final import TaskHandler
from fedjob.components.statistics.combine import filter_numeric_features
from fedjob.components.statistics.settings import (
    get_feature_bin_range,
    get_number_of_bins,
    get_target_quantiles,
)
from fedjob.components.statistics.spec import Histogram, HistogramType, StatisticConfig, Statistics
from fedjob.exchange import fobs
from fedjob.exchange.app_constants import StatisticsConstants as StC
from fedjob.exchange.dxo import DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class StatisticsExecutor(ErrorHandlingExecutor):
    """`generator_id` is the component id of the site's Statistics; `precision` is in digits."""

    def __init__(self, generator_id: str, precision: int = 4) -> None:
        super().__init__()
        self.generator_id = generator_id
        self.precision = precision

    def get_data_kind(self) -> str:
        return DataKind.STATISTICS

    def get_task_handler(self, fl_ctx: FLContext) -> TaskHandler:
        handler = StatisticsTaskHandler(self.generator_id, self.precision)
        handler.initialize(fl_ctx)
        return handler


class StatisticsTaskHandler(TaskHandler):
    """Only features that are numbers take part. A feature that fails is left out, and the failure put on record."""

    def __init__(self, generator_id: str, precision: int = 4) -> None:
        super().__init__(generator_id, Statistics)
        self.precision = precision

    @property
    def stats_generator(self) -> Any:
        return self.local_comp

    def execute_task(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        """Raises RuntimeError for a task that is not one of statistics."""
        targets: list[StatisticConfig] = fobs.loads(shareable[StC.STATS_TARGET_STATISTICS])
        if task_name == StC.FED_STATS_PRE_RUN:
            reply: Shareable = self.pre_run(targets)
            return reply
        if task_name != StC.FED_STATS_TASK:
            raise RuntimeError(f"{task_name} is not a task of statistics")
        features = filter_numeric_features(self.stats_generator.features())
        task = shareable[StC.STATISTICS_TASK_KEY]
        found = {
            target.name: {
                dataset: self._values(dataset, [f.feature_name for f in of], target, shareable, fl_ctx)
                for dataset, of in features.items()
            }
            for target in _with_counts(targets)
        }
        result = Shareable()
        result[StC.STATISTICS_TASK_KEY] = task
        if task == StC.STATS_1st_STATISTICS:
            result[StC.STATS_FEATURES] = fobs.dumps(features)
        result[task] = fobs.dumps(found)
        return result

    def pre_run(self, target_statistics: list[StatisticConfig]) -> Any:
        bins = ranges = None
        for target in target_statistics:
            if target.name == StC.STATS_HISTOGRAM:
                bins = {f: get_number_of_bins(f, target.config) for f in target.config}
                ranges = {f: get_feature_bin_range(f, target.config) for f in target.config}
        return self.stats_generator.pre_run([t.name for t in target_statistics], bins, ranges)

    def _values(
        self, dataset: str, features: list[str], target: StatisticConfig, inputs: Shareable, fl_ctx: FLContext
    ) -> dict[str, Any]:
        values = {}
        for feature in features:
            try:
                values[feature] = self._value(dataset, feature, target, inputs)
            except Exception as e:
                self.log_exception(fl_ctx, f"{target.name} of {dataset}/{feature} failed: {e}")
                fl_ctx.get_engine().note_exception(e, message=f"{target.name} of {dataset}/{feature} failed")
        return values

    def _value(self, dataset: str, feature: str, target: StatisticConfig, inputs: Shareable) -> Any:
        own, name, config = self.stats_generator, target.name, target.config
        if name == StC.STATS_COUNT:
            return own.count(dataset, feature)
        if name == StC.STATS_FAILURE_COUNT:
            return own.failure_count(dataset, feature)
        if name == StC.STATS_SUM:
            return round(own.sum(dataset, feature), self.precision)
        if name == StC.STATS_MEAN:
            return self._mean(dataset, feature)
        if name == StC.STATS_STDDEV:
            return round(own.stddev(dataset, feature), self.precision)
        if name == StC.STATS_VAR:
            return self._variance(dataset, feature, inputs)
        if name == StC.STATS_HISTOGRAM:
            return self._histogram(dataset, feature, config, inputs)
        if name in {StC.STATS_MAX, StC.STATS_MIN}:
            limits = get_feature_bin_range(feature, config)
            if limits is not None:
                return limits[1 if name == StC.STATS_MAX else 0]
            method = own.max_value if name == StC.STATS_MAX else own.min_value
            return method(dataset, feature)
        return own.quantiles(dataset, feature, get_target_quantiles(config, feature))

    def _mean(self, dataset: str, feature: str) -> Any:
        count = self.stats_generator.count(dataset, feature)
        total = self.stats_generator.sum(dataset, feature)
        known = count is not None and total is not None
        mean = total / count if known else self.stats_generator.mean(dataset, feature)
        return round(mean, self.precision)

    def _variance(self, dataset: str, feature: str, inputs: Shareable) -> Any:
        mean = _global_value(StC.STATS_GLOBAL_MEAN, dataset, feature, inputs)
        count = _global_value(StC.STATS_GLOBAL_COUNT, dataset, feature, inputs)
        if mean is None or count is None:
            return None
        return round(self.stats_generator.variance_with_mean(dataset, feature, mean, count), self.precision)

    def _histogram(self, dataset: str, feature: str, config: dict[str, Any], inputs: Shareable) -> Any:
        low = _global_value(StC.STATS_MIN, dataset, feature, inputs)
        high = _global_value(StC.STATS_MAX, dataset, feature, inputs)
        if low is None or high is None:
            return Histogram(HistogramType.STANDARD, [])
        low, high = get_feature_bin_range(feature, config) or (low, high)
        return self.stats_generator.histogram(
            dataset, feature, get_number_of_bins(feature, config), low, high
        )


def _with_counts(targets: list[StatisticConfig]) -> list[StatisticConfig]:
    """Privacy checks need both counts, whatever was asked for; failures are counted last, when all has been tried."""
    names = {t.name for t in targets}
    missing = [n for n in (StC.STATS_COUNT, StC.STATS_FAILURE_COUNT) if n not in names]
    return sorted(
        [*targets, *(StatisticConfig(n, {}) for n in missing)],
        key=lambda t: t.name == StC.STATS_FAILURE_COUNT,
    )


def _global_value(key: str, dataset: str, feature: str, inputs: Shareable) -> Any:
    return inputs.get(key, {}).get(dataset, {}).get(feature)
