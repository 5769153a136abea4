"""Answers ``import nvflare...`` from the name table, so that code written for FLARE runs without it.

``with shim.active():`` answers for the length of a block, `install` for the rest of the process. The objects
found are ours themselves: pickles, isinstance and identity hold across both names. With ``describe=True``
component classes that we know by signature only are answered as well: a job can be described with them,
not run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from fedjob.flare import described, further, names
from fedjob.flare.releases import NEWEST


class _Answer(ModuleType):
    """A module of FLARE's. Its attributes are ours, loaded when they are first asked for."""

    def __getattr__(self, attribute: str) -> Any:
        path = f"{self.__name__}.{attribute}"
        name = names.modules().get(self.__name__, {}).get(attribute)
        if name is not None:
            found = name.load()
            # Remembered: a script asks for `flare.receive` in each of its rounds.
            vars(self)[attribute] = found
            return found
        if _finder.knows(path):
            return import_module(path)
        if path in further.targets():
            return names.load(path)
        if _finder.describes and (cls := described.find(path)) is not None:
            return cls
        whole = names.module_of(self.__name__)
        if whole is not None and hasattr(whole, attribute):
            return getattr(whole, attribute)
        if attribute.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}")
        # An AttributeError would become a bare ImportError in `from nvflare.x import y`; this says what to do.
        raise names.unknown(path)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *names.modules().get(self.__name__, {})})


class _Finder(MetaPathFinder, Loader):
    """Knows every module of the table and refuses the rest of FLARE, lest half of it come from elsewhere."""

    #: Whether classes known by signature only are answered.
    describes = False

    def knows(self, module: str) -> bool:
        return (
            module in names.modules()
            or (self.describes and module in described.modules())
            or module in further.modules()
        )

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not names.is_flare(fullname):
            return None
        if not self.knows(fullname):
            raise names.unknown(fullname)
        spec = ModuleSpec(fullname, self, origin=__file__, is_package=True)
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Answer(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == names.ROOT:
            vars(module)["__version__"] = f"{NEWEST}.0"


_finder = _Finder()


def find_spec(fullname: str) -> ModuleSpec | None:
    """The spec of a module of FLARE's as we answer it; NameUnknown for one that we do not."""
    return _finder.find_spec(fullname, None)


def is_active() -> bool:
    """Whether ``nvflare`` is answered by us now."""
    return _finder in sys.meta_path


def real_flare() -> bool:
    """Whether the real package can be imported; does not import it, and is not fooled by an active shim."""
    return PathFinder.find_spec(names.ROOT) is not None


def install(*, describe: bool = False) -> None:
    """Answer from now on. Modules of the real package that are loaded already are taken out."""
    if not is_active():
        _take_out()
        sys.meta_path.insert(0, _finder)
    _finder.describes = describe


@contextmanager
def active(*, describe: bool = False) -> Iterator[None]:
    """Answer within the block; afterwards ``sys.modules`` holds of FLARE what it held before."""
    was_active, before_describes = is_active(), _finder.describes
    before = {} if was_active else _take_out()
    install(describe=describe or before_describes)
    try:
        yield
    finally:
        _finder.describes = before_describes
        if not was_active:
            sys.meta_path.remove(_finder)
            _take_out()
            sys.modules.update(before)


def _take_out() -> dict[str, ModuleType]:
    # Hundreds of modules are asked before each run in this process.
    found = [name for name in sys.modules if name.startswith(names.ROOT) and names.is_flare(name)]
    return {name: sys.modules.pop(name) for name in found}
