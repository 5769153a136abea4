"""Engines by name; each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fedjob.errors import RequestError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from fedjob.engines.protocol import Engine as Engine
    from fedjob.engines.request import RunRequest as RunRequest

__all__ = ["ENTRY_POINT_GROUP", "Engine", "RunRequest", "get", "names"]

#: Third-party engines register here: name = "package.module:EngineClass".
ENTRY_POINT_GROUP = "fedjob.engines"

_BUILT_IN = {
    "local": "fedjob.engines.local:LocalEngine",
    "simulator": "fedjob.engines.simulator:SimulatorEngine",
    "deployment": "fedjob.engines.deployment:DeploymentEngine",
    "fake": "fedjob.engines.fake:FakeEngine",
}


_HOMES = {"Engine": "fedjob.engines.protocol", "RunRequest": "fedjob.engines.request"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def names() -> tuple[str, ...]:
    """The names that `get` knows, ours first."""
    return (*_BUILT_IN, *(entry.name for entry in _registered() if entry.name not in _BUILT_IN))


def get(name: str) -> Engine:
    """The engine of that name, ready to run; raises RequestError for an unknown one."""
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        engine = getattr(import_module(module), attribute)
    else:
        found = [entry for entry in _registered() if entry.name == name]
        if not found:
            raise RequestError(f"no engine {name!r}; engines are {', '.join(names())}")
        engine = found[0].load()
    made: Engine = engine()
    return made


def _registered() -> Iterable[EntryPoint]:
    # A tenth of the time that a test process takes to start, for the few who need it.
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINT_GROUP)
