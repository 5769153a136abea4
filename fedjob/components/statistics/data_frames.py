"""DFStatisticsCore: statistics of pandas data frames.

Answers ``nvflare.app_opt.statistics.df.df_core_statistics`` (FLARE >= 2.6).
"""

from __future__ import annotations

import math
from abc import ABC
from importlib.util import find_spec
from typing import Any

import numpy as np

from fedjob.components.statistics.arrays import dtype_to_data_type, get_std_histogram_buckets
from fedjob.components.statistics.spec import BinRange, Feature, Histogram, HistogramType, Statistics
from fedjob.exchange.app_constants import StatisticsConstants as StC


class DFStatisticsCore(Statistics, ABC):
    """Set `data`, data frames by dataset, in `initialize`. `max_bin` limits a t-digest's size."""

    def __init__(self, max_bin: int | None = None) -> None:
        super().__init__()
        self.data: Any = None
        self.max_bin = max_bin

    def features(self) -> dict[str, list[Feature]]:
        return {
            dataset: [Feature(name, dtype_to_data_type(frame[name].dtype)) for name in frame]
            for dataset, frame in self.data.items()
        }

    def count(self, dataset_name: str, feature_name: str) -> Any:
        return self._column(dataset_name, feature_name).count()

    def sum(self, dataset_name: str, feature_name: str) -> Any:
        return self._column(dataset_name, feature_name).sum().item()

    def mean(self, dataset_name: str, feature_name: str) -> Any:
        return self.sum(dataset_name, feature_name) / self.count(dataset_name, feature_name)

    def stddev(self, dataset_name: str, feature_name: str) -> Any:
        return self._column(dataset_name, feature_name).std().item()

    def variance_with_mean(
        self, dataset_name: str, feature_name: str, global_mean: float, global_count: float
    ) -> Any:
        distance = self._column(dataset_name, feature_name) - global_mean
        return ((distance * distance).sum() / (global_count - 1)).item()

    def histogram(
        self,
        dataset_name: str,
        feature_name: str,
        num_of_bins: int,
        global_min_value: float,
        global_max_value: float,
    ) -> Histogram:
        values = self._column(dataset_name, feature_name).to_numpy()
        values = values[values != np.array(None)]
        bins = get_std_histogram_buckets(values, num_of_bins, BinRange(global_min_value, global_max_value))
        return Histogram(HistogramType.STANDARD, bins)

    def max_value(self, dataset_name: str, feature_name: str) -> Any:
        return self._column(dataset_name, feature_name).max()

    def min_value(self, dataset_name: str, feature_name: str) -> Any:
        return self._column(dataset_name, feature_name).min()

    def quantiles(self, dataset_name: str, feature_name: str, percentiles: list[float]) -> dict[str, Any]:
        """None without the package fastdigest, as in FLARE."""
        if find_spec("fastdigest") is None:
            return {StC.STATS_QUANTILE: {}}
        from fastdigest import TDigest

        column = self._column(dataset_name, feature_name)
        digest = TDigest(column)
        digest.compress(self.max_bin or round(math.sqrt(len(column))))
        return {
            StC.STATS_QUANTILE: {p: round(digest.quantile(p), 4) for p in percentiles},
            StC.STATS_DIGEST_COORD: digest.to_dict(),
        }

    def _column(self, dataset_name: str, feature_name: str) -> Any:
        return self.data[dataset_name][feature_name]
