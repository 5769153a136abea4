"""Component classes of FLARE that we know by signature only: enough to describe and export a job.

The table's classes can run on the local engine; these cannot, and the engine says so when it meets one.
They take FLARE's arguments, keep what FLARE keeps, and play the roles of FLARE's bases.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from fedjob.errors import JobTypeError
from fedjob.flare import names, signatures
from fedjob.flare.signatures import MISSING, Parameters


def find(path: str) -> type | None:
    """The class for FLARE's dotted `path`: the table's, else a described one; None when neither knows it."""
    if path in names.paths():
        found: type = names.load(path)
        return found
    return _describe(path)


@cache
def modules() -> frozenset[str]:
    """FLARE's modules that hold a described class, and the packages above them."""
    found = {path.rpartition(".")[0] for path in signatures.paths()}
    return frozenset(m[: len(m) if dot < 0 else dot] for m in found for dot in _dots(m))


def _dots(module: str) -> list[int]:
    return [i for i, c in enumerate(module) if c == "."] + [-1]


@cache
def _describe(path: str) -> type | None:
    parameters = signatures.of(path, signatures.newest(path))
    if parameters is None:
        return None
    module, _, name = path.rpartition(".")
    bases = tuple(base for b in signatures.bases(path) if (base := find(b)) is not None)
    members = {
        "__module__": module,
        "__init__": _initializer(name, parameters),
        "__doc__": f"{path}, known for export only.",
        **_ROLES.get(path, {}),
    }
    cls = type(name, bases or (object,), members)
    # Never run, so what a base leaves open needs no answer.
    cls.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return cls


def _initializer(name: str, parameters: Parameters) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        given = dict(zip(parameters, args, strict=False)) | kwargs
        if unknown := [k for k in given if k not in parameters] or (
            len(args) > len(parameters) and [args[-1]]
        ):
            raise JobTypeError(f"{name} takes no argument {unknown[0]!r}; it takes {', '.join(parameters)}")
        for key, parameter in parameters.items():
            value = given.get(key, parameter.rest)
            if value is MISSING:
                raise JobTypeError(f"{name} needs the argument {key!r}")
            self.__dict__[key] = (
                copy.deepcopy(parameter.rest) if _left_alone(value, parameter.default) else value
            )

    return __init__


def _left_alone(value: Any, default: Any) -> bool:
    return value is default or (value is not None and type(value) is type(default) and bool(value == default))


def _add_controller(self: Any, job: Any, ctx: Any, **kwargs: Any) -> None:
    job.check_kwargs(args_to_check=kwargs, args_expected={})
    job.add_controller(obj=self, ctx=ctx)


def _add_executor(self: Any, job: Any, ctx: Any, **kwargs: Any) -> None:
    job.check_kwargs(args_to_check=kwargs, args_expected={"tasks": False})
    job.add_executor(obj=self, tasks=kwargs.get("tasks", ["*"]), ctx=ctx)


def _add_filter(self: Any, job: Any, ctx: Any, **kwargs: Any) -> None:
    job.check_kwargs(args_to_check=kwargs, args_expected={"filter_type": True, "tasks": False})
    job.add_filter(obj=self, filter_type=kwargs["filter_type"], tasks=kwargs.get("tasks", ["*"]), ctx=ctx)


_ROLES: dict[str, dict[str, Any]] = {
    "nvflare.apis.impl.controller.Controller": {"add_to_fed_job": _add_controller},
    "nvflare.apis.executor.Executor": {
        "add_to_fed_job": _add_executor,
        "get_job_target_type": lambda _: "client",
    },
    "nvflare.apis.filter.Filter": {"add_to_fed_job": _add_filter},
}
