"""Coverage of user code that runs in workers, for whoever measures the test process.

Workers leave by ``os._exit`` and are forked from a process that coverage does not know, so nothing would be
seen of them. If coverage runs in the test process, each worker measures with the same settings, and the test
process takes in what they saw. A nursery that coverage measures by itself (``patch = subprocess, fork``) is left
to it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OPTIONS = ("branch", "include", "omit", "source", "source_pkgs")


def settings() -> dict[str, Any] | None:
    """How the test process is measured, as plain data for `start`; None if it is not."""
    current = _current()
    if current is None or current.get_option("run:relative_files"):
        return None
    options = {name: current.get_option(f"run:{name}") for name in _OPTIONS}
    for name in ("include", "omit", "source"):
        options[name] = [_absolute(entry) for entry in options[name] or ()] or None
    return options


def _current() -> Any:
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage is not None else None


def _absolute(entry: str) -> str:
    """Directories and patterns as seen from here; names of packages stay as they are."""
    is_path = "/" in entry or "*" in entry or Path(entry).exists()
    return str(Path.cwd() / entry) if is_path and not entry.startswith("*") else entry


def start(options: Mapping[str, Any], file: Path) -> Any:
    """Measure this worker from now on into `file`."""
    import coverage

    measured = coverage.Coverage(data_file=str(file), config_file=False, messages=False, **options)
    measured.set_option("run:disable_warnings", ["no-data-collected", "module-not-imported"])
    measured.start()
    return measured


def stop() -> None:
    """Save what was measured in this process, by us or by coverage's own patches."""
    current = _current()
    if current is not None:
        current.stop()
        current.save()


def take_in(files: list[Path]) -> None:
    """Add what workers saw to what the test process sees."""
    current = _current()
    data = getattr(current, "_data", None)
    for file in files:
        if file.exists() and data is not None:
            from coverage import CoverageData

            seen = CoverageData(basename=str(file))
            seen.read()
            data.update(seen)
            seen.close()
        file.unlink(missing_ok=True)
