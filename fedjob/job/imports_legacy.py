"""Follow the imports of code that travels, as FLARE 2.5 to 2.8 do: by the line, with their oddities.

Of ``import a, b`` neither is found (the comma stays on); ``from . import a`` is not; a relative import is
looked up beside the file; what is not beside the file is looked up one package root up, which for a
top-level module is the current directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fedjob.job.imports import Put
from fedjob.job.plan import Script


class LegacyFollower:
    """FLARE's algorithm up to 2.8. It works on path texts, and so does this."""

    def __init__(self, kept_out: frozenset[str], put: Put, cwd: Path) -> None:
        self._cwd = cwd
        self._kept_out = kept_out
        self._put = put
        self._seen: set[str] = set()

    def main_module(self, source: Path) -> str:
        # Strips letters, not the suffix: probe.py becomes robe.
        return source.name.strip(".py")

    def add_module(self, module: str, source: Path) -> None:
        self._add(module, str(source), self._cwd)

    def add_script(self, script: Script) -> None:
        place = _place_of(script) if Path(script.name).is_absolute() else script.name
        module = "".join(place.rsplit(".py", 1)).replace(os.sep, ".")
        self._copy(module, script.name, os.path.normpath(place), script.cwd)

    def _add(self, module: str, source: str, cwd: Path) -> None:
        if module.partition(".")[0] in self._kept_out or module in self._seen:
            return
        at = source.rfind(module.replace(".", os.sep))
        if at >= 0 and (cwd / source).exists():
            self._seen.add(module)
            self._copy(module, source, os.path.normpath(source[at:]), cwd)

    def _copy(self, module: str, source: str, place: str, cwd: Path) -> None:
        file = cwd / source
        self._put(Path(place).as_posix(), file.resolve())
        directory = os.path.dirname(source)  # noqa: PTH120
        for name in _imports(file):
            imported = name.removeprefix(".")
            full = name if imported == name else ".".join([*module.split(".")[:-1], imported])
            relative = imported.replace(".", os.sep) + ".py"
            for folder in (directory, _package_root(directory, module)):
                found = os.path.join(folder, relative)  # noqa: PTH118
                if (cwd / found).exists():
                    self._add(full, found, cwd)
                    break


def _package_root(directory: str, module: str) -> str:
    if not (depth := module.count(".")):
        return ""  # FLARE's slice [0:-0] is empty: the name is looked up in the current directory
    return directory.rsplit(os.sep, depth)[0] if directory.count(os.sep) >= depth else ""


def _place_of(script: Script) -> str:
    """Where an absolute script goes: relative to the longest entry of sys.path, taken as text."""
    package = max((path for path in script.roots if script.name.startswith(path)), key=len, default="")
    return script.name[len(package) + 1 :]


def _imports(source: Path) -> Iterator[str]:
    """The second word of every line that starts like an import; lines are joined at backslashes."""
    statement = ""
    for line in source.read_text(errors="replace").splitlines():
        statement += line.strip()
        if statement.endswith("\\"):
            statement = statement[:-1].strip() + " "
            continue
        if statement.startswith("import ") or (statement.startswith("from ") and "import " in statement):
            yield statement.split(" ")[1]
        statement = ""
