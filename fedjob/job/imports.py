"""Follow the imports of code that travels, as FLARE 2.9 does: by the syntax tree, within a source root."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from fedjob.errors import ResourceError
from fedjob.job.plan import Script

#: Where a file of code goes: (place below custom/, file).
Put = Callable[[str, Path], None]

INIT = "__init__.py"


class Follower(Protocol):
    """Finds the files that a class or a script brings along."""

    def main_module(self, source: Path) -> str: ...

    def add_module(self, module: str, source: Path) -> None: ...

    def add_script(self, script: Script) -> None: ...


class CodeFollower:
    """FLARE 2.9's algorithm.

    A module's imports are looked up below its root: its file's path without its module path. A flat
    module (a top-level one, or a script outside any package) is also looked up beside itself. No file
    outside its root travels, and no place takes two files.
    """

    def __init__(self, kept_out: frozenset[str], put: Put, cwd: Path) -> None:
        self._kept_out = kept_out
        self._put = put
        self._seen: set[str] = set()
        self._source_of: dict[str, Path] = {}

    def main_module(self, source: Path) -> str:
        return source.stem

    def add_module(self, module: str, source: Path) -> None:
        self._add(module, source, _root_of(module, source), None)

    def add_script(self, script: Script) -> None:
        source = script.path.resolve() if Path(script.name).is_absolute() else script.path
        place = self._place_of(script, source)
        module_path = place.with_suffix("") if place.suffix == ".py" else place
        if module_path.name == "__init__" and len(module_path.parts) > 1:
            module_path = module_path.parent
        depth = len(module_path.parts) - (source.name != INIT)
        root = source.parents[depth] if depth < len(source.parents) else source.parents[-1]
        root = root.resolve()
        source = _inside(source, root)
        self._copy(".".join(module_path.parts), source, str(place), root, None, script=True)

    def _place_of(self, script: Script, source: Path) -> Path:
        place = Path(script.name)
        if place.is_absolute():
            roots = [
                r for r in {(script.cwd / p).resolve() for p in script.roots} if source.is_relative_to(r)
            ]
            place = source.relative_to(max(roots, key=lambda r: len(str(r)))) if roots else Path(source.name)
        place = Path(*_normal_parts(place))
        if ".." in place.parts or not place.parts:
            raise ResourceError(
                f"script {script.name} lies outside the directory it is named from; run from a directory above it"
            )
        return place

    def _add(self, module: str, source: Path, root: Path, flat_roots: list[Path] | None) -> None:
        root = root.resolve()
        source = _inside(source, root)
        parts = module.split(".")
        if parts[0] in self._kept_out:
            return
        place = "/".join(parts) + (f"/{INIT}" if source.name == INIT else ".py")
        if module in self._seen:
            self._claim(place, source)
            return
        self._seen.add(module)
        self._copy(module, source, place, root, flat_roots)

    def _copy(
        self,
        module: str,
        source: Path,
        place: str,
        root: Path,
        flat_roots: list[Path] | None,
        *,
        script: bool = False,
    ) -> None:
        """`source` and `root` are resolved, the one inside of the other."""
        self._claim(place, source)
        self._put(place, source)
        flat_script = script and not (source.parent / INIT).is_file()
        flat = (flat_script or "." not in module) and source.name != INIT
        if flat and flat_roots is None:
            flat_roots = [source.parent, root]
            if script and "." not in module:
                flat_roots.append(source.parent.parent)
        for imported, level in _imports(source) if source.suffix == ".py" else ():
            name = _resolve(imported, level, module, source)
            roots = flat_roots if level == 0 and flat and flat_roots is not None else [root]
            if name:
                self._follow(name, roots, flat_roots)

    def _follow(self, module: str, roots: list[Path], flat_roots: list[Path] | None) -> None:
        for root in dict.fromkeys(roots):
            # Plain strings: most of what code imports is not here, and is looked for all the same.
            source = f"{root}{os.sep}{module.replace('.', os.sep)}.py"
            if os.path.isfile(source):  # noqa: PTH113
                self._add(module, Path(source), root, flat_roots if "." not in module else None)
                return

    def _claim(self, place: str, source: Path) -> None:
        earlier = self._source_of.setdefault(place, source)
        if earlier != source and not earlier.samefile(source):
            raise ResourceError(
                f"{earlier} and {source} both want the place custom/{place}; rename one of them"
            )


def _imports(source: Path) -> tuple[tuple[str | None, int], ...]:
    """(module or None, relative level) of every import, nested ones included."""
    try:
        return _parsed(source.read_bytes(), str(source))
    except SyntaxError as error:
        raise ResourceError(
            f"{source}:{error.lineno} is not valid Python ({error.msg}) and cannot travel"
        ) from error


@lru_cache(maxsize=128)
def _parsed(code: bytes, name: str) -> tuple[tuple[str | None, int], ...]:
    return tuple(_found(ast.parse(code, filename=name)))


def _found(tree: ast.Module) -> Iterator[tuple[str | None, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.level
        elif isinstance(node, ast.ImportFrom):
            yield from ((None if alias.name == "*" else alias.name, node.level) for alias in node.names)


def _resolve(imported: str | None, level: int, module: str, source: Path) -> str:
    parts = imported.split(".") if imported else []
    if level == 0:
        return ".".join(parts)
    package = module.split(".") if source.name == INIT else module.split(".")[:-1]
    if level > len(package):
        raise ResourceError(
            f"relative import {'.' * level}{imported or '*'} in {source} leaves the root of its package; "
            "run from the directory above the package, or import absolutely"
        )
    return ".".join(package[: len(package) - level + 1] + parts)


def _root_of(module: str, source: Path) -> Path:
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        raise ResourceError(f"{module!r} ({source}) is not a module path, so its code cannot travel")
    expected = Path(*parts, INIT) if source.name == INIT else Path(*parts).with_suffix(".py")
    absolute = Path(*_normal_parts(source.absolute()))
    if absolute.parts[-len(expected.parts) :] != expected.parts:
        raise ResourceError(f"{source} is not the file of module {module!r}, so its code cannot travel")
    return absolute.parents[len(expected.parts) - 1]


def _inside(source: Path, root: Path) -> Path:
    """`source` resolved, which must lie below `root`, resolved already."""
    source = source.resolve()
    if not source.is_relative_to(root):
        raise ResourceError(f"{source} lies outside {root}, so it cannot travel; put it below that directory")
    return source


def _normal_parts(path: Path) -> list[str]:
    """`path` without ``.`` and, where they can be resolved by name alone, ``..``."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in {"..", path.anchor}:
            parts.pop()
        else:
            parts.append(part)
    return parts
