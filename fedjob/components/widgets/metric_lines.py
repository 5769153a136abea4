"""A metrics record as JSON text of bounded size.

Used by MetricsArtifactWriter.
"""

from __future__ import annotations

import json
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
    line = dumps(_fitted(record, max_bytes))
    if line is None:
        line = dumps(_minimal(record, "serialization_failed", max_bytes))
    if line is not None and len(line.encode()) > max_bytes:
        line = dumps(_minimal(record, "round_record_too_large", max_bytes))
    return line if line is not None and len(line.encode()) <= max_bytes else None


def _fitted(record: Record, max_bytes: int) -> Record:
    aggregated = _fitting(record["aggregated_metrics"], max_bytes)
    fitted: Record = {
        "round": record["round"],
        "aggregated_metrics": aggregated,
        "sites": [],
        "skipped_metrics": [],
    } | {k: record[k] for k in ("aggregation", "key_metric") if k in record}
    used = len((dumps(fitted) or "").encode())
    for field in ("sites", "skipped_metrics"):
        for item in record[field]:
            encoded = dumps(item)
            if encoded is None:
                continue
            used += len(encoded.encode()) + 2
            if used > max_bytes:
                fitted["skipped_metrics"].append({"name": "", "reason": f"{field}_truncated"})
                return fitted
            fitted[field].append(item)
    return fitted


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
