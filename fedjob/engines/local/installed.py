"""What is installed for this interpreter, and so for the sites as well, wherever they run."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from functools import cache
from pathlib import Path


def installed_path() -> list[str]:
    """The part of ``sys.path`` that this interpreter has wherever it is started.

    A FLARE site has the installed packages and its ``custom/``. What only happens to lie where the test was
    started, or was added by it, must not be found, or a job would pass here and fail there.
    """
    fixed = {*_linked(), *kept_pythonpath()}
    return [path for path in sys.path if path in fixed or is_installed(path)]


def kept_pythonpath() -> list[str]:
    """The entries of PYTHONPATH that are not in the launch directory."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [p for p in entries if p and not Path(p).resolve().is_relative_to(Path.cwd())]


def is_installed(path: str | None) -> bool:
    """Whether a path is part of the interpreter or of its installed packages."""
    return path is not None and path.startswith(_roots())


@cache
def _roots() -> tuple[str, ...]:
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    return tuple({*sysconfig.get_paths().values(), *packages} - {sys.prefix, sys.base_prefix})


@cache
def _linked() -> set[str]:
    """Directories that ``.pth`` files name: packages installed as links (``pip install -e``).

    Looked for once: an interpreter reads these files when it starts.
    """
    lines: set[str] = set()
    for directory in site.getsitepackages():
        for file in Path(directory).glob("*.pth"):
            lines.update(file.read_text(errors="replace").splitlines())
    return {line for line in lines if os.path.isdir(line)}  # noqa: PTH112
