"""Print, as JSON, the constructor parameters of every component class of the installed FLARE.

Run by tools/signatures.py in the interpreter of each release. Nothing here may import fedjob.

For each class: its bases, its parameters by FLARE's own merging rule (see `parameters`), the defaults, and what the
attributes hold after a construction that leaves every default alone, where that differs from the default.
"""

from __future__ import annotations

import contextlib
import enum
import importlib
import inspect
import itertools
import json
import os
import pkgutil
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

from stand_in import StandIn

PACKAGES = (
    "apis", "app_common", "app_opt", "edge", "fuel.utils.pipe", "fuel_opt", "metrics", "widgets",
)  # fmt: skip


Parameters = dict[str, inspect.Parameter]


def parameters(cls: Any) -> Parameters:
    """FLARE's rule: with both `args` and `kwargs` among its parameters, a class also has its bases'."""
    own = dict(inspect.signature(cls.__init__).parameters)
    found = dict(own)
    if "args" in own and "kwargs" in own:
        for base in cls.__bases__:
            found.update(parameters(base))
    return {name: p for name, p in found.items() if name not in {"self", "args", "kwargs"}}


def plain(value: Any) -> Any:
    """`value` as JSON data; raises TypeError for what is not."""
    if isinstance(value, enum.Enum):
        value = value.value
    return json.loads(json.dumps(value))


def observe(cls: Any, params: Parameters) -> dict[str, Any]:
    """What the attributes say when every default is left alone.

    `echo`: the values that are not the default; `lost`: the parameters with no attribute of their own; `always`: the
    arguments that the class wants exported even when they are the default. Constructed twice, under different surroundings, to leave out what is random or of this machine.
    """
    required = [n for n, p in params.items() if p.default is p.empty]
    first = _make(cls, required)
    path, os.environ["PATH"] = os.environ["PATH"], "/nowhere"
    second = _make(cls, required)
    os.environ["PATH"] = path
    if first is None or second is None:
        return {}
    once, again = _echoes(first, params), _echoes(second, params)
    lost = [name for name in params if not _keeps(first, name) and not _keeps_if_given(cls, required, name)]
    return {
        "echo": {name: value for name, value in once.items() if again.get(name, value) == value},
        "lost": lost,
        "always": sorted(getattr(first, "_always_serialize_args", ())),
    }


def _echoes(made: Any, params: Parameters) -> dict[str, Any]:
    found = {}
    for name, p in params.items():
        key = name if name in vars(made) else "_" + name
        if p.default is p.empty or key not in vars(made):
            continue
        try:
            value, default = plain(vars(made)[key]), plain(p.default)
        except TypeError:
            continue
        if value != default or (value is None) != (default is None):
            found[name] = value
    return found


def _keeps(made: Any, name: str) -> bool:
    return name in vars(made) or "_" + name in vars(made)


def _keeps_if_given(cls: Any, required: list[str], name: str) -> bool:
    """Whether an argument that is not the default is kept: some are only then."""
    made = _make(cls, [*required, name]) if name not in required else None
    return made is not None and _keeps(made, name)


def _make(cls: Any, required: list[str]) -> Any:
    """An instance from the first guess at its required arguments that its checks let through."""
    guesses = (object(), 1, "x", ["x"], {"x": {}}, "json.JSONEncoder", None)
    for values in itertools.product(guesses, repeat=min(len(required), 4)):
        with contextlib.suppress(Exception):
            return cls(**dict(zip(required, values, strict=False)))
    return None


def describe(cls: Any) -> dict[str, Any]:
    params = {n: p for n, p in parameters(cls).items() if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}
    entry: dict[str, Any] = {"params": {}}
    for name, p in params.items():
        if p.default is p.empty:
            entry["params"][name] = None
            entry.setdefault("required", []).append(name)
            continue
        try:
            entry["params"][name] = plain(p.default)
        except TypeError:
            entry["params"][name] = repr(type(p.default))
            entry.setdefault("opaque", []).append(name)
    entry["bases"] = [f"{base.__module__}.{base.__qualname__}" for base in cls.__bases__]
    observed = observe(cls, params)
    return entry | {name: value for name, value in observed.items() if value}


def load(name: str, absent: StandIn) -> types.ModuleType | None:
    """The module called `name`, or None; every third-party package that it lacks is stood in for."""
    while True:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            lacking = (error.name or "nvflare").partition(".")[0]
            if lacking == "nvflare" or lacking in absent.packages:
                return None
            absent.packages.add(lacking)
        except BaseException as error:
            print("skipped", name, repr(error)[:100], file=sys.stderr)
            return None


def modules(absent: StandIn) -> Iterator[types.ModuleType]:
    for package in PACKAGES:
        if (root := load("nvflare." + package, absent)) is None:
            continue
        for info in pkgutil.walk_packages(root.__path__, root.__name__ + ".", onerror=lambda _: None):
            if (module := load(info.name, absent)) is not None:
                yield module


def main() -> None:
    out, sys.stdout = sys.stdout, sys.stderr  # some modules print when they are imported
    warnings.simplefilter("ignore")
    absent = StandIn()
    sys.meta_path.append(absent)
    from nvflare.apis.fl_component import FLComponent

    roots = [FLComponent]
    for path in ("nvflare.fuel.utils.pipe.pipe:Pipe", "nvflare.app_common.abstract.launcher:Launcher"):
        module, _, name = path.partition(":")
        with contextlib.suppress(ImportError):
            roots.append(getattr(importlib.import_module(module), name))
    found = {}
    for module in modules(absent):
        for cls in vars(module).values():
            if isinstance(cls, type) and cls.__module__ == module.__name__ and issubclass(cls, tuple(roots)):
                found[f"{cls.__module__}.{cls.__qualname__}"] = describe(cls)
    json.dump(found, out)


if __name__ == "__main__":
    main()
