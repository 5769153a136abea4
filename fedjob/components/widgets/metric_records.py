"""Metrics as the records of FLARE's metrics artifacts: names are values, and nothing unbounded gets in.

Used by MetricsArtifactWriter. A record of a metric is ``{"name", "value"}``; what is left out is recorded as
``{"name", "reason"[, "site"]}``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much is recorded; lengths in characters, sizes in bytes of UTF-8."""

    max_metric_name_length: int = 256
    max_string_value_length: int = 1024
    max_metrics_per_site_per_round: int = 512
    max_sites_per_round: int = 10000
    max_site_metric_records_per_round: int = 10000
    max_skipped_metrics_per_round: int = 1024
    max_round_record_bytes: int = 1048576
    max_summary_bytes: int = 1048576
    max_int_bit_length: int = 1023

    @classmethod
    def of(cls, given: Mapping[str, int] | None) -> Limits:
        """The defaults with `given` in place; unknown names are ignored, as in FLARE."""
        known = {field.name for field in fields(cls)}
        return cls(**{k: v for k, v in (given or {}).items() if k in known})


class Skipped:
    """What was left out of one round, up to a limit."""

    def __init__(self, limits: Limits, records: Iterable[Record] = ()) -> None:
        self._limits = limits
        self.records: list[Record] = []
        self.extend(records)

    def add(self, site: Any, name: Any, reason: str) -> None:
        """`site` None: it is not about a site."""
        record = {"name": clean_name(name, self._limits), "reason": reason}
        if site is not None:
            record["site"] = clean_name(site, self._limits)
        self.extend([record])

    def extend(self, records: Iterable[Record]) -> None:
        room = self._limits.max_skipped_metrics_per_round - len(self.records)
        self.records += list(records)[: max(room, 0)]


def clean_name(name: Any, limits: Limits) -> str:
    """A name without control characters, cut to length; empty if it is no string."""
    return text(name, limits) or ""


def are_clean(names: Sequence[Any], limits: Limits) -> bool:
    """Whether these are names from which `clean_name` would take nothing; where in doubt, False."""
    return (
        set(map(type, names)) <= {str}
        and all(names)
        and all(map(str.isprintable, names))
        and max(map(len, names), default=0) <= limits.max_metric_name_length
    )


def text(value: Any, limits: Limits) -> str | None:
    """A string without control characters, cut to length; None if it is none."""
    if not isinstance(value, str):
        return None
    return without_controls(value[: limits.max_metric_name_length])


def without_controls(value: str) -> str:
    if value.isprintable():
        return value
    return "".join(ch for ch in value if ord(ch) >= 32 and ch != "\x7f")


def scalar(value: Any) -> Any:
    """A Python number for a numpy one; else the value itself."""
    if isinstance(value, np.generic):
        try:
            return value.item()
        except (TypeError, ValueError, OverflowError):
            return value
    return value


def metric_value(value: Any, limits: Limits, *, numbers_only: bool) -> tuple[Any, str | None]:
    """The value to record, or None and the reason why there is none."""
    if type(value) is float and math.isfinite(value):
        return value, None
    value = scalar(value)
    if isinstance(value, bool):
        return value, None
    if isinstance(value, int):
        return (
            (value, None) if value.bit_length() <= limits.max_int_bit_length else (None, "number_too_large")
        )
    if isinstance(value, float):
        return (value, None) if math.isfinite(value) else (None, "non_finite_number")
    if isinstance(value, str) and not numbers_only:
        if len(value) > limits.max_string_value_length:
            return None, "string_too_long"
        return without_controls(value), None
    return None, "unsupported_type"


def metrics(
    given: Any, limits: Limits, skipped: Skipped, *, site: Any = None, numbers_only: bool = False
) -> list[Record]:
    """Records of a dict of metrics; empty for anything else."""
    result: list[Record] = []
    for name, value in given.items() if isinstance(given, dict) else ():
        if len(result) >= limits.max_metrics_per_site_per_round:
            skipped.add(site, name, "too_many_metrics")
            break
        cleaned = clean_name(name, limits)
        if not cleaned:
            reason = "empty_metric_name" if isinstance(name, str) else "non_string_metric_name"
            skipped.add(site, "", reason)
            continue
        if type(value) is float and math.isfinite(value):
            result.append({"name": cleaned, "value": value})
            continue
        kept, problem = metric_value(value, limits, numbers_only=numbers_only)
        if problem:
            skipped.add(site, cleaned, problem)
        else:
            result.append({"name": cleaned, "value": kept})
    return result


def metric_list(given: Any, limits: Limits) -> list[Record]:
    """Records of numbers that come as a dict, or as records already."""
    if isinstance(given, list):
        named = [m for m in given if isinstance(m, dict) and clean_name(m.get("name"), limits)]
        pairs = [(m["name"], metric_value(m.get("value"), limits, numbers_only=True)) for m in named]
        kept = [{"name": clean_name(n, limits), "value": v} for n, (v, problem) in pairs if not problem]
        return kept[: limits.max_metrics_per_site_per_round]
    return metrics(given, limits, Skipped(limits), numbers_only=True)


def weight(value: Any, limits: Limits) -> Any:
    """A positive finite number; None for anything else."""
    if type(value) is float and 0.0 < value < math.inf:
        return value
    value = scalar(value)
    kept, problem = metric_value(value, limits, numbers_only=True)
    return None if problem or isinstance(value, bool) or kept <= 0 else kept


def weight_fields(given: Mapping[str, Any], limits: Limits) -> Record:
    """The `weight` and `weight_key` of a site's record, where they are usable."""
    fields: Record = {}
    if (number := weight(given.get("weight"), limits)) is not None:
        fields["weight"] = number
    if key := text(given.get("weight_key"), limits):
        fields["weight_key"] = key
    return fields


def key_metric(given: Any, limits: Limits) -> Record | None:
    """What is known of the metric that decides: its name, ``max`` or ``min``, and who said so."""
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or not given["name"]:
        return None
    record = {"name": clean_name(given["name"], limits)}
    if given.get("mode") in {"max", "min"}:
        record["mode"] = given["mode"]
    if source := text(given.get("mode_source"), limits):
        record["mode_source"] = source
    return record


def selection(given: Any, limits: Limits) -> Record | None:
    """What a model selector tells of the best round; None when there is nothing usable."""
    if not isinstance(given, dict):
        return None
    best_round = given.get("best_round")
    found = {
        "best_round": best_round
        if isinstance(best_round, int) and not isinstance(best_round, bool)
        else None,
        "best_metrics": metric_list(given.get("best_metrics"), limits) or None,
        "best_aggregated_metrics": metric_list(given.get("best_aggregated_metrics"), limits) or None,
        "key_metric": key_metric(given.get("key_metric"), limits),
        "best_metric_source": text(given.get("source"), limits) or None,
        "best_metric_detail_source": text(given.get("metric_source"), limits) or None,
    }
    return {k: v for k, v in found.items() if v is not None} or None


def json_object(value: Any, limits: Limits) -> Any:
    """`value` with all that is neither JSON nor a metric value left out; None if nothing is left of a leaf."""
    if isinstance(value, dict):
        children = {
            clean_name(k, limits): json_object(v, limits) for k, v in value.items() if isinstance(k, str)
        }
        return {k: v for k, v in children.items() if v is not None}
    if isinstance(value, list):
        return [v for v in (json_object(child, limits) for child in value) if v is not None]
    kept, problem = metric_value(value, limits, numbers_only=False)
    return None if problem else kept
