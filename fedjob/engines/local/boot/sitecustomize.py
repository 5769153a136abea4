# ruff: noqa: INP001 - a directory for PYTHONPATH, not a package.
"""What every Python started for an external training script does first.

The site puts this directory at the head of PYTHONPATH, so the interpreter imports this file by itself, however
the user's command starts it: ``python3 -u``, ``torchrun``, a shell script. It stays cheap, because it also runs in
processes that have nothing to do with the job: fedjob is imported by the first ``import nvflare`` only. The user's own
``sitecustomize`` runs afterwards. Options that make Python ignore PYTHONPATH (``-I``, ``-E``) switch it off, as they
hide ``custom/`` from a script under FLARE.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType, TracebackType
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs more than all the rest.
SETTINGS = "FEDJOB_EXTERNAL"


class Finder:
    """Enters the job at the first import of FLARE, and seeds generators when their library has been imported."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.looking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] == "nvflare" and enter(self.settings):
            return search(name, path, target)
        if name in SEEDS and self.settings["seed"] is not None and not self.looking:
            return self.seeding(name, path, target)
        return None

    def seeding(self, name: str, path: Any, target: Any) -> ModuleSpec | None:
        self.looking = True
        try:
            spec = search(name, path, target)
        finally:
            self.looking = False
        loader: Any = spec.loader if spec is not None else None
        execute = getattr(loader, "exec_module", None)
        if execute is not None:

            def exec_module(module: ModuleType) -> None:
                execute(module)
                SEEDS[name](module, self.settings["seed"])

            loader.exec_module = exec_module
        return spec


#: How a library's generator is seeded, as for sites: see engines/local/generators.py.
SEEDS: dict[str, Any] = {
    "numpy.random": lambda module, number: module.seed(number & 0xFFFFFFFF),
    "torch": lambda module, number: module.manual_seed(number),
    "tensorflow": lambda module, number: module.random.set_seed(number),
}


def search(name: str, path: Any, target: Any) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path, target)
        if spec is not None:
            return spec
    return None


def enter(settings: dict[str, Any]) -> bool:
    """Make this process the job's; False if it has been before."""
    if "entered" in settings:
        return False
    settings["entered"] = True
    root = settings["root"]
    sys.path.insert(0, root)
    try:
        from fedjob.client import external
    finally:
        sys.path.remove(root)
    external.enter(settings)
    return True


def report_errors(settings: dict[str, Any]) -> None:
    """Tell the site of an exception that ends a process."""
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            enter(settings)
            sys.modules["fedjob.client.external"].report(settings, error.with_traceback(trace))
        except Exception:  # noqa: S110 - the site has gone: then nobody is left to be told.
            pass
        finally:
            show(kind, error, trace)

    sys.excepthook = hook


def begin(settings: dict[str, Any]) -> None:
    custom = settings["custom"]
    # Where FLARE has it: behind the standard library and what is installed.
    sys.path[:] = [path for path in sys.path if path != custom] + [custom]
    if settings["seed"] is not None:
        import random

        random.seed(settings["seed"])
    sys.meta_path.insert(0, Finder(settings))
    report_errors(settings)


def run_users_own() -> None:
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


sys.path[:] = [path for path in sys.path if path != HERE]
if SETTINGS in os.environ:
    begin(json.loads(os.environ[SETTINGS]))
run_users_own()
