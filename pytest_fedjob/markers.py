"""The ``fedjob`` marker: defaults of the simulations in a test, a class or a module."""

from __future__ import annotations

from typing import Any

import pytest

WORDS = ("engine", "timeout", "seed", "isolation")


def check_markers(item: pytest.Item) -> None:
    """Raise `pytest.UsageError` for a ``fedjob`` marker that says something unknown."""
    for mark in item.iter_markers("fedjob"):
        unknown = [word for word in mark.kwargs if word not in WORDS]
        if unknown or mark.args:
            odd = unknown[0] if unknown else repr(mark.args[0])
            raise pytest.UsageError(
                f"{item.nodeid}: pytest.mark.fedjob does not take {odd}; it takes {', '.join(WORDS)} by name"
            )


def value(item: pytest.Item, word: str, otherwise: Any) -> Any:
    """What the closest marker says of `word`."""
    for mark in item.iter_markers("fedjob"):
        if word in mark.kwargs:
            return mark.kwargs[word]
    return otherwise
