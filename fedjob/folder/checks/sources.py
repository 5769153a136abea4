"""The Python code of one app, read and never run."""

from __future__ import annotations

import ast
import sys
import warnings
from functools import cache, cached_property
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path, PurePosixPath

from fedjob.folder.model import App, File

#: Larger files are data, whatever they are called.
LARGEST = 2_000_000


class Sources:
    """The Python files of one app, by module name."""

    def __init__(self, app: App) -> None:
        self.app = app

    @cached_property
    def modules(self) -> dict[str, File]:
        found = {}
        for file in self.app.files:
            path = PurePosixPath(file.path)
            if path.parts[0] == "custom" and path.suffix == ".py":
                parts = path.with_suffix("").parts[1:]
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
        return found

    def has_module(self, module: str) -> bool:
        return module in self.modules

    def has_package(self, module: str) -> bool:
        """True when the module's top package is the app's own."""
        top = module.partition(".")[0]
        return any(name.partition(".")[0] == top for name in self.modules)

    def defines(self, module: str, name: str) -> bool:
        """True unless the module's source surely has no such name; a star import may bring anything."""
        tree = self.tree(module)
        return tree is None or bool(_names(tree) & {name, "*"})

    def tree(self, module: str) -> ast.Module | None:
        """The module's syntax tree; None for a file that cannot be read or parsed."""
        parsed = _parse(self.modules[module].source)
        return parsed if isinstance(parsed, ast.Module) else None

    def syntax_error(self, module: str) -> SyntaxError | None:
        """What is wrong with the module's source, if anything."""
        parsed = _parse(self.modules[module].source)
        return parsed if isinstance(parsed, SyntaxError) else None


def _names(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
    return found


def _parse(path: Path) -> ast.Module | SyntaxError | None:
    """None for a file that is not there (a golden's) or too large to be code."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _parse_once(path, status.st_mtime_ns) if status.st_size <= LARGEST else None


@cache
def _parse_once(path: Path, _changed: int) -> ast.Module | SyntaxError | None:
    with warnings.catch_warnings():
        # A doubtful escape in the user's source is not the check's business.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(path.read_bytes())
        except SyntaxError as error:
            return error
        except (OSError, ValueError, RecursionError) as error:
            return SyntaxError(str(error))


def is_installed(module: str) -> bool:
    """True when the top package of `module` comes with Python or is installed."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or _spec(top) is not None


def installed_at(top: str) -> Path | None:
    """The directory of an installed package; None for a single module and for what is not installed."""
    spec = _spec(top)
    return (
        Path(spec.origin).parent
        if spec is not None and spec.origin and spec.submodule_search_locations
        else None
    )


@cache
def _spec(top: str) -> ModuleSpec | None:
    # The user's project, on the path by chance, is left out: a site does not have it.
    site = [entry for entry in sys.path if {"site-packages", "dist-packages"} & set(Path(entry).parts)]
    return PathFinder.find_spec(top, site)
