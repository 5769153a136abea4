"""Names that federated statistics exchange.

Answers ``StatisticsConstants`` of ``nvflare.app_common.app_constant``; names and values are FLARE's interface.
"""

from __future__ import annotations

from fedjob.exchange.app_constants import AppConstants


class StatisticsConstants(AppConstants):
    """Statistics, the keys of tasks and results, and in which of the two passes each statistic is asked for."""

    STATS_COUNT = "count"
    STATS_FAILURE_COUNT = "failure_count"
    STATS_MEAN = "mean"
    STATS_SUM = "sum"
    STATS_VAR = "var"
    STATS_STDDEV = "stddev"
    STATS_HISTOGRAM = "histogram"
    STATS_QUANTILE = "quantile"
    STATS_MAX = "max"
    STATS_MIN = "min"
    STATS_FEATURES = "stats_features"
    STATS_GLOBAL_MEAN = "global_mean"
    STATS_GLOBAL_COUNT = "global_count"
    STATS_BINS = "bins"
    STATS_BIN_RANGE = "range"
    STATS_TARGET_STATISTICS = "statistics"
    STATS_DIGEST_COORD = "digest_coord"
    FED_STATS_PRE_RUN = "fed_stats_pre_run"
    FED_STATS_TASK = "fed_stats"
    STATISTICS_TASK_KEY = "fed_stats_task_key"
    STATS_1st_STATISTICS = "fed_stats_1st_statistics"
    STATS_2nd_STATISTICS = "fed_stats_2nd_statistics"
    GLOBAL = "Global"
    LOCAL = "Local"
    NAME = "Name"
    PRE_RUN_RESULT = "fed_stats_pre_run_result"

    ordered_statistics = {  # noqa: RUF012  # FLARE's interface
        STATS_1st_STATISTICS: [
            STATS_COUNT,
            STATS_SUM,
            STATS_MEAN,
            STATS_MIN,
            STATS_MAX,
            STATS_QUANTILE,
        ],
        STATS_2nd_STATISTICS: [STATS_FAILURE_COUNT, STATS_HISTOGRAM, STATS_VAR, STATS_STDDEV],
    }
