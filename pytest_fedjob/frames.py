"""Tracebacks that end at the user's line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from fedjob.errors import FedJobError

P = ParamSpec("P")
R = TypeVar("R")


def without_our_frames(method: Callable[P, R]) -> Callable[P, R]:
    """Our own errors say all there is to say; the traceback should end at the user's line."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return method(*args, **kwargs)
        except FedJobError as error:
            raise error.with_traceback(None)  # noqa: B904

    return call
