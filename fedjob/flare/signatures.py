"""The constructor parameters of FLARE's component classes, release by release.

The data in ``signatures.json`` is read from the real packages by ``tools/signatures.py``. It knows three things
that decide what FLARE writes: the order and defaults of the parameters (bases merged in by FLARE's rule),
what the constructor makes of a default (``aggregation_weights=None`` is kept, and written, as ``{}``), and which
parameters FLARE keeps in no attribute and therefore never writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from fedjob.flare.releases import NEWEST, RELEASES, Release


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of a component's constructor."""

    name: str
    default: Any = MISSING  #: MISSING when it must be given
    #: What the attribute holds when the default was left alone.
    rest: Any = MISSING
    lost: bool = False  #: kept in no attribute, so never exported
    always: bool = False  #: exported even when it is the default


Parameters = Mapping[str, Parameter]


@cache
def of(path: str, release: Release) -> Parameters | None:
    """The parameters of FLARE's class `path` in that release; None when it has no such class."""
    state = None
    for since, entry in _data().get(path, ()):
        if Release.of(since) <= release:
            state = entry
    return None if state is None else _parameters(state)


def paths() -> Iterable[str]:
    """All classes, of any release."""
    return _data().keys()


@cache
def newest(path: str) -> Release:
    """The newest release that has the class `path`; the newest of all for an unknown class."""
    return next((r for r in reversed(RELEASES) if of(path, r) is not None), NEWEST)


def bases(path: str) -> tuple[str, ...]:
    """The dotted paths of a class's bases, in the newest release that has it."""
    states = [entry for _, entry in _data().get(path, ()) if entry is not None]
    return tuple(states[-1]["bases"]) if states else ()


def releases_of(path: str) -> tuple[str, ...]:
    """The releases at which the class `path` appeared, changed or went (``-2.9``); empty if unknown."""
    return tuple(since if entry else f"-{since}" for since, entry in _data().get(path, ()))


def _parameters(entry: dict[str, Any]) -> Parameters:
    required, opaque = entry.get("required", ()), entry.get("opaque", ())
    echo, lost, always = entry.get("echo", {}), entry.get("lost", ()), entry.get("always", ())
    return {
        name: Parameter(
            name=name,
            default=MISSING if name in required or name in opaque else default,
            rest=echo.get(name, MISSING if name in required or name in opaque else default),
            lost=name in lost,
            always=name in always,
        )
        for name, default in entry["params"].items()
    }


@cache
def _data() -> dict[str, list[tuple[str, dict[str, Any] | None]]]:
    text = resources.files("fedjob.flare").joinpath("signatures.json").read_text(encoding="utf-8")
    data: dict[str, list[tuple[str, dict[str, Any] | None]]] = json.loads(text)
    return data
