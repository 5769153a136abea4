"""Run a command and say how long it took and how much memory it and its children held."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import TreeMemory


class CommandFailed(Exception):
    """A command ended with an error or not at all; the message holds the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended well."""

    #: From start to end, in seconds.
    seconds: float
    #: MiB of the whole tree of processes; None where it cannot be known.
    peak: float | None
    processes: int
    output: str


def run(
    command: Sequence[str],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    status: int = 0,
    timeout: float = 300.0,
    watch: bool = True,
) -> Ran:
    """Run to the end; CommandFailed unless it ends with `status` in time. Without `watch` its memory is not looked at."""
    # Nobody's Python compiles everything anew each time.
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        cwd=cwd,
        env={**surroundings, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    memory = TreeMemory(process.pid)
    with memory if watch else contextlib.nullcontext():
        try:
            output, _ = process.communicate(timeout=timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise CommandFailed(f"no end after {timeout:g} s") from None
            raise
        seconds = time.perf_counter() - start
    if process.returncode != status:
        lines = [line for line in output.splitlines() if line.strip()]
        raise CommandFailed(f"exit status {process.returncode}: " + "\n".join(lines[-15:]))
    return Ran(seconds, memory.peak, memory.processes, output)
