"""Engines by name; each is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from fedjob.engines.protocol import Engine
from fedjob.engines.request import RunRequest
from fedjob.errors import RequestError

__all__ = ["ENTRY_POINT_GROUP", "Engine", "RunRequest", "get", "names"]

#: Third-party engines register here: name = "package.module:EngineClass".
ENTRY_POINT_GROUP = "fedjob.engines"

_BUILT_IN = {
    "local": "fedjob.engines.local:LocalEngine",
    "simulator": "fedjob.engines.simulator:SimulatorEngine",
    "fake": "fedjob.engines.fake:FakeEngine",
}


def names() -> tuple[str, ...]:
    """The names that `get` knows, ours first."""
    return (*_BUILT_IN, *(e.name for e in entry_points(group=ENTRY_POINT_GROUP) if e.name not in _BUILT_IN))


def get(name: str) -> Engine:
    """The engine of that name, ready to run; raises RequestError for an unknown one."""
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        engine = getattr(import_module(module), attribute)
    else:
        found = [e for e in entry_points(group=ENTRY_POINT_GROUP) if e.name == name]
        if not found:
            raise RequestError(f"no engine {name!r}; engines are {', '.join(names())}")
        engine = found[0].load()
    made: Engine = engine()
    return made
