"""Marks functions and classes as deprecated: ``nvflare.fuel.utils.deprecated``."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

#: What was said already: once is enough in a process.
_said: set[str] = set()


def warn_deprecated(message: str, stacklevel: int = 2) -> None:
    """A DeprecationWarning, the first time that a process says `message`; `stacklevel` as for `warnings.warn`."""
    if message in _said:
        return
    _said.add(message)
    with warnings.catch_warnings():
        warnings.simplefilter("always", DeprecationWarning)
        warnings.warn(message, category=DeprecationWarning, stacklevel=stacklevel)


def deprecated(reason: Any) -> Any:
    """Decorator, bare or with a reason: the thing warns when it is called.

    Raises TypeError for a reason that is no string.
    """
    if inspect.isclass(reason) or inspect.isfunction(reason):
        return _marked(reason, "")
    if not isinstance(reason, str):
        raise TypeError(f"the reason must be a string, but is a {type(reason).__name__}")
    return lambda thing: _marked(thing, f" ({reason})" if reason else "")


def _marked(thing: Callable[..., Any], reason: str) -> Callable[..., Any]:
    kind = "class" if inspect.isclass(thing) else "function"

    @functools.wraps(thing)
    def call(*args: Any, **kwargs: Any) -> Any:
        warn_deprecated(f"Call to deprecated {kind} {thing.__name__}{reason}.", stacklevel=3)
        return thing(*args, **kwargs)

    return call
