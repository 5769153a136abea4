"""One thread for numerical libraries, so that sums come out the same bit for bit.

A matrix product split over two threads differs in its last bits from one that is not. Workers are started with
one thread; a run inside the test process has to ask the libraries that are loaded there already.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

#: How OpenBLAS's functions are called in the builds that numpy and scipy bring, and OpenMP's in those of scikit-learn and
#: torch.
_NAMES = [
    *(
        (f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
        for prefix in ("scipy_", "")
        for suffix in ("64_", "")
    ),
    ("omp_get_max_threads", "omp_set_num_threads"),
]
_LIBRARY = re.compile(r"lib(?:scipy_)?openblas.*\.so|lib[gi]?omp.*\.so")

#: For how many cycles, as a power of two, OpenBLAS's idle threads spin before they sleep. By default they spin for a
#: tenth of a second, also when they have just been made, and take a core from what starts beside them.
_SPIN, _SHORTLY = "OPENBLAS_THREAD_TIMEOUT", "20"

#: Modules with which a library comes that has threads of its own.
LATE = ("scipy.linalg", "torch", "sklearn")


def import_numpy() -> None:
    """Import numpy in this process, before a run needs it; where that is its first import, its idle threads sleep soon."""
    ours = "numpy" not in sys.modules and _SPIN not in os.environ
    if ours:
        os.environ[_SPIN] = _SHORTLY
    try:
        import_module("numpy")
    finally:
        if ours:
            os.environ.pop(_SPIN, None)


class OneThread:
    """A with-block in which each OpenBLAS, of numpy and of scipy, each OpenMP, of scikit-learn, and torch use one thread."""

    def __enter__(self) -> Self:
        self._before: list[tuple[Callable[[int], Any], int]] = []
        self.limit()
        return self

    def limit(self) -> None:
        """Limit what is loaded; to be called again when one of LATE has been imported within the block."""
        for get, put in _pools():
            self._limit(get, put)
        torch = sys.modules.get("torch")
        if hasattr(torch, "set_num_threads") and torch is not None:
            self._limit(torch.get_num_threads, torch.set_num_threads)

    def _limit(self, get: Callable[[], int], put: Callable[[int], Any]) -> None:
        before = get()
        if before != 1:
            put(1)
            self._before.append((put, before))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for put, before in reversed(self._before):
            put(before)


def _pools() -> list[tuple[Callable[[], int], Callable[[int], Any]]]:
    """The functions to get and set the number of threads, of each OpenBLAS and OpenMP in this process."""
    found = []
    for path in _libraries():
        library = ctypes.CDLL(path)
        for get, put in _NAMES:
            if hasattr(library, get) and hasattr(library, put):
                found.append((getattr(library, get), getattr(library, put)))
                break
    return found


def _libraries() -> list[str]:
    """The files of the OpenBLAS and OpenMP libraries that are loaded; [] where the system does not tell."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    files = {line.split(maxsplit=5)[5] for line in lines if ".so" in line}
    return sorted(file for file in files if _LIBRARY.match(Path(file).name))
