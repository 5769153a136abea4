"""Code from ``custom/``: imported and run as FLARE does it, shown as the user's own file.

Modules and scripts keep the ``__file__`` they have in the run directory, but are compiled under the name
of the user's original when its bytes are the same; so tracebacks, breakpoints and coverage point there.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

_OURS = str(Path(__file__).parents[3] / "fedjob") + os.sep


class Originals:
    """Finds the user's own file behind one in ``custom/``: same relative path, same bytes."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = tuple(Path(root).absolute() for root in roots)
        self._code: dict[tuple[str, bytes], CodeType] = {}
        self._by_path: dict[Path, CodeType] = {}

    def find(self, relative: Path, data: bytes) -> Path | None:
        for root in self._roots:
            candidate = root / relative
            try:
                if candidate.read_bytes() == data:
                    return candidate
            except OSError:
                continue
        return None

    def compile(self, path: Path, custom: Path) -> CodeType:
        """The code of a file below `custom`, to be run next; compiled once however many sites run it."""
        if (code := self._by_path.get(path)) is None:
            data = path.read_bytes()
            relative = path.relative_to(custom)
            key = (str(relative), data)
            if key not in self._code:
                original = self.find(relative, data)
                self._code[key] = compile(data, str(original or path), "exec", dont_inherit=True)
                _introduce(self._code[key].co_filename)
            code = self._by_path[path] = self._code[key]
        return code


def _introduce(name: str) -> None:
    """Have coverage file the code under its own name.

    Coverage asks the first frame of a code file for ``__file__`` and believes that, if there is one.
    """
    exec(compile("", name, "exec"), {})  # noqa: S102


class Custom:
    """The ``custom/`` directories of a process, as an entry of ``sys.path_hooks``."""

    def __init__(self, originals: Originals, directories: Iterable[Path]) -> None:
        self._originals = originals
        self._roots = {str(directory): directory for directory in directories}
        self._files: dict[Path, Sequence[Path]] = {}
        self._scripts: dict[tuple[Path, str], Path] = {}
        self._codes: dict[Path, CodeType] = {}

    def root(self, path: str) -> Path | None:
        """The custom directory that holds `path`, if one does."""
        while path not in self._roots:
            parent = os.path.dirname(path)  # noqa: PTH120 - a path hook is asked for many paths.
            if parent == path:
                return None
            path = parent
        return self._roots[path]

    def __call__(self, path: str) -> FileFinder:
        """A finder for one directory; ImportError (as a path hook must) for a directory not ours."""
        custom = self.root(path)
        if custom is None or not os.path.isdir(path):  # noqa: PTH112
            raise ImportError(path)
        originals, root = self._originals, custom

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType:
                return originals.compile(Path(self.get_filename(fullname)), root)

        return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (Loader, SOURCE_SUFFIXES))

    def original(self, path: Path) -> Path:
        """The user's own file behind one in ``custom/``, or `path` itself."""
        source = Path(os.path.realpath(path))
        custom = self.root(str(source))
        if custom is None or not source.is_file():
            return path
        return self._originals.find(source.relative_to(custom), source.read_bytes()) or path

    def files(self, folder: Path) -> Sequence[Path]:
        """The files below `folder`, as they were when it was asked for first."""
        if folder not in self._files:
            self._files[folder] = _files(folder)
        return self._files[folder]

    def script(self, app: Path, name: str) -> Path:
        """`find_script`, which thousands of sites ask for the same."""
        key = app, name
        if (found := self._scripts.get(key)) is None:
            found = self._scripts[key] = _find_script(app, name, self.files(app / "custom"))
        return found

    def install(self) -> None:
        sys.path_hooks.insert(0, self)

    def remove(self) -> None:
        """Forget the directories: no finder of ours is left behind."""
        if self in sys.path_hooks:
            sys.path_hooks.remove(self)
        ours = tuple(self._roots)
        for path in [path for path in sys.path_importer_cache if path.startswith(ours) and self.root(path)]:
            del sys.path_importer_cache[path]

    def _code(self, path: Path) -> CodeType:
        """The code of the file behind a script's path, which is in a ``custom/`` or in a folder of its own."""
        if (code := self._codes.get(path)) is None:
            source = Path(os.path.realpath(path))
            custom = self.root(str(source)) or source.parent
            code = self._codes[path] = self._originals.compile(source, custom)
        return code

    def run_script(self, path: Path, args: Sequence[str] = ()) -> None:
        """Run a script as ``__main__`` with ``sys.argv = [path, *args]``; outside of ``custom/`` it is its own original.

        Raises whatever the script raises, SystemExit included.
        """
        code = self._code(path)
        main = ModuleType("__main__")
        file = str(path)
        vars(main).update(__file__=file, __cached__=None, __package__="")
        before = sys.argv, sys.modules.get("__main__")
        sys.argv = [file, *args]
        sys.modules["__main__"] = main
        try:
            exec(code, vars(main))  # noqa: S102
        finally:
            sys.argv = before[0]
            if before[1] is not None:
                sys.modules["__main__"] = before[1]


