"""Checks of constructor arguments, with FLARE's kinds of errors.

Answers the part of ``nvflare.fuel.utils.validation_utils`` that components use. Each raises TypeError for a wrong
type and ValueError for a wrong value, and says which argument it was. A bool counts as an int, as in FLARE.
"""

from __future__ import annotations

from typing import Any


def check_object_type(name: str, value: Any, obj_type: type | tuple[type, ...]) -> None:
    if not isinstance(value, obj_type):
        wanted = obj_type if isinstance(obj_type, tuple) else (obj_type,)
        raise TypeError(
            f"{name} must be {' or '.join(t.__name__ for t in wanted)}, but got {type(value).__name__}"
        )


def check_str(name: str, value: Any) -> None:
    check_object_type(name, value, str)


def check_non_empty_str(name: str, value: Any) -> None:
    check_str(name, value)
    if not value.strip():
        raise ValueError(f"{name} must not be empty")


def check_positive_int(name: str, value: Any) -> None:
    check_object_type(name, value, int)
    _positive(name, value)


def check_non_negative_int(name: str, value: Any) -> None:
    check_object_type(name, value, int)
    _non_negative(name, value)


def check_positive_number(name: str, value: Any) -> None:
    check_object_type(name, value, (int, float))
    _positive(name, value)


def check_non_negative_number(name: str, value: Any) -> None:
    check_object_type(name, value, (int, float))
    _non_negative(name, value)


def check_number_range(
    name: str, value: Any, min_value: float | None = None, max_value: float | None = None
) -> None:
    """`min_value` <= `value` <= `max_value`, where given."""
    check_object_type(name, value, (int, float))
    if min_value is not None and value < min_value:
        raise ValueError(f"{name} must be >= {min_value}, but got {value}")
    if max_value is not None and value > max_value:
        raise ValueError(f"{name} must be <= {max_value}, but got {value}")


def check_callable(name: str, value: Any) -> None:
    if not callable(value):
        raise ValueError(f"{name} must be callable, but got {type(value).__name__}")


def _positive(name: str, value: float) -> None:
    if value <= 0:
        raise ValueError(f"{name} must be > 0, but got {value}")


def _non_negative(name: str, value: float) -> None:
    if value < 0:
        raise ValueError(f"{name} must be >= 0, but got {value}")
