"""Stands in for packages that are not installed, so that modules which import them can be read.

Runs in the interpreter of any FLARE release; nothing here may import fedjob.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import types
from abc import ABCMeta
from typing import Any


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers imports of `packages` with modules that have every attribute."""

    def __init__(self, *packages: str) -> None:
        self.packages = set(packages)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] not in self.packages:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        return Hollow(spec.name)

    def exec_module(self, module: Any) -> None:
        module.__path__ = []


class Anything(ABCMeta):
    """The class of classes that have every attribute and accept every argument."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return hollow(name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__module__ != __name__:
            return super().__call__(*args, **kwargs)
        return args[0] if args else super().__call__()


def hollow(name: str) -> type:
    return Anything(name, (), {"__module__": __name__})


class Hollow(types.ModuleType):
    __version__ = "99.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return hollow(name)
