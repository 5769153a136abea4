"""Quantiles over all sites, from their t-digests.

Answers ``nvflare.app_opt.statistics.quantile_stats``; without the package fastdigest there are none, as in FLARE.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from fedjob.components.statistics.settings import get_target_quantiles
from fedjob.exchange.app_constants import StatisticsConstants as StC


def get_quantiles(
    stats: Mapping[str, Any], statistic_configs: Mapping[str, Any], precision: int
) -> dict[str, Any]:
    """Global quantiles by dataset and feature, from `stats` by site."""
    if find_spec("fastdigest") is None:
        return {}
    digests: dict[str, dict[str, Any]] = {}
    for site in stats.values():
        merge_quantiles(site, digests)
    return compute_quantiles(digests, statistic_configs.get(StC.STATS_QUANTILE) or {}, precision)


def merge_quantiles(metrics: Mapping[str, Any], g_digest: dict[str, Any]) -> dict[str, Any]:
    """Merge one site's digests into `g_digest`."""
    from fastdigest import TDigest

    for dataset, features in metrics.items():
        merged = g_digest.setdefault(dataset, {})
        for feature, found in features.items():
            if found is None:
                continue
            coordinates = found.get(StC.STATS_DIGEST_COORD)
            if not coordinates:
                merged[feature] = {}
                continue
            digest = TDigest.from_dict(coordinates)
            merged[feature] = merged[feature].merge(digest) if feature in merged else digest
    return g_digest


def compute_quantiles(
    g_digest: Mapping[str, Any], quantile_config: Mapping[str, Any], precision: int
) -> dict[str, Any]:
    """The quantiles that are asked for, by dataset and feature; None where there is no digest."""
    return {
        dataset: {
            feature: {
                p: round(digest.quantile(p), precision) if digest else None
                for p in get_target_quantiles(quantile_config, feature)
            }
            for feature, digest in features.items()
        }
        for dataset, features in g_digest.items()
    }
