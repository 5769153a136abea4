"""Write fedjob/flare/signatures.json from the real packages.

Usage: python tools/signatures.py ENVIRONMENTS [-o FILE]

ENVIRONMENTS is a directory with one virtual environment per FLARE version, named after it (2.5.2 ... 2.9.0),
as the parity tests make it (FEDJOB_FLARE_ENVS). One line per class: its states, each with the release
from which it holds; null where a release has the class no more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
READER = HERE / "read_signatures.py"
OUTPUT = HERE.parent / "fedjob" / "flare" / "signatures.json"


def read(environment: Path) -> dict[str, Any]:
    python = environment / "bin" / "python"
    done = subprocess.run([python, READER], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def merge(by_release: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    """Class path -> [[since, entry or null], ...], a state only where it differs from the one before."""
    merged: dict[str, list[Any]] = {}
    for cls in sorted({cls for classes in by_release.values() for cls in classes}):
        state: Any = None
        for release, classes in by_release.items():
            if (now := classes.get(cls)) != state:
                merged.setdefault(cls, []).append([release, now])
                state = now
    return merged


def render(merged: dict[str, list[Any]]) -> str:
    lines = (
        f"{json.dumps(cls)}: {json.dumps(states, separators=(',', ':'))}" for cls, states in merged.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("environments", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    found = sorted(path for path in options.environments.iterdir() if (path / "bin" / "python").exists())
    by_release = {".".join(path.name.split(".")[:2]): read(path) for path in found}
    options.output.write_text(render(merge(by_release)))
    print(f"{options.output}: {', '.join(by_release)}")


if __name__ == "__main__":
    main()
