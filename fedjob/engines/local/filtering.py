"""Run a chain of filters over what passes between server and site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


def apply_filters(filters: Iterable[Any], data: Shareable, fl_ctx: FLContext) -> Shareable:
    """`data` after all `filters`, in order. TypeError if one does not return a Shareable."""
    for each in filters:
        data = each.process(data, fl_ctx)
        if not isinstance(data, Shareable):
            raise TypeError(
                f"{type(each).__name__}.process() must return a Shareable, but it returned {type(data).__name__}"
            )
    return data
