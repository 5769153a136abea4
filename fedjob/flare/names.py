"""FLARE's names: from a dotted path to the object of ours that answers it, and back, per release (see `table`)."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from fedjob.errors import NameUnknown, ReleaseError
from fedjob.flare import further
from fedjob.flare.releases import RELEASES, Release, span
from fedjob.flare.table import TABLE

ROOT = "nvflare"


@dataclass(frozen=True, slots=True)
class Name:
    """One name of FLARE and the object that answers it."""

    path: str  #: FLARE's dotted path, "nvflare." included
    target: str  #: ours, as "module:attribute"; "module:*" is the module itself
    releases: tuple[Release, ...]  #: the releases that have it there

    def load(self) -> Any:
        """Our object; imports its module."""
        module, _, attribute = self.target.partition(":")
        loaded = sys.modules.get(module) or import_module(module)
        return loaded if attribute == "*" else getattr(loaded, attribute)


def load(path: str) -> Any:
    """The object for FLARE's dotted `path`, of whatever release, ours or a plugin's. Raises NameUnknown."""
    found = _by_path().get(path)
    if found is not None:
        return found[0].load()
    target = further.targets().get(path)
    if target is None:
        raise unknown(path)
    return Name(path, target, RELEASES).load()


def path_of(thing: Any, release: Release | str | None = None) -> str | None:
    """FLARE's path, in that release, of our class or function or of an instance of our class.

    None when it is not in the table, as a user's own class is not. Raises ReleaseError, which says which
    releases have the name, when that release lacks it.
    """
    found = _names_of(thing)
    if not found:
        return None
    wanted = Release.of(release)
    name = next((n for n in found if wanted in n.releases), None)
    if name is None:
        having = sorted({r for n in found for r in n.releases})
        raise ReleaseError(
            f"FLARE {wanted} has no {found[0].path}; export for {' or '.join(map(str, having))}, or use another class"
        )
    return name.path


def flare_name(thing: Any) -> str | None:
    """What FLARE calls an object of ours, or of its own, in whatever release; None for a user's object."""
    if found := _names_of(thing):
        return found[0].path
    cls = thing if isinstance(thing, type) else type(thing)
    return f"{cls.__module__}.{cls.__qualname__}" if is_flare(cls.__module__) else None


def _names_of(thing: Any) -> list[Name]:
    cls = thing if isinstance(thing, (type, FunctionType)) else type(thing)
    target = f"{cls.__module__}:{cls.__qualname__}"
    return _by_target().get(target) or [
        Name(path, answer, RELEASES) for path, answer in further.targets().items() if answer == target
    ]


@cache
def names() -> tuple[Name, ...]:
    """Every name of the table, in its order."""
    return tuple(_read_table())


def _read_table() -> Iterator[Name]:
    for row in TABLE:
        releases = span(row.since, row.before)
        for item in row.names.split():
            theirs, _, ours = item.partition("=")
            parts = [ROOT, row.flare] if row.flare else [ROOT]
            path = ".".join(parts if theirs == "*" else [*parts, theirs])
            yield Name(path, f"fedjob.{row.home}:{ours or theirs}", releases)


@cache
def modules() -> dict[str, dict[str, Name]]:
    """FLARE's modules that the table knows, with their names; packages on the way down included."""
    found: dict[str, dict[str, Name]] = defaultdict(dict)
    for name in names():
        if name.target.endswith(":*"):
            found.setdefault(name.path, {})
        else:
            module, _, attribute = name.path.rpartition(".")
            found[module].setdefault(attribute, name)
    for module in list(found):
        for package in _packages_above(module):
            found.setdefault(package, {})
    return dict(found)


def _packages_above(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def paths() -> frozenset[str]:
    """The dotted paths of all names, of any release, those of plugins included."""
    return frozenset({*_by_path(), *further.targets()})


def unknown(path: str) -> NameUnknown:
    """The error for a name of FLARE that the table does not have."""
    return NameUnknown(
        f'{path} is not part of the embedded FLARE; install nvflare and run with engine="simulator" to use it',
        name=path,
    )


def is_flare(path: str) -> bool:
    """Whether a dotted path names something of FLARE's package."""
    return path.partition(".")[0] == ROOT


@cache
def _by_path() -> dict[str, list[Name]]:
    found: dict[str, list[Name]] = defaultdict(list)
    for name in names():
        found[name.path].append(name)
    return found


@cache
def _by_target() -> dict[str, list[Name]]:
    found: dict[str, list[Name]] = defaultdict(list)
    for name in names():
        found[name.target].append(name)
    return found


def module_of(path: str) -> ModuleType | None:
    """Our module that stands for FLARE's module `path` as a whole (a ``*`` row), if there is one."""
    found = _by_path().get(path)
    whole = found and found[0].target.endswith(":*")
    return found[0].load() if found and whole else None
