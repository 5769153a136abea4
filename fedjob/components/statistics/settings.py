"""Look up a feature's settings; ``*`` is for features that have none of their own.

Answers ``nvflare.app_common.statistics.statistics_config_utils``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedjob.exchange.app_constants import StatisticsConstants as StC


def get_feature_bin_range(feature_name: str, hist_config: Mapping[str, Any]) -> list[float] | None:
    """The range of a feature's histogram; None when it is to be found out."""
    found: list[float] | None = _of(feature_name, hist_config, {}).get(StC.STATS_BIN_RANGE)
    return found


def get_target_quantiles(percentile_config: Mapping[str, Any], feature_name: str) -> list[float]:
    """The quantiles that are asked for; none when nothing is said."""
    found: list[float] = _of(feature_name, percentile_config, [])
    return found


def get_number_of_bins(feature_name: str, hist_config: Mapping[str, Any]) -> int:
    """The number of bins of a feature's histogram. Raises ValueError when it is not set."""
    found: int | None = _of(feature_name, hist_config, {}).get(StC.STATS_BINS)
    if not found:
        raise ValueError(f"the histogram of {feature_name!r} needs {StC.STATS_BINS!r} in {hist_config}")
    return found


def _of(feature_name: str, config: Mapping[str, Any], default: Any) -> Any:
    return config.get(feature_name, config.get("*", default))