#: The custom code of this process while a run is on.
_current: list[Custom] = []


def enter(custom: Custom) -> None:
    custom.install()
    _current.append(custom)


def leave(custom: Custom) -> None:
    _current.remove(custom)
    custom.remove()


def run_script(path: Path, args: Sequence[str] = ()) -> None:
    """`Custom.run_script` of the run that is on in this process."""
    _current[-1].run_script(path, args)


def original(path: Path) -> Path:
    """The user's own file behind one in ``custom/`` of the run that is on; `path` itself if there is none."""
    return _current[-1].original(path) if _current else path


def find_script(app: Path, name: str) -> Path:
    """A file below the app's ``custom/`` whose path ends in `name`; ValueError if there is none.

    As FLARE does: the first one in order, and an absolute path as it is.
    """
    if os.path.isabs(name):  # noqa: PTH117 - a path costs more than all the rest, and each site asks.
        if Path(name).is_file():
            return Path(name)
        raise ValueError(
            f"the script {name!r} is not on this machine; give it by a relative path to have it travel"
        )
    return _current[-1].script(app, name) if _current else _find_script(app, name, _files(app / "custom"))


def _find_script(app: Path, name: str, files: Iterable[Path]) -> Path:
    wanted = Path(name).parts
    for path in files:
        if path.parts[-len(wanted) :] == wanted:
            return path
    raise ValueError(f"the script {name!r} is not in the custom folder of the app at {app}")


def _files(folder: Path) -> Sequence[Path]:
    # Not `rglob`, which compiles a regular expression first.
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return [path for path in sorted(found) if path.is_file()]


def user_traceback(error: BaseException) -> str:
    """The traceback as the user should read it: without the engine's frames above and below their code."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace) and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None and _is_ours(trace):  # all of it is ours: then all of it matters.
        trace = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, trace))


def _is_ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith((_OURS, "<frozen"))


def top_names(custom: Path) -> set[str]:
    """The names that ``import`` finds at the top of a custom directory."""
    names = set()
    for entry in os.scandir(custom) if custom.is_dir() else ():
        if entry.name.endswith(".py"):
            names.add(entry.name[:-3])
        elif entry.is_dir() and entry.name != "__pycache__":
            names.add(entry.name)
    return names


def same_source(module: Any, custom: Path) -> bool:
    """Whether a loaded module comes from a source with the bytes that its namesake in `custom` has."""
    file = getattr(module, "__file__", None)
    name = str(getattr(module, "__name__", "")).replace(".", os.sep)
    if file is None:  # a namespace package has no bytes to differ in.
        return (custom / name).is_dir()
    is_package = os.path.basename(file) == "__init__.py"  # noqa: PTH119
    twin = custom / name / "__init__.py" if is_package else custom / f"{name}.py"
    try:
        return twin.read_bytes() == Path(file).read_bytes()
    except OSError:
        return False
