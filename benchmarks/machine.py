"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fedjob.engines.local.plan import cores

PACKAGES = (
    "pytest-fedjob",
    "pytest",
    "pytest-xdist",
    "numpy",
    "greenlet",
    "torch",
    "scikit-learn",
    "nvflare",
)


def describe() -> dict[str, str | int | None]:
    """Processor, cores, memory, system and Python."""
    return {
        "cpu": _cpu(),
        "architecture": platform.machine(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "system": _system(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def load() -> float | None:
    """Processes that want to run, on average over the last minute: more than a few say that figures are too high."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of what is installed here."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cpu() -> str | None:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or None


def _memory_gib() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30))
    except (AttributeError, ValueError, OSError):
        return None


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
