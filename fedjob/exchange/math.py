"""Conditions on metrics, written as text: ``nvflare.app_common.utils.math_utils``."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

operator_mapping: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


def parse_compare_criteria(compare_expr: str | None = None) -> tuple[str, float, Callable[[Any, Any], Any]]:
    """``"accuracy >= 0.8"`` as (metric, target, comparison).

    Exactly one blank stands between the three words, as in FLARE. Raises ValueError.
    """
    words = (compare_expr or "").split(" ")
    if len(words) != 3:
        raise ValueError(
            f"{compare_expr!r} is not '<metric> <operator> <number>' with one blank between the words"
        )
    key, symbol, target = words
    compare = operator_mapping.get(symbol)
    if compare is None:
        raise ValueError(
            f"{compare_expr!r} compares with {symbol!r}; operators are {' '.join(operator_mapping)}"
        )
    try:
        return key, float(target), compare
    except ValueError:
        raise ValueError(f"{compare_expr!r} compares with {target!r}, which is not a number") from None
