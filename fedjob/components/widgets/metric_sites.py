"""The sites' part of a round's metrics record: who reported what, with which weight.

Used by MetricsArtifactWriter. A site's record is ``{"name", "metrics"[, "weight", "weight_key"]}``. It is kept as JSON
text, up to its weight: where thousands of sites report the same metrics, nothing is made of their numbers but the line
that they go into.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from fedjob.components.widgets import metric_records as records
from fedjob.components.widgets.metric_records import Limits, Record, Skipped
from fedjob.exchange.json_text import encoder, text

#: Weights below this are within all limits of numbers.
_LARGE = 2.0**52


#: A site's record: its name, the JSON of its name and metrics without the last brace, and the fields of its weight.
SiteRecord = tuple[str, str, Record]


def site_record(name: str, metrics: list[Record], weight: Record) -> SiteRecord:
    return name, _encode({"name": name, "metrics": metrics})[:-1], weight


_encode = encoder(compact=True, allow_nan=False)


def texts(sites: Sequence[SiteRecord], weights: Mapping[str, Record]) -> list[str]:
    """The JSON of each record; `weights` are those that a workflow gives, by the site's name."""
    found = [weights.get(name, own) for name, _, own in sites]
    if min(map(len, found), default=0) < _FIELDS:
        found = [own | weight for (_, _, own), weight in zip(sites, found, strict=True)]
    numbers = [weight.get("weight") for weight in found]
    keys = {weight.get("weight_key") for weight in found}
    if set(map(type, numbers)) <= {float, int} and len(keys) == 1 and None not in keys:
        # As the encoder would have it, in fewer calls: thousands of sites have one each, under the same key.
        end = f',"weight_key":{text(*keys)}}}'
        return [f'{begin},"weight":{n!r}{end}' for (_, begin, _), n in zip(sites, numbers, strict=True)]
    return [
        f"{begin},{_encode(weight)[1:-1]}}}" if weight else begin + "}"
        for (_, begin, _), weight in zip(sites, found, strict=True)
    ]


#: How many fields of a record are about its weight.
_FIELDS = 2


class Contributions:
    """What the sites reported, round by round, until the round is written."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sites: dict[Any, list[SiteRecord]] = defaultdict(list)
        #: How many metrics those are.
        self._counts: Counter[Any] = Counter()
        self._skipped: dict[Any, Skipped] = defaultdict(lambda: Skipped(limits))
        #: Names that come in every round and from which nothing is to be taken.
        self._clean: set[str] = set()

    def add(self, round_number: Any, site: str, metrics: Any, weight: Any, weight_key: str) -> None:
        skipped, sites = self._skipped[round_number], self._sites[round_number]
        found = records.metrics(metrics, self._limits, skipped, site=site)
        if not found:
            return
        if len(sites) >= self._limits.max_sites_per_round:
            skipped.add(site, "", "too_many_sites")
            return
        room = self._limits.max_site_metric_records_per_round - self._counts[round_number]
        if len(found) > room:
            skipped.add(site, "", "too_many_metrics")
            if room <= 0:
                return
        found = found[:room]
        fields: Record = {}
        weight = records.weight(weight, self._limits)
        if weight is not None:
            fields = {"weight": weight, "weight_key": weight_key}
        self._counts[round_number] += len(found)
        sites.append(site_record(records.clean_name(site, self._limits), found, fields))

    def add_stack(
        self,
        round_number: Any,
        sites: Sequence[str],
        metrics: Mapping[str, Sequence[Any]],
        weights: Sequence[Any],
        weight_key: str,
    ) -> None:
        """`add` for many sites with metrics of the same names."""
        if not self._takes_whole(round_number, sites, metrics, weights):
            for at, (site, weight) in enumerate(zip(sites, weights, strict=True)):
                own = {name: values[at] for name, values in metrics.items()}
                self.add(round_number, site, own, weight, weight_key)
            return
        values = ",".join([f'{{"name":{_literal(name)},"value":%r}}' for name in metrics])
        begin = f'{{"name":%s,"metrics":[{values}]'
        begins = map(begin.__mod__, zip(map(text, sites), *metrics.values(), strict=True))
        fields = [{"weight": weight, "weight_key": weight_key} for weight in weights]
        self._sites[round_number] += zip(sites, begins, fields, strict=True)
        self._counts[round_number] += len(sites) * len(metrics)

    def _takes_whole(
        self,
        round_number: Any,
        sites: Sequence[str],
        metrics: Mapping[str, Sequence[Any]],
        weights: Sequence[Any],
    ) -> bool:
        """Whether nothing of it is to be changed or left out."""
        limits = self._limits
        count = len(metrics)
        return (
            0 < count <= limits.max_metrics_per_site_per_round
            and len(self._sites[round_number]) + len(sites) <= limits.max_sites_per_round
            and self._counts[round_number] + len(sites) * count <= limits.max_site_metric_records_per_round
            and self._are_clean((*metrics, *sites))
            and all(set(map(type, values)) == {float} for values in metrics.values())
            and all(map(math.isfinite, chain.from_iterable(metrics.values())))
            and set(map(type, weights)) <= {int, float}
            and all(map(math.isfinite, weights))
            and min(weights) > 0
            and max(weights) < _LARGE
        )

    def _are_clean(self, names: Sequence[Any]) -> bool:
        if not set(map(type, names)) <= {str}:
            return False
        if not self._clean.issuperset(names):
            if not records.are_clean(names, self._limits):
                return False
            self._clean.update(names)
        return True

    def pop(self, round_number: Any) -> tuple[list[SiteRecord], list[Record]]:
        """The round's sites and what was skipped; both are forgotten."""
        sites = self._sites.pop(round_number, [])
        self._counts.pop(round_number, None)
        skipped = self._skipped.pop(round_number, None)
        return sites, skipped.records if skipped else []


