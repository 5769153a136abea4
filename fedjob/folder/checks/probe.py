"""Runs alone in an isolated interpreter: import an app's classes with only ``custom/`` beside what is installed.

Reads a JSON request from stdin and writes JSON answers, one a line, to the real stdout; whatever the
app's own code prints goes nowhere. Imports nothing of fedjob but the table of FLARE's names.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    if request["shim"]:
        from fedjob.flare import shim

        shim.install()
    _leave_only_installed()
    sys.path.append(request["custom"])
    os.chdir(request["custom"])
    for component in request["components"]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            problem = _try(component, Path(request["custom"]))
        if problem is not None:
            answers.write(json.dumps({"place": component["place"], **problem}) + "\n")
            answers.flush()


def _leave_only_installed() -> None:
    """The user's own project may be on the path (an editable install); a site does not have it."""
    library = Path(os.__file__).parent
    sys.path[:] = [
        entry
        for entry in sys.path
        if "site-packages" in entry
        or "dist-packages" in entry
        or Path(entry).is_relative_to(library)
        or ".zip" in entry
    ]


def _try(component: dict[str, Any], custom: Path) -> dict[str, str] | None:
    module, _, name = component["path"].rpartition(".")
    try:
        loaded = importlib.import_module(module)
        found = getattr(loaded, name)
    except AttributeError:
        return {"code": "class-missing", "reason": f"{module} has no {name}"}
    except BaseException as error:  # the app's code may raise anything, SystemExit included
        return {
            "code": "import-fails",
            "reason": f"importing {module} raises {type(error).__name__}: {error}",
        }
    return _decoy(module, loaded, custom) or _bind(name, found, component["args"])


def _decoy(module: str, loaded: Any, custom: Path) -> dict[str, str] | None:
    own = custom / Path(*module.split(".")).with_suffix(".py")
    file = getattr(loaded, "__file__", None)
    if own.exists() and file and not Path(file).resolve().is_relative_to(custom.resolve()):
        return {"code": "import-decoy", "reason": f"{module} is taken from {file}, not from custom/"}
    return None


def _bind(name: str, found: Any, arguments: list[str]) -> dict[str, str] | None:
    try:
        inspect.signature(found).bind(**dict.fromkeys(arguments))
    except TypeError as error:
        return {"code": "argument-rejected", "reason": f"{name} does not take these arguments: {error}"}
    except ValueError:  # a class without a signature takes what it takes
        return None
    return None


if __name__ == "__main__":
    main()
