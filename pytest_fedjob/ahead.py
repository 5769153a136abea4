"""Gets the local engine ready before the first simulation: no test's time is that of its imports.

Its nursery starts while pytest still imports test modules; where simulations run in this process (isolation `inline`), what
they need is imported once all is collected. Only when the session will simulate, as far as can be told: a wrong guess
costs a process or imports that are not used, or time at the first simulation, nothing else.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pytest_fedjob.options import Settings, installed

#: What the `fedjob` fixture imports for a simulation.
_NEEDED = (
    "fedjob.engines.local.run",
    "fedjob.folder.checks.config",
    "fedjob.folder.sources",
    "fedjob.folder.write",
    "fedjob.plugins",
    "fedjob.result.failure",
    "fedjob.result.read",
)


class Ahead:
    """Watches the collection, where the local engine is the default one."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        option = config.option
        self._preload = settings.preload
        self._over = option.collectonly or "local" not in settings.engines
        self._inline = settings.isolation == "inline"
        #: Nothing says that tests of a module could be left out.
        self._whole = not (
            option.keyword
            or option.markexpr
            or option.deselect
            or getattr(option, "lf", False)
            or any("::" in argument for argument in config.args)
        )
        #: What was asked for: pytest looks at the files beside a file, too, before it leaves them out.
        self._asked = {Path(os.path.abspath(config.invocation_params.dir / arg)) for arg in config.args}  # noqa: PTH100

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path) -> None:
        if self._over or self._inline or not self._whole:
            return
        if self._asked.isdisjoint((module_path, *module_path.parents)):
            return
        if _speaks_of_simulations(module_path):
            self._start()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._over and any(map(_simulates, session.items)):
            self._start()

    def _start(self) -> None:
        self._over = True
        if self._inline:
            # What cannot be imported is for the simulation to say.
            with contextlib.suppress(ImportError):
                for module in _NEEDED:
                    import_module(module)
                from fedjob.engines.local.supervisor import Inline

                Inline.warm()
        else:
            from fedjob.engines.local.nursery import NURSERY

            NURSERY.warm(installed(self._preload))


def _speaks_of_simulations(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return b"fedjob" in text and b".simulate(" in text


def _simulates(item: pytest.Item) -> bool:
    """Whether a test, or a fixture that it uses, asks the `fedjob` fixture for a simulation."""
    if "fedjob" not in getattr(item, "fixturenames", ()):
        return False
    fixtures: Sequence[Sequence[Any]] = tuple(item._fixtureinfo.name2fixturedefs.values())  # type: ignore[attr-defined]
    functions = [getattr(item, "obj", None), *(fixture.func for found in fixtures for fixture in found)]
    codes = [getattr(function, "__code__", None) for function in functions]
    return any("simulate" in code.co_names for code in codes if code is not None)
