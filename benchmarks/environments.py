"""The peers' environments: one per peer, because their requirements exclude each other, made when first asked for.

They lie below ``.venv/peers`` and are kept, so a second `make bench` installs nothing; ``make clean`` removes them.
No peer here needs PyTorch, and none may bring it in: on Linux an installer would take gigabytes of CUDA along.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".venv" / "peers"

#: What each environment holds; a name that is missing here is run by this Python itself.
REQUIREMENTS = {
    "flower": ("flwr[simulation]==1.42.0",),
    "pfl": ("pfl==0.6.0",),
    "fedjax": ("fedjax==0.0.17",),
    "goldens": ("syrupy==7.0.2", "pytest-regressions==2.11.0"),
}
#: What this Python itself needs for a name.
OURS = {"flare": "nvflare"}
#: Refused, whatever asks for them.
_REFUSED = ("torch", "tensorflow")


class NotInstalled(Exception):
    """A peer cannot be installed here; the message is the reason, on one line."""


@functools.cache
def python(name: str, place: Path = PLACE) -> str:
    """The interpreter that runs a peer; makes its environment if there is none yet. NotInstalled if that fails."""
    if name not in REQUIREMENTS:
        needed = OURS.get(name)
        if needed is not None and find_spec(needed) is None:
            raise NotInstalled(f"{needed} is not in this environment")
        return sys.executable
    home = place / name
    binary = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = home / "installed"
    wanted = "\n".join(REQUIREMENTS[name])
    if not (done.exists() and done.read_text() == wanted):
        print(f"installing {', '.join(REQUIREMENTS[name])} ...", flush=True)
        try:
            venv.create(home, with_pip=True, clear=True)
            _install(binary, home, REQUIREMENTS[name])
        except (OSError, subprocess.SubprocessError) as error:
            raise NotInstalled(_reason(str(error))) from error
        done.write_text(wanted)
    return str(binary)


def _install(binary: Path, home: Path, requirements: tuple[str, ...]) -> None:
    refused = home / "refused"
    refused.write_text("".join(f"{name}<0\n" for name in _REFUSED))
    command = [
        str(binary),
        "-m",
        "pip",
        "install",
        "-q",
        "--prefer-binary",
        "-c",
        str(refused),
        *requirements,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        raise NotInstalled(_reason(done.stderr))


def _reason(text: str) -> str:
    """The last error that pip told of, on one line, without addresses."""
    lines = (
        [line for line in text.splitlines() if line.startswith("ERROR:")]
        or text.splitlines()
        or ["pip failed"]
    )
    return re.sub(r"\S+://\S+|/\S+/\S+", "...", lines[-1].removeprefix("ERROR:").strip())[:150]