def given_sites(given: Any, limits: Limits, skipped: Skipped) -> list[SiteRecord]:
    """The records that a workflow gives itself; those without metrics are left out."""
    result: list[SiteRecord] = []
    room = limits.max_site_metric_records_per_round
    for site in _dicts(given):
        name = site.get("name")
        if len(result) >= limits.max_sites_per_round:
            skipped.add(name, "", "too_many_sites")
            break
        found = records.metrics(site.get("metrics"), limits, skipped, site=name)
        if len(found) > room:
            skipped.add(name, "", "too_many_metrics")
            if room <= 0:
                break
        found = found[:room]
        room -= len(found)
        if found:
            fields = records.weight_fields(site, limits)
            result.append(site_record(records.clean_name(name, limits), found, fields))
    return result


def given_weights(given: Any, limits: Limits, skipped: Skipped) -> dict[str, Record]:
    """The weights that a workflow gives itself, by site name."""
    weights: dict[str, Record] = {}
    sites = _dicts(given)
    names: list[Any] = [site.get("name") for site in sites]
    clean = records.are_clean(names, limits)
    if clean and len(sites) <= limits.max_sites_per_round and (alike := _alike(sites, limits)):
        # Thousands of sites have their weights under one and the same key.
        numbers, key = alike
        return {name: {"weight": n, "weight_key": key} for name, n in zip(names, numbers, strict=True)}
    for site in sites:
        if len(weights) >= limits.max_sites_per_round:
            skipped.add(site.get("name"), "", "too_many_sites")
            break
        name = site["name"] if clean else records.clean_name(site.get("name"), limits)
        fields = records.weight_fields(site, limits)
        if name and fields:
            weights[name] = fields
    return weights


def _alike(sites: Sequence[dict[str, Any]], limits: Limits) -> tuple[list[float], str] | None:
    """The weights of sites that all have a usable one under the same key, and that key; None for others."""
    numbers: list[Any] = [site.get("weight") for site in sites]
    keys = [site.get("weight_key") for site in sites]
    if set(map(type, numbers)) != {float} or set(map(type, keys)) != {str} or len(set(keys)) > 1:
        return None
    key = records.text(keys[0], limits)
    usable = all(map(math.isfinite, numbers)) and min(numbers) > 0
    return (numbers, key) if key and usable else None


def _literal(name: str) -> str:
    """The JSON of a name, for a text that `%` will fill."""
    return text(name).replace("%", "%%")


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
