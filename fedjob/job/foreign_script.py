"""Catch real FLARE's jobs and recipes in a user's script: they are exported, by FLARE, instead of run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from fedjob.job.foreign import ForeignJob


class CaughtRun:
    """What a script gets from a Recipe that was caught instead of run."""

    def get_job_id(self) -> str:
        return "caught"

    def get_status(self) -> None:
        return None

    def get_result(self, *_: Any, **__: Any) -> None:
        return None

    def abort(self) -> None:
        return None


def _nothing_more(*_: Any, **__: Any) -> dict[str, Any]:
    return {}


def _as_exported(*args: Any, **kwargs: Any) -> dict[str, Any]:
    names = ("job_dir", "server_exec_params", "client_exec_params", "env")
    given = dict(zip(names, args, strict=False)) | kwargs
    return {name: value for name, value in given.items() if name != "job_dir"}


def _as_run(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return dict(zip(("env", "server_exec_params", "client_exec_params"), args, strict=False)) | kwargs


#: Class -> method -> what its arguments say to the class's exporter, which stands first.
_METHODS: dict[str, dict[str, Callable[..., dict[str, Any]]]] = {
    "nvflare.job_config.api:FedJob": {"export_job": _nothing_more, "simulator_run": _nothing_more},
    "nvflare.recipe.spec:Recipe": {"export": _as_exported, "run": _as_run, "execute": _as_run},
}


@contextmanager
def catch(caught: list[Any]) -> Iterator[None]:
    """Within the block, `caught` gets a ForeignJob for every job that would be exported or run."""
    catcher = _Catcher(caught)
    with ExitStack() as stack:
        for place, methods in _METHODS.items():
            cls = _class(place)
            exporter = getattr(cls, next(iter(methods)), None)
            for method, arrange in methods.items():
                if (original := getattr(cls, method, None)) is not None:
                    stack.callback(setattr, cls, method, original)
                    setattr(cls, method, catcher.replacement(original, exporter, arrange))
        yield


def _sites(method: Any, job: Any, args: Any, kwargs: Any) -> int | tuple[str, ...] | None:
    """Number or names of the sites in a method's arguments, or in the environment among them."""
    given = inspect.signature(method).bind(job, *args, **kwargs).arguments
    env = given.get("env")
    names = getattr(env, "clients", None) or given.get("clients")
    number: int | None = getattr(env, "num_clients", None) or given.get("n_clients")
    return tuple(names) if names else number


class _Catcher:
    def __init__(self, caught: list[Any]) -> None:
        self._caught = caught
        self._seen: list[tuple[Any, ForeignJob]] = []
        self._exporting = False

    def replacement(self, original: Any, export: Any, arrange: Callable[..., dict[str, Any]]) -> Any:
        def hand_over(job: Any, *args: Any, **kwargs: Any) -> Any:
            if self._exporting:  # a recipe that exports its own job
                return original(job, *args, **kwargs)
            found = next((kept for seen, kept in self._seen if seen is job), None)
            if found is None:
                self._exporting = True
                try:
                    found = ForeignJob(lambda root: export(job, root, **arrange(*args, **kwargs)))
                finally:
                    self._exporting = False
                self._seen.append((job, found))
                self._caught.append(found)
            found.default_sites = _sites(original, job, args, kwargs) or found.default_sites
            return CaughtRun()

        return hand_over


def _class(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except ImportError:
        return None
