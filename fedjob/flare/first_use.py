"""Installs the shim when somebody imports FLARE for the first time: most test sessions begin without it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _FirstUse(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "nvflare" and not fullname.startswith("nvflare."):
            return None
        from fedjob.flare import shim

        sys.meta_path.remove(self)
        shim.install(describe=True)
        return shim.find_spec(fullname)


def install() -> None:
    """From the first import of ``nvflare`` on, answer as `shim.install(describe=True)` does.

    At once where modules of the real package are loaded already: nobody would ask a finder for them.
    """
    if "nvflare" in sys.modules:
        from fedjob.flare import shim

        shim.install(describe=True)
    elif not any(isinstance(finder, _FirstUse) for finder in sys.meta_path):
        sys.meta_path.insert(0, _FirstUse())
