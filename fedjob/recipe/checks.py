"""What recipes ask of their arguments."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from fedjob.errors import JobError, JobTypeError, ReleaseError
from fedjob.exchange.dxo import DataKind
from fedjob.flare import signatures
from fedjob.flare.releases import Release
from fedjob.job.api import FedJob, validate_target_name
from fedjob.job.defs import ALL_SITES, SERVER
from fedjob.job.plan import Plan

E = TypeVar("E", bound=Enum)

_AVERAGED = (DataKind.WEIGHTS, DataKind.WEIGHT_DIFF)


def since(job: FedJob, release: Release, what: str, *, used: object) -> None:
    """When `used`, an export for a release before `release` is a ReleaseError: it has no `what`."""

    def refuse(plan: Plan) -> None:
        if plan.release < release:
            raise ReleaseError(f"FLARE {plan.release} has no {what}; it came with {release}")

    if used:
        job._app_for(SERVER).record(refuse)


def warn_user(message: str) -> None:
    """A warning at the line that made the recipe, however many of ours are in between."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("fedjob.recipe."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def choice(kind: type[E], name: str, value: Any) -> E:
    """`value` as a member of `kind`; JobError, which calls it `name`, when it is none."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise JobError(f"invalid {name} {value!r}; choose one of {known}") from None


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    if value not in known:
        raise JobError(f"invalid {name} {value!r}; choose one of {', '.join(sorted(known))}")
    return value


def at_least(name: str, value: Any, least: int) -> int:
    """`value` as it is; JobError, which calls it `name`, unless it is an int of `least` or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise JobError(f"{name} must be an int of at least {least}, but is {value!r}")
    return value


def check_checkpoint(path: str | None) -> str | None:
    """`path` as it is. A relative one travels with the job and must be here, an absolute one is the site's."""
    if path is not None and not Path(path).is_absolute() and not Path(path).is_file():
        raise JobError(
            f"there is no checkpoint {path} (looked in {Path.cwd()}); a relative path travels with the job, an "
            "absolute one is where the job runs"
        )
    return path


def carry_checkpoint(job: FedJob, path: str | None) -> str | None:
    """Let a relative checkpoint travel to the server; returns the path by which it is known there."""
    if path is None or Path(path).is_absolute():
        return path
    job.add_file_to_server(path)
    return Path(path).name


def job_model(model: Any) -> Any:
    """A recipe's ``{"class_path": ..., "args": ...}`` as a job's ``{"path": ..., "args": ...}``; other models as they are."""
    if not isinstance(model, dict):
        return model
    path = model.get("class_path", model.get("path"))
    if not isinstance(path, str):
        raise JobError(f"a model given as a dict must name its class as 'class_path', but is {model}")
    return {"path": path, "args": model.get("args", {})}


def as_config(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    """Settings of an optimizer or scheduler, marked as data: FLARE builds from them only when it has parameters."""
    if settings is None:
        return None
    marked = copy.copy(settings)
    if marked.get("path") is None and marked.get("class_path") is not None:
        marked["path"] = marked["class_path"]
    if marked.get("config_type") is None:
        marked["config_type"] = "dict"
    return marked


def overridden(defaults: dict[str, Any], overrides: Any, name: str, known: Iterable[str]) -> dict[str, Any]:
    """`defaults` with `overrides`, the recipe's argument `name`, whose keys must be among `known`."""
    if overrides is None:
        return dict(defaults)
    if not isinstance(overrides, dict):
        raise JobTypeError(f"{name} must be a dict, but got {type(overrides).__name__}")
    known = set(known)
    if strange := [key for key in overrides if key not in known]:
        raise JobError(f"{name} has {strange[0]!r}; it can have {', '.join(sorted(known))}")
    return {**defaults, **overrides}


def arguments_of(path: str) -> tuple[str, ...]:
    """What FLARE's class `path` takes, in the newest release that has it."""
    return tuple(signatures.of(path, signatures.newest(path)) or ())


def check_sites(config: dict[str, dict[str, Any]], min_clients: int) -> None:
    """Raise JobError unless the keys can name sites, and are at least as many as the job needs."""
    for site in config:
        validate_target_name(site)
        if site in {SERVER, ALL_SITES}:
            raise JobError(f"{site!r} is not the name of a site")
    if len(config) < min_clients:
        raise JobError(f"there are {len(config)} sites in per_site_config, but min_clients={min_clients}")


def check_data_kind(data_kind: Any, aggregator: Any, *, name: str = "aggregator_data_kind") -> None:
    """Raise JobError unless `data_kind` can be averaged, and is what `aggregator` says that it expects."""
    declared = _declared_kind(aggregator)
    kind = choice(DataKind, name, data_kind) if data_kind is not None else declared
    if kind is None and aggregator is None:
        raise JobError(f"{name} must be WEIGHTS or WEIGHT_DIFF for the built-in aggregator")
    for asked, value in ((name, kind), (f"expected_data_kind of {type(aggregator).__name__}", declared)):
        if value is not None and value not in _AVERAGED:
            raise JobError(f"{asked} is {value.value}; a recipe averages WEIGHTS or WEIGHT_DIFF")
    if declared is not None and declared != kind:
        raise JobError(
            f"{name}={kind.value if kind else None}, but {type(aggregator).__name__} expects {declared.value}; "
            "let them agree"
        )


def _declared_kind(aggregator: Any) -> DataKind | None:
    declared = getattr(aggregator, "expected_data_kind", None)
    if declared is None:
        ask = getattr(getattr(aggregator, "assembler", None), "get_expected_data_kind", None)
        declared = ask() if callable(ask) else None
    if isinstance(declared, dict):
        if len(declared) != 1:
            raise JobError(
                f"{type(aggregator).__name__} expects {len(declared)} kinds of data; a recipe has one model"
            )
        declared = next(iter(declared.values()))
    return None if declared is None else choice(DataKind, "expected_data_kind", declared)
