"""What the plugin adds to the start of pytest, and what importing it brings in."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.table import Row

REPEATS = 9


def run() -> list[Row]:
    """Milliseconds of pytest over an empty directory, with and without the plugin, run in turn."""
    with tempfile.TemporaryDirectory() as directory:
        pairs = [(pytest_ms(directory, "-p", "no:fedjob"), pytest_ms(directory)) for _ in range(REPEATS)]
    without, with_plugin = (statistics.median(side) for side in zip(*pairs, strict=True))
    return [
        Row("pytest on nothing, plugin off", without, "ms"),
        Row("pytest on nothing, plugin on", with_plugin, "ms"),
        Row("  added by the plugin", statistics.median(b - a for a, b in pairs), "ms"),
    ]


def pytest_ms(directory: str, *options: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, directory]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, cwd=directory)
    seconds = time.perf_counter() - start
    assert done.returncode == 5, done.stdout  # pytest's status for no tests
    return seconds * 1e3
