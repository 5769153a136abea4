"""The kinds of recipes' arguments, by name: the same word is of the same kind in all of them.

FLARE has them checked by pydantic, which also takes what stands for a value of the kind, as ``"3"`` from a command line; so it is
here, and a job that FLARE would refuse is refused.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from fedjob.errors import JobTypeError

F = TypeVar("F", bound=Callable[..., None])

_YES = {"1", "on", "t", "true", "y", "yes"}
_NO = {"0", "off", "f", "false", "n", "no"}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError
    return number


def _flag(value: Any) -> bool:
    word = str(int(value) if isinstance(value, (bool, float)) else value).lower()
    if word not in _YES | _NO:
        raise ValueError
    return word in _YES


def _weights(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise TypeError
    return {_text(site): float(weight) for site, weight in value.items()}


_KINDS: tuple[tuple[Callable[[Any], Any], str, str], ...] = (
    (_text, "a str", "name task_name train_script train_args task_script task_args eval_args command key_metric"),
    (_whole, "an int", "min_clients num_rounds n_clusters num_features server_memory_gc_rounds client_memory_gc_rounds"),
    (_whole, "an int", "timeout submit_model_timeout validation_timeout task_assignment_timeout"),
    (_flag, "a bool", "launch_external_process launch_once cuda_empty_cache enable_tensor_disk_offload"),
    (float, "a number", "shutdown_timeout damping_factor"),
)  # fmt: skip
_OPTIONAL_KINDS: tuple[tuple[Callable[[Any], Any], str, str], ...] = (
    (_text, "a str", "initial_ckpt eval_script stop_cond best_model_filename save_filename exclude_vars model_path model_dir"),
    (_whole, "an int", "patience num_clients min_responses"),
    (float, "a number", "launch_timeout"),
    (_weights, "a dict of numbers by site", "aggregation_weights"),
)  # fmt: skip

#: Name -> what makes a value of the kind, the kind in words, whether None will do.
_BY_NAME = {
    name: (make, kind, optional)
    for kinds, optional in ((_KINDS, False), (_OPTIONAL_KINDS, True))
    for make, kind, names in kinds
    for name in names.split()
}


def typed(init: F) -> F:
    """A recipe's constructor, which gets its arguments in their kinds; JobTypeError for one that is of another."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def checked(*args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in _BY_NAME:
                bound.arguments[name] = _taken(name, value)
        init(*bound.args, **bound.kwargs)

    return cast("F", checked)


def _taken(name: str, value: Any) -> Any:
    make, kind, optional = _BY_NAME[name]
    if value is None and optional:
        return None
    try:
        return make(value)
    except (TypeError, ValueError):
        raise JobTypeError(
            f"{name} must be {kind}{' or None' if optional else ''}, but is {value!r}"
        ) from None
