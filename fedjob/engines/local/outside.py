"""The process as it was before a run inside of it, to be given back when that is over."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from fedjob.engines.local import generators, installed
from fedjob.engines.local.context import change_environ, comes_from, environ_now
from fedjob.engines.local.custom import same_source, top_names

if TYPE_CHECKING:
    from typing_extensions import Self


class Outside:
    """The process as it was before a run inside of it; leaving the with-block gives everything back.

    `customs` are the ``custom/`` folders of the run. Modules already loaded under their names are the
    sites' too if every such folder has them from the same source (so that a test's monkeypatch reaches
    them) and `share` allows it; the others are out of sight during the run. `shared` holds the names.
    """

    def __init__(self, customs: Iterable[Path], *, share: bool = True) -> None:
        self._customs = [(custom, top_names(custom)) for custom in dict.fromkeys(customs)]
        self._share = share
        self.shared: set[str] = set()

    def __enter__(self) -> Self:
        lists: tuple[list[Any], ...] = (sys.path, sys.path_hooks, sys.meta_path)
        self._lists = [(item, list(item)) for item in lists]
        self._names = {
            name: getattr(sys, name) for name in ("argv", "stdin", "stdout", "stderr", "excepthook")
        }
        self._main = sys.modules["__main__"]
        self._cwd = os.getcwd()  # noqa: PTH109
        self._environ = environ_now()
        self._random = generators.snapshot()
        self._sleep = time.sleep
        self._signals = {number: signal.getsignal(number) for number in _signals()}
        self._modules = self._choose_modules()
        self._loaded = sys.modules.copy()
        return self

    def _choose_modules(self) -> dict[str, ModuleType]:
        """Take out of sys.modules, and return, what a site must not see."""
        tops = set[str]().union(*(names for _, names in self._customs))
        loaded = {n: m for n, m in list(sys.modules.items()) if n.partition(".")[0] in tops}
        loaded = {n: m for n, m in loaded.items() if not installed.is_installed(getattr(m, "__file__", None))}
        different = {n.partition(".")[0] for n, m in loaded.items() if not self._is_same(m)}
        self.shared = {name.partition(".")[0] for name in loaded} - different
        return {n: sys.modules.pop(n) for n in loaded if n.partition(".")[0] in different}

    def _is_same(self, module: ModuleType) -> bool:
        top = module.__name__.partition(".")[0]
        return self._share and all(same_source(module, c) for c, names in self._customs if top in names)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for item, kept in self._lists:
            item[:] = kept
        for name, value in self._names.items():
            setattr(sys, name, value)
        time.sleep = self._sleep
        os.chdir(self._cwd)
        change_environ(self._environ)
        generators.restore(self._random)
        for number, handler in self._signals.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        self._restore_modules()

    def _restore_modules(self) -> None:
        before = self._loaded
        for name, module in list(sys.modules.items()):
            if before.get(name) is not module and any(
                comes_from(module, str(custom)) for custom, _ in self._customs
            ):
                del sys.modules[name]
        sys.modules.update(self._modules)
        sys.modules["__main__"] = self._main


def _signals() -> Iterable[signal.Signals]:
    """The signals whose handlers this thread may change."""
    return signal.Signals if threading.current_thread() is threading.main_thread() else ()
