"""Runs one script twice: under the real FLARE, in a process of its own, and under the shim in this one.

The script defines ``outcomes() -> dict[str, str]`` and imports FLARE's names only. So every difference is ours.
"""

import runpy
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from fedjob.flare import shim

_MAIN = """
import json, logging, runpy, sys
logging.disable(logging.CRITICAL)
found = runpy.run_path(sys.argv[1])["outcomes"]()
with open(sys.argv[2], "w") as out:
    json.dump(found, out)
"""


@cache
def real(script: Path) -> dict[str, str]:
    """The outcomes under the installed FLARE; skips where there is none."""
    if not shim.real_flare():
        pytest.skip("the real FLARE is not installed")
    import json

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "outcomes.json")
        command = [sys.executable, "-c", _MAIN, str(script), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
        assert done.returncode == 0, done.stderr
        return json.loads(out.read_text())


@cache
def ours(script: Path) -> dict[str, str]:
    """The outcomes under the shim."""
    with shim.active():
        return runpy.run_path(str(script))["outcomes"]()


def outcome(action) -> str:
    """What `action` does, as text that does not depend on whose class raises: an error is its built-in kind."""
    try:
        return f"gives {plain(action())}"
    except Exception as error:
        kind = next(c for c in type(error).__mro__ if c.__module__ == "builtins")
        return f"raises {kind.__name__}"


def plain(value) -> str:
    """`value` with enums, arrays and FLARE's own objects as text, dicts in order of their keys."""
    from enum import Enum

    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, dict):
        items = sorted((plain(k), plain(v)) for k, v in value.items())
        return f"{type(value).__name__}{{{', '.join(f'{k}: {v}' for k, v in items)}}}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(plain, value))})"
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "tolist"):
        return f"{type(value).__name__}:{value.dtype}:{value.tolist()}"
    if type(value).__module__.partition(".")[0] in {"nvflare", "fedjob"}:
        fields = {
            k: v
            for k, v in vars(value).items()
            if not k.startswith("_") and k not in {"logger", "last_connect_time"}
        }
        return f"{type(value).__name__}{plain(fields)}"
    return repr(value)
