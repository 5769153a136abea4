"""What a site's author writes to take part in federated statistics, and the values that are exchanged.

Answers ``nvflare.app_common.abstract.statistics_spec``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import Any, NamedTuple

from fedjob.components.init_final import InitFinalComponent
from fedjob.exchange.fl_context import FLContext


class DataType(IntEnum):
    """The type of a feature."""

    INT = 0
    FLOAT = 1
    STRING = 2
    BYTES = 3
    STRUCT = 4
    DATETIME = 5


class BinRange(NamedTuple):
    """Where a bin is."""

    min_value: float
    max_value: float


class Bin(NamedTuple):
    """How many samples are in a range."""

    low_value: float
    high_value: float
    sample_count: float


class HistogramType(IntEnum):
    """How bins are chosen."""

    STANDARD = 0
    QUANTILES = 1


class Histogram(NamedTuple):
    """Bins in order."""

    hist_type: HistogramType
    bins: list[Bin]
    hist_name: str | None = None


class Feature(NamedTuple):
    """A column of a dataset."""

    feature_name: str
    data_type: DataType


class StatisticConfig(NamedTuple):
    """A statistic that is asked for, with its settings by feature (``*``: all others)."""

    name: str
    config: dict[str, Any]


class Statistics(InitFinalComponent, ABC):
    """Statistics of one site's datasets. Write `features` and `count`, and those that the job asks for."""

    def initialize(self, fl_ctx: FLContext) -> None:
        """Called once before the first question; load the data here."""

    def pre_run(
        self,
        statistics: list[str],
        num_of_bins: dict[str, int | None] | None,
        bin_ranges: dict[str, list[float] | None] | None,
    ) -> dict[str, Any]:
        """Called before the first pass with what will be asked for; the reply goes to the server."""
        return {}

    @abstractmethod
    def features(self) -> dict[str, list[Feature]]:
        """The features by dataset."""
        raise NotImplementedError

    @abstractmethod
    def count(self, dataset_name: str, feature_name: str) -> int:
        """How many values there are."""
        raise NotImplementedError

    def sum(self, dataset_name: str, feature_name: str) -> float:
        raise NotImplementedError

    def mean(self, dataset_name: str, feature_name: str) -> float:
        raise NotImplementedError

    def stddev(self, dataset_name: str, feature_name: str) -> float:
        raise NotImplementedError

    def variance_with_mean(
        self, dataset_name: str, feature_name: str, global_mean: float, global_count: float
    ) -> float:
        """The part of the variance that this site adds: its squared distances from the global mean over (global count - 1)."""
        raise NotImplementedError

    def histogram(
        self,
        dataset_name: str,
        feature_name: str,
        num_of_bins: int,
        global_min_value: float,
        global_max_value: float,
    ) -> Histogram:
        raise NotImplementedError

    def max_value(self, dataset_name: str, feature_name: str) -> float:
        raise NotImplementedError

    def min_value(self, dataset_name: str, feature_name: str) -> float:
        raise NotImplementedError

    def failure_count(self, dataset_name: str, feature_name: str) -> int:
        """How many values could not be used."""
        return 0

    def quantiles(self, dataset_name: str, feature_name: str, percentiles: list[float]) -> dict[str, Any]:
        """``{"quantile": {p: value}, "digest_coord": t-digest as a dict}``."""
        raise NotImplementedError

    def finalize(self, fl_ctx: FLContext) -> None:
        """Called once after the last question."""
