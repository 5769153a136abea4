"""The file of a class, also when its module is no longer the one that `sys.modules` has under its name.

A job script runs as ``__main__`` and imports modules from its own directory; both are gone from
`sys.modules` when the job it described is exported.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from fedjob.errors import JobError

_files: WeakKeyDictionary[type, Path] = WeakKeyDictionary()


def remember(modules: Iterable[ModuleType]) -> None:
    """Note the files of the classes that `modules` define, before the modules go."""
    for module in modules:
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__ and (file := _file(module)):
                _files.setdefault(value, file)


def find(cls: type) -> Path | None:
    """The file that defines `cls`; None for a class without Python source.

    Raises JobError for a class that was typed in, which has no file that could travel.
    """
    if cls in _files:
        return _files[cls]
    try:
        source = inspect.getsourcefile(cls)
    except (TypeError, OSError) as error:
        if cls.__module__ == "__main__":
            raise JobError(
                f"{cls.__name__} was defined interactively, so its code cannot travel; put it in a file"
            ) from error
        return None
    if source:
        _files[cls] = Path(source)
    return _files.get(cls)


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None
