"""Time of an equal golden check: fedjob's, and syrupy's and pytest-regressions' on the same content.

Run: python benchmarks/goldens.py [number of goldens]. Each plugin checks the same job, once per test, in a
suite of its own; the time is that of the check itself, the median over all tests.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

SUITE = """
import time
from pathlib import Path

import pytest
from fedjob.folder.read import read

MODEL = read({folder!r})
DATA = {{"meta": MODEL.meta.to_dict(), "server": MODEL.apps[0].server.to_dict(), "client": MODEL.apps[0].client.to_dict()}}

@pytest.mark.parametrize("n", range({number}))
def test_golden({arguments}):
    start = time.perf_counter()
    {check}
    with Path("times").open("a") as file:
        file.write(f"{{time.perf_counter() - start}}\\n")
"""

#: name -> (fixtures, the check, what writes the goldens, the module that must be installed)
KINDS = {
    "fedjob": ("n, fedjob", "fedjob.golden(MODEL)", ["--fedjob-golden=new"], "fedjob"),
    "syrupy": ("n, snapshot", "assert DATA == snapshot", ["--snapshot-update"], "syrupy"),
    "pytest-regressions": (
        "n, data_regression",
        "data_regression.check(DATA)",
        ["--force-regen"],
        "pytest_regressions",
    ),
}


def measure(name: str, number: int, folder: Path) -> float:
    """Milliseconds of one equal check, the median of `number`."""
    fixtures, check, write, _ = KINDS[name]
    with tempfile.TemporaryDirectory() as root:
        text = SUITE.format(folder=str(folder), number=number, arguments=fixtures, check=check)
        Path(root, "test_it.py").write_text(text)
        run(root, *write)
        times = Path(root, "times")
        times.unlink(missing_ok=True)
        run(root)
        return statistics.median(map(float, times.read_text().split())) * 1000


def run(directory: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    subprocess.run(command, cwd=directory, capture_output=True, check=False)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    folder = Path(__file__).parents[1] / "tests" / "data" / "flare" / "2.9" / "hello"
    print(f"{number} equal goldens of one job, milliseconds each:")
    for name, (_, _, _, module) in KINDS.items():
        shown = f"{measure(name, number, folder):.3f}" if find_spec(module) else "not installed"
        print(f"  {name:<20} {shown}")


if __name__ == "__main__":
    main()
