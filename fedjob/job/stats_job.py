"""StatsJob: federated statistics with FLARE's privacy filters."""

from __future__ import annotations

from typing import Any

from fedjob.flare import paths
from fedjob.flare.releases import R27, Release
from fedjob.job.api import FedJob
from fedjob.job.defs import SERVER
from fedjob.job.patterns import add_component, add_executor, add_workflow
from fedjob.job.plan import Plan, Spelled

_WRITER_ID = "stats_writer"
_TASKS = ["fed_stats_pre_run", "fed_stats"]


class StatsJob(FedJob):
    """Statistics that `stats_generator` (a Statistics) gives at each site, cleansed and written as JSON."""

    def __init__(
        self,
        name: str,
        statistic_configs: dict[str, Any],
        stats_generator: Any,
        output_path: str,
        min_count: int = 10,
        min_noise_level: float = 0.1,
        max_noise_level: float = 0.3,
        max_bins_percent: int = 10,
    ) -> None:
        super().__init__(name=name)
        self.stats_generator = stats_generator
        self.statistic_configs = statistic_configs
        self.output_path = output_path
        self.min_count = min_count
        self.min_noise_level = min_noise_level
        self.max_noise_level = max_noise_level
        self.max_bins_percent = max_bins_percent
        self.setup_server()

    def name_for(self, release: Release) -> str:
        """FLARE forgets to pass the name on before 2.7."""
        return self.name if release >= R27 else "fed_job"

    def setup_server(self, server_name: str = SERVER) -> None:
        controller = {
            "statistic_configs": self.statistic_configs,
            "writer_id": _WRITER_ID,
            "enable_pre_run_task": False,
        }
        add_workflow(self, paths.STATISTICS, controller)
        writer = {"output_path": self.output_path, "json_encoder_path": paths.JSON_ENCODER}
        add_component(self, server_name, _WRITER_ID, paths.STATISTICS_WRITER, writer)

    def setup_clients(self, sites: list[str]) -> None:
        """Send the generator, its executor and the privacy filters to each of `sites`."""
        for site in sites:
            generator_id = self.to(self.stats_generator, site, id="stats_generator")
            add_executor(self, site, paths.STATISTICS_EXECUTOR, _TASKS, {"generator_id": generator_id})
            self._add_privacy_filter(site)

    #: What FLARE 2.5 calls `setup_clients`.
    setup_client = setup_clients

    def _add_privacy_filter(self, site: str) -> None:
        noise = {"min_noise_level": self.min_noise_level, "max_noise_level": self.max_noise_level}
        cleansers = [
            add_component(
                self, site, "min_count_cleanser", paths.MIN_COUNT_CLEANSER, {"min_count": self.min_count}
            ),
            add_component(self, site, "min_max_noise_cleanser", paths.MIN_MAX_CLEANSER, noise),
            add_component(
                self,
                site,
                "hist_bins_cleanser",
                paths.BINS_CLEANSER,
                {"max_bins_percent": self.max_bins_percent},
            ),
        ]
        chosen = Spelled(paths.STATISTICS_FILTER, {"result_cleanser_ids": cleansers})

        def add(plan: Plan) -> None:
            plan.add_filter(chosen, plan.result_filters, ["fed_stats"])

        self._app_for(site).record(add)
