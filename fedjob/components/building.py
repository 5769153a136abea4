"""Build an object from ``{"path": "module.Class", "args": {...}}``.

Answers ``instantiate_class`` of ``nvflare.fuel.utils.class_utils``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fedjob.flare import names


def instantiate_class(class_path: str, init_params: dict[str, Any] | None) -> Any:
    """An object of the class at `class_path`.

    Raises ValueError when the class rejects its arguments, and whatever importing it raises.
    """
    cls = _load(class_path)
    try:
        return cls(**(init_params or {}))
    except TypeError as e:
        raise ValueError(f"class {class_path} does not take {sorted(init_params or {})}: {e}") from e


def _load(class_path: str) -> Any:
    if names.is_flare(class_path):
        return names.load(class_path)
    module, _, name = class_path.rpartition(".")
    return getattr(import_module(module), name)
