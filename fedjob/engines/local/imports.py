"""Calls back when a library has been imported, to seed its generator before user code draws from it."""

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
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Calling(spec.loader, self._calls[fullname], fullname)
        return spec

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
