"""FedStatsRecipe: federated statistics."""

from __future__ import annotations

from typing import Any

from fedjob.job.stats_job import StatsJob
from fedjob.recipe.spec import Recipe


class FedStatsRecipe(Recipe):
    """FLARE's ``recipe.fedstats.FedStatsRecipe``: statistics of `stats_generator` at each of `sites`, cleansed."""

    def __init__(
        self,
        name: str,
        stats_output_path: str,
        sites: list[str],
        statistic_configs: dict[str, Any],
        stats_generator: Any,
        min_count: int = 10,
        min_noise_level: float = 0.1,
        max_noise_level: float = 0.3,
        max_bins_percent: int = 10,
    ) -> None:
        job = StatsJob(
            name,
            statistic_configs,
            stats_generator,
            stats_output_path,
            min_count,
            min_noise_level,
            max_noise_level,
            max_bins_percent,
        )
        job.setup_clients(sites)
        super().__init__(job)
