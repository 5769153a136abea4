"""StatisticsController: statistics of all sites together, in two passes.

Answers ``nvflare.app_common.workflows.statistics_controller``. The second pass needs what the first one found: a variance
needs the global mean, a histogram the global range.
"""

from __future__ import annotations

import time
from typing import Any

from fedjob.components.controller import Controller
from fedjob.components.statistics.combine import get_global_stats
from fedjob.components.statistics.spec import Bin, StatisticConfig
from fedjob.components.task import ClientTask, Task
from fedjob.exchange import fobs
from fedjob.exchange.app_constants import StatisticsConstants as StC
from fedjob.exchange.dxo import from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal

#: Return codes that a site may answer with, and whether they end the job.
_ABORTS = {
    ReturnCode.EXECUTION_EXCEPTION: True,
    ReturnCode.TASK_UNKNOWN: True,
    ReturnCode.EXECUTION_RESULT_ERROR: False,
    ReturnCode.TASK_DATA_FILTER_ERROR: True,
    ReturnCode.TASK_RESULT_FILTER_ERROR: True,
}


class StatisticsController(Controller):
    """`statistic_configs` are settings by statistic, ``{"histogram": {"*": {"bins": 10}}}`` say; the StatisticsWriter
    `writer_id` gets ``{feature: {statistic: {site or "Global": {dataset: value}}}}``, rounded to `precision` digits.

    Fewer than `min_clients` (all by default) with results for each statistic and dataset end the job. Times are seconds.
    """

    def __init__(
        self,
        statistic_configs: dict[str, dict[str, Any]],
        writer_id: str,
        wait_time_after_min_received: int = 1,
        result_wait_timeout: int = 10,
        precision: int = 4,
        min_clients: int | None = None,
        enable_pre_run_task: bool = True,
    ) -> None:
        super().__init__()
        self.statistic_configs = statistic_configs
        self.writer_id = writer_id
        self.wait_time_after_min_received = wait_time_after_min_received
        self.result_wait_timeout = result_wait_timeout
        self.precision = precision
        self.min_clients = min_clients
        self.enable_pre_run_task = enable_pre_run_task
        #: By statistic, site, dataset and feature.
        self.client_statistics: dict[str, dict[str, Any]] = {}
        #: By statistic, dataset and feature.
        self.global_statistics: dict[str, Any] = {}
        self.client_features: dict[str, Any] = {}

    def start_controller(self, fl_ctx: FLContext) -> None:
        if not self.statistic_configs:
            self.system_panic("statistic_configs asks for no statistic", fl_ctx)
        if not self.min_clients:
            self.min_clients = len(fl_ctx.get_engine().get_clients())

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        if self.enable_pre_run_task and not abort_signal.triggered:
            self.pre_run_task_flow(abort_signal, fl_ctx)
        for task in (StC.STATS_1st_STATISTICS, StC.STATS_2nd_STATISTICS):
            if not abort_signal.triggered:
                self.statistics_task_flow(abort_signal, fl_ctx, task)
        self._wait_for_all_results(abort_signal)
        if not abort_signal.triggered:
            self.post_fn(StC.FED_STATS_TASK, fl_ctx)

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Nothing is left to stop."""

    def pre_run_task_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """Tell the sites what they will be asked for."""
        inputs = Shareable()
        inputs[StC.STATS_TARGET_STATISTICS] = fobs.dumps(self._all_targets())
        task = Task(name=StC.FED_STATS_PRE_RUN, data=inputs, result_received_cb=self.results_pre_run_cb)
        self._ask(task, abort_signal, fl_ctx)

    def statistics_task_flow(self, abort_signal: Signal, fl_ctx: FLContext, statistic_task: str) -> None:
        """One pass."""
        task = Task(
            name=StC.FED_STATS_TASK,
            data=self._inputs(statistic_task),
            result_received_cb=self.results_cb,
            props={StC.STATISTICS_TASK_KEY: statistic_task},
        )
        self._ask(task, abort_signal, fl_ctx)
        self.global_statistics = get_global_stats(
            self.global_statistics,
            self.client_statistics,
            statistic_task,
            self.statistic_configs,
            self.precision,
        )

    def results_pre_run_cb(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        result = self._checked(client_task, fl_ctx)
        if result is not None:
            found = {client_task.client.name: from_shareable(result)}
            fl_ctx.set_prop(StC.PRE_RUN_RESULT, found)
            self.fire_event(EventType.PRE_RUN_RESULT_AVAILABLE, fl_ctx)
        client_task.result = None

    def results_cb(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        result, site = self._checked(client_task, fl_ctx), client_task.client.name
        if result is not None:
            data = from_shareable(result).data
            statistics = fobs.loads(data[data[StC.STATISTICS_TASK_KEY]])
            for name, values in statistics.items():
                self.client_statistics.setdefault(name, {})[site] = values
            if features := data.get(StC.STATS_FEATURES):
                self.client_features[site] = fobs.loads(features)
        client_task.result = None

    def post_fn(self, task_name: str, fl_ctx: FLContext) -> None:
        """Check and write what was found."""
        missing = self._missing()
        if missing:
            self.system_panic(f"results of {self.min_clients} sites are needed, but {missing}", fl_ctx)
            return
        writer = fl_ctx.get_engine().get_component(self.writer_id)
        writer.save(self._combined(), overwrite_existing=True, fl_ctx=fl_ctx)

    def _ask(self, task: Task, abort_signal: Signal, fl_ctx: FLContext) -> None:
        self.broadcast_and_wait(
            task=task,
            targets=None,
            min_responses=self.min_clients or 0,
            fl_ctx=fl_ctx,
            wait_time_after_min_received=self.wait_time_after_min_received,
            abort_signal=abort_signal,
        )

    def _checked(self, client_task: ClientTask, fl_ctx: FLContext) -> Shareable | None:
        """The result; None when the site reports an error, which may end the job."""
        result = client_task.result
        assert result is not None
        rc = result.get_return_code()
        if rc == ReturnCode.OK:
            return result
        if _ABORTS.get(rc, False):
            self.system_panic(f"{client_task.client.name} failed in {client_task.task.name}: {rc}", fl_ctx)
        else:
            self.log_error(
                fl_ctx, f"{client_task.client.name} gave no result for {client_task.task.name}: {rc}"
            )
        return None

    def _all_targets(self) -> list[StatisticConfig]:
        plain = (
            StC.STATS_COUNT,
            StC.STATS_FAILURE_COUNT,
            StC.STATS_SUM,
            StC.STATS_MEAN,
            StC.STATS_VAR,
            StC.STATS_STDDEV,
            StC.STATS_QUANTILE,
        )
        targets = [StatisticConfig(name, {}) for name in plain if name in self.statistic_configs]
        if StC.STATS_HISTOGRAM in self.statistic_configs:
            config = self.statistic_configs[StC.STATS_HISTOGRAM]
            of_range = (StC.STATS_MIN, StC.STATS_MAX, StC.STATS_HISTOGRAM)
            targets += [StatisticConfig(name, config) for name in of_range if name in self.statistic_configs]
        return targets

    def _inputs(self, statistic_task: str) -> Shareable:
        """What the sites need for one pass."""
        inputs, found = Shareable(), self.global_statistics
        targets = self._targets(StC.ordered_statistics[statistic_task])
        names = {t.name for t in targets}
        passed_on = {
            StC.STATS_HISTOGRAM: {StC.STATS_MIN: StC.STATS_MIN, StC.STATS_MAX: StC.STATS_MAX},
            StC.STATS_VAR: {
                StC.STATS_GLOBAL_COUNT: StC.STATS_COUNT,
                StC.STATS_GLOBAL_MEAN: StC.STATS_MEAN,
            },
        }
        for name, sources in passed_on.items():
            if name in names:
                inputs.update({key: found[source] for key, source in sources.items() if source in found})
        inputs[StC.STATISTICS_TASK_KEY] = statistic_task
        inputs[StC.STATS_TARGET_STATISTICS] = fobs.dumps(targets)
        return inputs

    def _targets(self, ordered: list[str]) -> list[StatisticConfig]:
        """What one pass asks for: a histogram needs the range before, a standard deviation the variance with it."""
        targets = []
        for name, config in self.statistic_configs.items():
            if name == StC.STATS_HISTOGRAM and name not in ordered:
                targets += [StatisticConfig(StC.STATS_MIN, config), StatisticConfig(StC.STATS_MAX, config)]
            if name == StC.STATS_STDDEV and name in ordered:
                targets.append(StatisticConfig(StC.STATS_VAR, {}))
            if name in ordered:
                targets.append(StatisticConfig(name, config))
        return targets

    def _wait_for_all_results(self, abort_signal: Signal) -> None:
        """Late results may still complete a statistic."""
        waited = 0.0
        needed = self.min_clients or 0
        while waited < self.result_wait_timeout and not abort_signal.triggered:
            if all(len(sites) >= needed for sites in self.client_statistics.values()):
                return
            time.sleep(1.0)
            waited += 1.0

    def _missing(self) -> str | None:
        """Which results are missing; None when there are enough."""
        needed = self.min_clients or 0
        if not self.client_statistics:
            return "none came"
        by_dataset: dict[str, set[str]] = {}
        for name, sites in self.client_statistics.items():
            if len(sites) < needed:
                return f"for {name!r} there are only {sorted(sites)}"
            for site, datasets in sites.items():
                for dataset, values in datasets.items():
                    by_dataset.setdefault(dataset, set()).update([site] if values else [])
        if not by_dataset:
            return "no site has a dataset"
        few = {dataset: sorted(sites) for dataset, sites in by_dataset.items() if len(sites) < needed}
        return f"for the datasets there are only {few}" if few else None

    def _combined(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name in [n for n in self.client_statistics if n in self.statistic_configs]:
            for site, datasets in self.client_statistics[name].items():
                for dataset, features in datasets.items():
                    for feature, value in features.items():
                        place = result.setdefault(feature, {}).setdefault(name, {}).setdefault(site, {})
                        place[dataset] = self._rounded(name, value)
        for name in [n for n in self.global_statistics if n in self.statistic_configs]:
            for dataset, features in self.global_statistics[name].items():
                for feature, value in features.items():
                    place = result.setdefault(feature, {}).setdefault(name, {}).setdefault(StC.GLOBAL, {})
                    place[dataset] = value.bins if name == StC.STATS_HISTOGRAM else value
        return result

    def _rounded(self, name: str, value: Any) -> Any:
        digits = self.precision
        if name == StC.STATS_HISTOGRAM:
            return [
                Bin(round(b.low_value, digits), round(b.high_value, digits), b.sample_count)
                for b in value.bins
            ]
        if name == StC.STATS_QUANTILE:
            return {p: round(v, digits) for p, v in value[StC.STATS_QUANTILE].items()}
        return round(value, digits)
