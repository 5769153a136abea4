"""Keep statistics from telling too much about single samples.

Answers ``nvflare.app_common.statistics.statistics_privacy_cleanser``, ``...min_count_cleanser``, ``...min_max_cleanser`` and
``...histogram_bins_cleanser``. A StatisticsPrivacyFilter applies them.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.app_constants import StatisticsConstants as StC

_Verdicts = dict[str, dict[str, bool]]


class StatisticsPrivacyCleanser(ABC):
    """Changes a site's statistics before they travel."""

    @abstractmethod
    def apply(self, statistics: dict[str, Any], client_name: str) -> tuple[dict[str, Any], bool]:
        """The statistics, and whether they were changed."""

    def cleanse(
        self, statistics: dict[str, Any], statistic_keys: list[str], validation_result: _Verdicts
    ) -> tuple[dict[str, Any], bool]:
        """Drop what is not valid by dataset and feature; counts stay."""
        modified = False
        for key in statistic_keys:
            if key == StC.STATS_COUNT:
                continue
            for dataset, features in statistics[key].items():
                for feature in [f for f in features if not validation_result[dataset][f]]:
                    del features[feature]
                    modified = True
        return statistics, modified


class MinCountCleanser(FLComponent, StatisticsPrivacyCleanser):
    """Drops features with fewer than `min_count` usable values. Raises ValueError when it is negative."""

    def __init__(self, min_count: float) -> None:
        super().__init__()
        self.min_count = min_count
        if min_count < 0:
            raise ValueError(f"min_count must not be negative, but got {min_count}")

    def apply(self, statistics: dict[str, Any], client_name: str) -> tuple[dict[str, Any], bool]:
        return self.cleanse(statistics, list(statistics), self.min_count_validate(client_name, statistics))

    def min_count_validate(self, client_name: str, statistics: dict[str, Any]) -> _Verdicts:
        return {
            dataset: {f: _usable(statistics, dataset, f) >= self.min_count for f in counts}
            for dataset, counts in statistics.get(StC.STATS_COUNT, {}).items()
        }


class AddNoiseToMinMax(FLComponent, StatisticsPrivacyCleanser):
    """Moves minima down and maxima up by a random share between the two levels.

    Raises ValueError for levels that are not in order between 0 and 1.
    """

    def __init__(self, min_noise_level: float, max_noise_level: float) -> None:
        super().__init__()
        self.min_noise_level = min_noise_level
        self.max_noise_level = max_noise_level
        if not 0 <= min_noise_level <= max_noise_level <= 1:
            raise ValueError(
                f"noise levels must be in order between 0 and 1, but are {min_noise_level} and {max_noise_level}"
            )

    def apply(self, statistics: dict[str, Any], client_name: str) -> tuple[dict[str, Any], bool]:
        touched = [key for key in statistics if key in {StC.STATS_MIN, StC.STATS_MAX}]
        for key in touched:
            for features in statistics[key].values():
                for feature, value in features.items():
                    features[feature] = self._moved(value, 1 if key == StC.STATS_MAX else -1)
        return statistics, bool(touched)

    def _moved(self, value: Any, direction: int) -> Any:
        # The site's own generator: this is noise, not cryptography.
        share = random.uniform(self.min_noise_level, self.max_noise_level)  # noqa: S311
        if value == 0:
            return direction * (1 + direction * share) * 1e-5
        outwards = 1 if (value > 0) == (direction > 0) else -1
        return value * (1 + outwards * share)


class HistogramBinsCleanser(FLComponent, StatisticsPrivacyCleanser):
    """Drops histograms whose number of bins reaches `max_bins_percent` of the number of usable values.

    Raises ValueError when it is not between 0 and 100.
    """

    def __init__(self, max_bins_percent: float) -> None:
        super().__init__()
        self.max_bins_percent = max_bins_percent
        if not 0 <= max_bins_percent <= 100:
            raise ValueError(f"max_bins_percent must be between 0 and 100, but got {max_bins_percent}")

    def apply(self, statistics: dict[str, Any], client_name: str) -> tuple[dict[str, Any], bool]:
        if StC.STATS_HISTOGRAM not in statistics:
            return statistics, False
        return self.cleanse(
            statistics, [StC.STATS_HISTOGRAM], self.hist_bins_validate(client_name, statistics)
        )

    def hist_bins_validate(self, client_name: str, statistics: dict[str, Any]) -> _Verdicts:
        return {
            dataset: {
                feature: len(histogram.bins)
                < round(_usable(statistics, dataset, feature) * self.max_bins_percent / 100)
                for feature, histogram in histograms.items()
            }
            for dataset, histograms in statistics.get(StC.STATS_HISTOGRAM, {}).items()
        }


def _usable(statistics: dict[str, Any], dataset: str, feature: str) -> Any:
    count = statistics[StC.STATS_COUNT][dataset][feature]
    return count - statistics[StC.STATS_FAILURE_COUNT][dataset][feature]
