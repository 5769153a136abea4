"""Statistics of all sites together, from those of each site.

Answers ``nvflare.app_common.statistics.numeric_stats``. Values are by dataset and feature; every step is rounded to
`precision` digits, as in FLARE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedjob.components.statistics.quantiles import get_quantiles
from fedjob.components.statistics.spec import Bin, BinRange, DataType, Feature, Histogram, HistogramType
from fedjob.exchange.app_constants import StatisticsConstants as StC

_ByFeature = dict[str, dict[str, Any]]


def get_global_stats(
    global_metrics: dict[str, Any],
    client_metrics: Mapping[str, Any],
    metric_task: str,
    statistic_configs: Mapping[str, Any],
    precision: int = 4,
) -> dict[str, Any]:
    """Add the statistics of one pass to `global_metrics`; `client_metrics` are by statistic and site."""
    for metric in StC.ordered_statistics[metric_task]:
        if metric not in client_metrics:
            continue
        sites = client_metrics[metric]
        found = global_metrics.setdefault(metric, {})
        if metric in {StC.STATS_COUNT, StC.STATS_FAILURE_COUNT, StC.STATS_SUM, StC.STATS_VAR}:
            for site in sites.values():
                accumulate_metrics(site, found, precision)
        elif metric == StC.STATS_MEAN:
            sums, counts = global_metrics[StC.STATS_SUM], global_metrics[StC.STATS_COUNT]
            global_metrics[metric] = get_means(sums, counts, precision)
        elif metric in {StC.STATS_MAX, StC.STATS_MIN}:
            for site in sites.values():
                get_min_or_max_values(site, found, max if metric == StC.STATS_MAX else min, precision)
        elif metric == StC.STATS_HISTOGRAM:
            for site in sites.values():
                accumulate_hists(site, found)
        elif metric == StC.STATS_STDDEV:
            global_metrics[metric] = _roots(global_metrics[StC.STATS_VAR], precision)
        elif metric == StC.STATS_QUANTILE:
            global_metrics[metric] = get_quantiles(sites, statistic_configs, precision)
    return global_metrics


def accumulate_metrics(metrics: _ByFeature, global_metrics: _ByFeature, precision: int) -> _ByFeature:
    """Add one site's values; None is no value."""
    for dataset, features in metrics.items():
        found = global_metrics.setdefault(dataset, {})
        for feature, value in features.items():
            if value is not None:
                found[feature] = round(found[feature] + value if feature in found else value, precision)
    return global_metrics


def get_min_or_max_values(
    metrics: _ByFeature, global_metrics: _ByFeature, fn2: Callable[..., Any], precision: int = 4
) -> _ByFeature:
    """Take one site's minima or maxima into account; a feature has one value over all datasets."""
    for dataset, features in metrics.items():
        found = global_metrics.setdefault(dataset, {})
        for feature, value in features.items():
            found[feature] = round(fn2(found[feature], value) if feature in found else value, precision)
    over_all: dict[str, Any] = {}
    for features in global_metrics.values():
        for feature, value in features.items():
            over_all[feature] = round(
                fn2(over_all[feature], value) if feature in over_all else value, precision
            )
    for features in global_metrics.values():
        features.update({feature: over_all[feature] for feature in features})
    return global_metrics


def accumulate_hists(
    metrics: Mapping[str, Mapping[str, Histogram]],
    global_hists: dict[str, dict[str, Histogram]],
    precision: int = 4,
) -> dict[str, dict[str, Histogram]]:
    """Add one site's histograms; bins that the first site did not have are lost, as in FLARE."""
    for dataset, features in metrics.items():
        found = global_hists.setdefault(dataset, {})
        for feature, histogram in features.items():
            bins = [_rounded(b, precision) for b in histogram.bins]
            if feature not in found:
                found[feature] = Histogram(HistogramType.STANDARD, bins)
                continue
            counts = bins_to_dict(found[feature].bins)
            for b in bins:
                place = BinRange(b.low_value, b.high_value)
                counts[place] = counts.get(place, 0) + b.sample_count
            before = [_rounded(b, precision) for b in found[feature].bins]
            summed = [b._replace(sample_count=counts[BinRange(b.low_value, b.high_value)]) for b in before]
            found[feature] = Histogram(found[feature].hist_type, summed)
    return global_hists


def bins_to_dict(bins: list[Bin]) -> dict[BinRange, float]:
    """Sample counts by range."""
    return {BinRange(b.low_value, b.high_value): b.sample_count for b in bins}


def get_means(sums: _ByFeature, counts: _ByFeature, precision: int = 4) -> _ByFeature:
    return {
        dataset: {f: round(total / counts[dataset][f], precision) for f, total in features.items()}
        for dataset, features in sums.items()
    }


def filter_numeric_features(ds_features: Mapping[str, list[Feature]]) -> dict[str, list[Feature]]:
    """The features that are numbers."""
    numeric = {DataType.INT, DataType.FLOAT}
    return {
        dataset: [f for f in features if f.data_type in numeric] for dataset, features in ds_features.items()
    }


def _roots(variances: _ByFeature, precision: int) -> _ByFeature:
    return {
        dataset: {f: round(math.sqrt(v), precision) for f, v in features.items()}
        for dataset, features in variances.items()
    }


def _rounded(b: Bin, precision: int) -> Bin:
    return Bin(round(b.low_value, precision), round(b.high_value, precision), b.sample_count)
