"""The code in ``custom/``: would every import succeed at a site that has only this folder?

Nothing is executed: imports are read from the source and looked up among the app's own files, the
standard library, and what is installed here.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from fedjob.flare import names, paths
from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.checks.sources import Sources, installed_at, is_installed
from fedjob.folder.model import App, File, JobModel


def check(model: JobModel) -> Iterator[Finding]:
    for app in model.apps:
        sources = Sources(app)
        yield from _syntax(app, sources)
        yield from _shadows(app, sources)
        yield from _binaries(app)
        roots = _script_roots(app)
        for module in sources.modules:
            yield from _imports(app, sources, module, roots)


def _syntax(app: App, sources: Sources) -> Iterator[Finding]:
    for module, file in sources.modules.items():
        problem = sources.syntax_error(module)
        if problem is not None:
            where = f" (line {problem.lineno})" if problem.lineno else ""
            place = f"{app.name}: {file.path}"
            yield error("syntax", place, f"{module} is not Python{where}: {problem.msg}", "correct it")


def _shadows(app: App, sources: Sources) -> Iterator[Finding]:
    for top in sorted({name.partition(".")[0] for name in sources.modules} - {""}):
        files = [file for name, file in sources.modules.items() if name.partition(".")[0] == top]
        place = f"{app.name}: custom/{top}{'' if len(files) > 1 or top not in sources.modules else '.py'}"
        if top in sys.stdlib_module_names:
            yield error(
                "name-shadowed",
                place,
                f"Python's own module {top!r} hides it: custom/ is searched last",
                "rename it",
            )
        elif is_installed(top) and _is_copy(top, files):
            yield warning(
                "package-copied",
                place,
                f"the installed package {top!r} is in custom/ ({len(files)} files)",
                "install it at the sites: job.set_app_packages, or name it in the sites' requirements",
            )
        elif is_installed(top):
            yield warning(
                "name-shadowed",
                place,
                f"an installed package of the same name {top!r} hides it: custom/ is searched last",
                "rename it",
            )


def _is_copy(top: str, files: list[File]) -> bool:
    home, prefix = installed_at(top), f"custom/{top}/"
    return home is not None and any(
        (home / f.path.removeprefix(prefix)).is_file() for f in files if f.path.startswith(prefix)
    )


def _binaries(app: App) -> Iterator[Finding]:
    for file in app.files:
        path = PurePosixPath(file.path)
        if path.suffix in {".pkl", ".pickle", ".joblib"}:
            yield warning(
                "pickle",
                f"{app.name}: {file.path}",
                "a pickle runs code when it is loaded",
                "send weights as .npy, .npz or .safetensors",
            )
        elif path.suffix == ".pyc":
            yield warning(
                "bytecode", f"{app.name}: {file.path}", "compiled code fits one Python only", "leave it out"
            )


def _script_roots(app: App) -> dict[str, str]:
    """Directories that Python adds for a script which FLARE starts as a process of its own."""
    roots = {}
    for entry in app.client.executors if app.client else ():
        command = entry.executor.args.get("command")
        words = command if isinstance(command, list) else str(command or "").split()
        for component in app.client.components if app.client else ():
            if component.path == paths.SUBPROCESS_LAUNCHER:
                words = [*words, *str(component.args.get("script", "")).split()]
        for word in words:
            script = str(word).removeprefix("custom/")
            if script.endswith(".py"):
                roots[script] = str(PurePosixPath(script).parent)
    return roots


def _imports(app: App, sources: Sources, module: str, roots: dict[str, str]) -> Iterator[Finding]:
    tree = sources.tree(module)
    file = sources.modules[module]
    relative = file.path.removeprefix("custom/")
    base = roots.get(relative, "").replace("/", ".").strip(".")
    is_package = relative.endswith("__init__.py")
    for line, wanted in _wanted(tree, module, is_package) if tree else ():
        if _found(sources, wanted, base):
            continue
        beside = f"{module.rpartition('.')[0]}.{wanted}".strip(".")
        decoy = next((m for m in sources.modules if m == beside or m.endswith(f".{wanted}")), None)
        reason = f"line {line} imports {wanted!r}, which is neither in custom/ nor installed here"
        if decoy is not None:
            there = sources.modules[decoy].path
            reason = f"line {line} imports {wanted!r}; {there} is not found under that name, since only custom/ is searched"
        yield error(
            "import-missing",
            f"{app.name}: {file.path}",
            reason,
            f"import it as {decoy!r}"
            if decoy
            else "let the module travel with the job, or install it at the sites",
        )


def _found(sources: Sources, wanted: str, base: str) -> bool:
    if names.is_flare(wanted) or sources.has_module(wanted):
        return True
    if base and sources.has_module(f"{base}.{wanted}"):
        return True
    if sources.has_package(wanted):
        # A namespace package counts when some module lies below it.
        return any(name.startswith(f"{wanted}.") for name in sources.modules)
    return is_installed(wanted)


def _wanted(tree: ast.Module, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Modules that must be there for the source to run, with their lines.

    Imports inside functions, and those whose failure the source handles, may never be needed.
    """
    for node in _top_level(tree.body):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = _absolute(node, module, is_package)
            if name:
                yield node.lineno, name


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    up = node.level - 1 if is_package else node.level
    parents = parts[: len(parts) - up] if up else parts
    return ".".join([*parents, *([node.module] if node.module else [])])


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.Try):
            if not any(_handles_import(handler) for handler in node.handlers):
                yield from _top_level(node.body)
        elif isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from _top_level(node.body)
        elif isinstance(node, ast.With):
            yield from _top_level(node.body)
        else:
            yield node


def _handles_import(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or any(
        word in ast.unparse(handler.type) for word in ("ImportError", "ModuleNotFoundError", "Exception")
    )
