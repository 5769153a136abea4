"""A metrics record as JSON text of bounded size.

Used by MetricsArtifactWriter. The record's ``sites`` are JSON texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fedjob.components.widgets.metric_records import Record


def dumps(value: Any, indent: int | None = None) -> str | None:
    """Strict JSON, compact unless indented; None for what is not JSON."""
    try:
        return json.dumps(value, allow_nan=False, indent=indent, separators=None if indent else (",", ":"))
    except (TypeError, ValueError, OverflowError):
        return None


def line_of(record: Record, max_bytes: int) -> str | None:
    """The record as one line of at most `max_bytes`: cut where it is too long; None when even that is too long."""
    line = _fitted(record, max_bytes)
    if line is None:
        line = dumps(_minimal(record, "serialization_failed", max_bytes))
    if line is not None and len(line.encode()) > max_bytes:
        line = dumps(_minimal(record, "round_record_too_large", max_bytes))
    return line if line is not None and len(line.encode()) <= max_bytes else None


def _fitted(record: Record, max_bytes: int) -> str | None:
    """The record's line, with as many of its sites as have room; None for what is not JSON."""
    first = {
        "round": record["round"],
        "aggregated_metrics": _fitting(record["aggregated_metrics"], max_bytes),
    }
    last = {k: record[k] for k in ("aggregation", "key_metric") if k in record}
    whole = dumps({**first, "sites": [], "skipped_metrics": [], **last})
    if whole is None:
        return None
    used = len(whole.encode())
    sites, used = _entries(record["sites"], used, max_bytes)
    skipped: list[str] = []
    if used <= max_bytes:
        skipped, used = _entries(filter(None, map(dumps, record["skipped_metrics"])), used, max_bytes)
        if used > max_bytes:
            skipped.append('{"name":"","reason":"skipped_metrics_truncated"}')
    else:
        skipped.append('{"name":"","reason":"sites_truncated"}')
    begin, end = dumps(first), dumps(last)
    if begin is None or end is None:
        return None
    middle = f'"sites":[{",".join(sites)}],"skipped_metrics":[{",".join(skipped)}]'
    return ",".join([begin[:-1], middle, *([end[1:-1]] if last else [])]) + "}"


def _entries(texts: Iterable[str], used: int, max_bytes: int) -> tuple[list[str], int]:
    """As many of these texts, which are ASCII, as have room, and the bytes used by then; more than there are if one had none."""
    all_of_them = list(texts)
    whole = used + sum(map(len, all_of_them)) + 2 * len(all_of_them)
    if whole <= max_bytes:
        return all_of_them, whole
    kept: list[str] = []
    for text in all_of_them:
        used += len(text) + 2  # what FLARE counts: two bytes with each entry.
        if used > max_bytes:
            break
        kept.append(text)
    return kept, used


def _fitting(items: list[Record], max_bytes: int) -> list[Record]:
    kept, used = [], 0
    for item in items:
        encoded = dumps(item)
        if encoded is None:
            continue
        used += len(encoded.encode()) + 1
        if used > max_bytes:
            break
        kept.append(item)
    return kept


def _minimal(record: Record, reason: str, max_bytes: int) -> Record:
    return {
        "round": record["round"],
        "aggregated_metrics": _fitting(record["aggregated_metrics"], max_bytes),
        "sites": [],
        "skipped_metrics": [{"name": "", "reason": reason}],
    }
