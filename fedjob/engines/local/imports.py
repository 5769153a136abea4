"""Calls back when a library has been imported, to seed its generator before user code draws from it.

A library that is loaded already can be held back until then, so that those who never import it need no generator.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class OnImport(MetaPathFinder):
    """`calls[name](name)` runs right after the import of `name` has ended."""

    def __init__(self, calls: Mapping[str, Callable[[str], None]]) -> None:
        self._calls = calls

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._calls:
            return None
        spec = self._real_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Calling(spec.loader, self._calls[fullname], fullname)
        return spec

    def _real_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if (
                isinstance(finder, HeldBack)
                and (spec := finder.find_spec(fullname, path, target)) is not None
            ):
                return spec
        return PathFinder.find_spec(fullname, path, target)

    def install(self) -> None:
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)


class _Calling(Loader):
    """A loader that does what the real one does, and then calls."""

    def __init__(self, loader: Loader, call: Callable[[str], None], name: str) -> None:
        self._loader = loader
        self._call = call
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._call(self._name)

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)


class HeldBack(MetaPathFinder, Loader):
    """A module of a package, with all below it, that is loaded and handed to the first who imports it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._modules = {n: m for n, m in sys.modules.items() if n == name or n.startswith(f"{name}.")}
        self._spec = self._modules[name].__spec__

    def install(self) -> None:
        for name in self._modules:
            del sys.modules[name]
        package, _, attribute = self._name.rpartition(".")
        if package:
            delattr(sys.modules[package], attribute)
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == self._name else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
        if self._spec is not None:
            module.__loader__ = self._spec.loader
        sys.modules.update(self._modules)
        if self in sys.meta_path:
            sys.meta_path.remove(self)
