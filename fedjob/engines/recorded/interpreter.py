"""The Python that has FLARE, which need not be this one."""

from __future__ import annotations

import subprocess
import tempfile

from fedjob.errors import RequestError

_PROBE = "import importlib.util as u, sys; sys.exit(u.find_spec('nvflare') is None)"


def require_flare(python: str, engine: str) -> None:
    """Raise RequestError, in the name of `engine`, unless `python` has FLARE."""
    # Not in the working directory, where anything may be called nvflare.
    found = subprocess.run([python, "-c", _PROBE], check=False, cwd=tempfile.gettempdir())
    if found.returncode:
        raise RequestError(
            f"the {engine} engine needs FLARE, and {python} has none; "
            "install it with: pip install 'pytest-fedjob[flare]'"
        )
