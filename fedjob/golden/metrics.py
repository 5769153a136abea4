"""A run's metrics as golden content: rounds x sites x metrics, compared with tolerance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fedjob.errors import GoldenError
from fedjob.folder.change import ABSENT, Change
from fedjob.result import RunResult

#: Whose values the server's aggregate is; no client can be called so.
SERVER = "server"

#: One tolerance for all metrics, or one by metric name (others are then exact).
Tolerance = float | Mapping[str, float]
Cells = dict[tuple[str, str, int], Any]


def to_tree(result: RunResult) -> dict[str, Any]:
    """Rounds, then for each metric the server's and each site's values, null where a round has none."""
    rounds = [r.number for r in result.rounds]
    metrics: dict[str, dict[str, list[Any]]] = {}
    for (name, who, number), value in _cells_of(result).items():
        row = metrics.setdefault(name, {}).setdefault(who, [None] * len(rounds))
        row[rounds.index(number)] = value
    return {"job": result.job, "sites": list(result.sites), "rounds": rounds, "metrics": metrics}


def compare(
    expected: Mapping[str, Any],
    obtained: Mapping[str, Any],
    *,
    rtol: Tolerance = 0.0,
    atol: Tolerance = 0.0,
    equal_nan: bool = False,
) -> tuple[Change, ...]:
    """Every value that left its tolerance, and every metric, site or round that came or went.

    A value passes when ``|obtained - expected| <= atol + rtol * |expected|``. NaN equals
    nothing, itself included, unless `equal_nan`. The widest difference comes first.
    """
    changes = list(_names(expected, obtained))
    wide: list[tuple[float, Change]] = []
    old, new = _cells(expected), _cells(obtained)
    for key in [*old, *(k for k in new if k not in old)]:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if not _close(before, after, _for(rtol, key[0]), _for(atol, key[0]), equal_nan):
            wide.append((_width(before, after), _change(key, before, after)))
    wide.sort(key=lambda item: -item[0])
    return (*changes, *(change for _, change in wide))


def keep_close(
    expected: Mapping[str, Any], obtained: Mapping[str, Any], *, rtol: Tolerance = 0.0, atol: Tolerance = 0.0
) -> dict[str, Any]:
    """`obtained`, but with the golden's own values wherever they are within tolerance.

    So an update rewrites only what left its tolerance.
    """
    old, rounds = _cells(expected), list(obtained["rounds"])
    metrics = {
        name: {
            who: [
                before
                if _close(
                    before := old.get((name, who, r), ABSENT),
                    value,
                    _for(rtol, name),
                    _for(atol, name),
                    False,
                )
                else value
                for r, value in zip(rounds, row, strict=True)
            ]
            for who, row in rows.items()
        }
        for name, rows in obtained["metrics"].items()
    }
    return {**obtained, "metrics": metrics}


def check(tree: Mapping[str, Any], place: str) -> None:
    """Raise `GoldenError` unless `tree` has the shape that `to_tree` gives."""
    try:
        count = len(tree["rounds"])
        rows = [row for rows in tree["metrics"].values() for row in rows.values()]
        good = all(isinstance(row, list) and len(row) == count for row in rows) and isinstance(
            tree["sites"], list
        )
    except (KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise GoldenError(
            f"golden {place} is not valid: each metric needs one value per round; restore or update it"
        )


def _cells_of(result: RunResult) -> Cells:
    cells: Cells = {}
    for r in result.rounds:
        for who, metrics in ((SERVER, r.metrics), *r.sites.items()):
            cells |= {(name, who, r.number): value for name, value in metrics.items()}
    return cells


def _cells(tree: Mapping[str, Any]) -> Cells:
    return {
        (name, who, number): value
        for name, rows in tree["metrics"].items()
        for who, row in rows.items()
        for number, value in zip(tree["rounds"], row, strict=True)
        if value is not None
    }


def _names(expected: Mapping[str, Any], obtained: Mapping[str, Any]) -> Iterator[Change]:
    for word in ("job", "sites", "rounds"):
        if expected.get(word) != obtained[word]:
            yield Change(kind="changed", place=word, expected=expected.get(word), obtained=obtained[word])


def _change(key: tuple[str, str, int], before: Any, after: Any) -> Change:
    name, who, number = key
    place = f"{name}: round {number}, {who}"
    if before is ABSENT:
        return Change(kind="added", place=place, obtained=after)
    if after is ABSENT:
        return Change(kind="removed", place=place, expected=before)
    return Change(kind="changed", place=place, expected=before, obtained=after)


def _close(before: Any, after: Any, rtol: float, atol: float, equal_nan: bool) -> bool:
    if not (_is_number(before) and _is_number(after)):
        return type(before) is type(after) and bool(before == after)
    if math.isnan(before) or math.isnan(after):
        return equal_nan and math.isnan(before) and math.isnan(after)
    return bool(before == after) or abs(after - before) <= atol + rtol * abs(before)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _width(before: Any, after: Any) -> float:
    """How far apart, relative to what was expected; appearances and NaN are the widest."""
    if not (_is_number(before) and _is_number(after)) or not math.isfinite(after - before):
        return math.inf
    return float(abs(after - before) / (abs(before) or 1.0))


def _for(tolerance: Tolerance, name: str) -> float:
    return tolerance.get(name, 0.0) if isinstance(tolerance, Mapping) else tolerance
