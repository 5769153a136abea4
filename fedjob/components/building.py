"""Build an object from ``{"path": "module.Class", "args": {...}}``.

Answers ``instantiate_class`` of ``nvflare.fuel.utils.class_utils`` and ``load_class`` of ``...class_loader``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from fedjob.flare import names


def instantiate_class(class_path: str, init_params: dict[str, Any] | None) -> Any:
    """An object of the class at `class_path`.

    Raises ValueError when the class rejects its arguments, and whatever importing it raises.
    """
    cls = load_class(class_path)
    try:
        return cls(**(init_params or {}))
    except TypeError as e:
        raise ValueError(f"class {class_path} does not take {sorted(init_params or {})}: {e}") from e


def load_class(class_path: str) -> Any:
    """The class at a dotted path; FLARE's are answered by ours."""
    if names.is_flare(class_path):
        return names.load(class_path)
    module, _, name = class_path.rpartition(".")
    return getattr(import_module(module), name)


def build_described(
    build_component: Callable[[dict[str, Any]], Any], described: Mapping[str, Any], **extra: Any
) -> Any:
    """What an engine's `build_component` makes of ``{"path", "args"}`` with `extra` arguments."""
    return build_component({**described, "args": {**(described.get("args") or {}), **extra}})
