"""What role an object plays, told by the FLARE names of its classes: real FLARE's objects count as ours do."""

from __future__ import annotations

from typing import Any

from fedjob.errors import JobTypeError
from fedjob.flare import names


def plays(thing: Any, role: str) -> bool:
    """Whether a class of `thing` is called `role`, a dotted path of FLARE."""
    return any(
        (names.flare_name(cls) or f"{cls.__module__}.{cls.__qualname__}") == role
        for cls in type(thing).__mro__
    )


def require(name: str, thing: Any, role: str) -> None:
    """Raise JobTypeError unless `thing` plays `role` or brings its own ``add_to_fed_job``."""
    if not has_add_to_job_method(thing) and not plays(thing, role):
        raise JobTypeError(f"{name} must be a {role.rpartition('.')[2]}, but got {type(thing).__name__}")


def has_add_to_job_method(obj: Any) -> bool:
    """Whether `obj` knows how to add itself to a job."""
    return callable(getattr(obj, "add_to_fed_job", None))
