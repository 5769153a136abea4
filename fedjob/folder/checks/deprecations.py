"""What still works on the target release, but FLARE says that it will go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from fedjob.flare import deprecated, names
from fedjob.flare.releases import Release
from fedjob.folder.checks.finding import Finding, warning
from fedjob.folder.checks.sources import Sources
from fedjob.folder.checks.walk import spots
from fedjob.folder.model import JobModel


def check(model: JobModel, release: Release) -> Iterator[Finding]:
    for spot in spots(model):
        yield from _finding(f"{spot.place}.path", spot.component.path, release)
    for app in model.apps:
        sources = Sources(app)
        for module, file in sources.modules.items():
            tree = sources.tree(module)
            for line, path in _all_used(tree) if tree else ():
                yield from _finding(f"{app.name}: {file.path}:{line}", path, release)


def _finding(place: str, path: str, release: Release) -> Iterator[Finding]:
    instead = deprecated.instead_of(path, release) if names.is_flare(path) else None
    if instead is not None:
        yield warning(
            "deprecated", place, f"FLARE {release} calls {path} deprecated", f"use {instead} instead"
        )


@lru_cache(maxsize=256)
def _all_used(tree: ast.Module) -> tuple[tuple[int, str], ...]:
    """The same tree is looked at whenever a job with this source is simulated."""
    return tuple(_used(tree))


def _used(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """FLARE's names that a source imports, or decorates functions with, and their lines."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield node.lineno, f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                name = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(name, ast.Attribute) and (module := modules.get(ast.unparse(name.value))):
                    yield decorator.lineno, f"{module}.{name.attr}"
