"""The memory of a process and of all that it has started, sampled while it runs. Linux only; None elsewhere."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

PROC = Path("/proc")
MIB = 1 << 20
#: Seconds between samples: at least this, and so much more that sampling takes a tenth of the time.
INTERVAL, SHARE = 0.03, 10


class TreeMemory:
    """``with TreeMemory(pid) as memory``: `peak` is the highest sum seen, in MiB, and `processes` the most at a time.

    A page that several processes share counts once (PSS). A process stays in the tree when its parent has ended.
    """

    def __init__(self, root: int) -> None:
        self.peak: float | None = None
        self.processes = 0
        self._known = {(root, _started(root))}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if PROC.joinpath("self", "stat").exists():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def sample(self) -> None:
        """Look once."""
        self._known = tree(self._known)
        sizes = [size for pid, _ in self._known if (size := memory(pid)) is not None]
        self.processes = max(self.processes, len(sizes))
        if sizes:
            self.peak = max(self.peak or 0.0, sum(sizes))

    def _watch(self) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            began = time.perf_counter()
            self.sample()
            pause = max(INTERVAL, SHARE * (time.perf_counter() - began))


def tree(known: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The known processes that are still there, and their descendants, each as (pid, start time)."""
    children = defaultdict(list)
    there = {}
    for path in PROC.iterdir():
        if path.name.isdigit() and (fields := _stat(int(path.name))) is not None:
            parent, started = fields
            there[int(path.name)] = started
            children[parent].append(int(path.name))
    found = {(pid, started) for pid, started in known if there.get(pid) == started}
    todo = [pid for pid, _ in found]
    while todo:
        for pid in children[todo.pop()]:
            if (pid, there[pid]) not in found:
                found.add((pid, there[pid]))
                todo.append(pid)
    return found


def memory(pid: int) -> float | None:
    """MiB of a process's proportional set, None if it has gone."""
    try:
        text = PROC.joinpath(str(pid), "smaps_rollup").read_text()
    except OSError:
        return None
    found = re.search(r"^Pss: *(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 / MIB if found else None


def _started(pid: int) -> int:
    fields = _stat(pid)
    return fields[1] if fields else 0


def _stat(pid: int) -> tuple[int, int] | None:
    """(parent, start time in clock ticks) of a process that has not ended."""
    try:
        # The name in parentheses may hold anything.
        fields = PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (int(fields[1]), int(fields[19]))
