"""Export of the example of FLARE's documentation: ours, and FLARE's own exporter on the same script."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from benchmarks.environments import ROOT
from benchmarks.process import run as command
from benchmarks.row import Beside, Row, Target
from benchmarks.scratch import scratch
from benchmarks.suite import in_turn, medians, ratio

EXAMPLE = ROOT / "tests" / "flare" / "documentation"
REPEATS, PAIRS = 60, 3

#: The script's own lines up to the export, which is timed, again and again.
SCRIPT = """
import statistics, sys, time
from pathlib import Path
if {ours}:
    from fedjob.flare import shim
    shim.install()
text = Path("job.py").read_text().partition("job.export_job(")[0]
code = compile(text, "job.py", "exec")
sys.path.insert(0, ".")
times = []
for number in range({repeats}):
    space = {{"__name__": "__main__", "__file__": "job.py"}}
    exec(code, space)
    start = time.perf_counter()
    space["job"].export_job({place!r} + str(number))
    times.append(time.perf_counter() - start)
assert {ours} or "fedjob" not in sys.modules
(made,) = Path({place!r} + "0").iterdir()
assert (made / "app" / "config" / "config_fed_server.json").exists(), list(made.iterdir())
print(statistics.median(times[5:]))
"""


def documentation_example() -> Iterator[Row]:
    if find_spec("torch") is None:
        raise RuntimeError("the example needs torch, which is not installed")
    if find_spec("nvflare") is None:
        yield _row(
            statistics.median(exported(ours=True) for _ in range(PAIRS)),
            Beside("FLARE", None, why="not installed"),
        )
        return
    pairs = in_turn(partial(exported, ours=True), partial(exported, ours=False), PAIRS)
    mine, theirs = medians(pairs)
    yield _row(mine, Beside("FLARE", theirs * 1e3))
    yield Row(what="  FLARE's time over ours", ours=ratio(pairs), unit="x", target=Target(1.1, least=True))


def _row(seconds: float, beside: Beside) -> Row:
    return Row(
        what="export of the documentation's example",
        ours=seconds * 1e3,
        unit="ms",
        beside=(beside,),
        target=Target(2),
    )


def exported(*, ours: bool) -> float:
    """Seconds of one export to a new directory, the median of one process."""
    text = SCRIPT.format(ours=ours, repeats=REPEATS, place=str(scratch() / "jobs-"))
    return float(command([sys.executable, "-c", text], cwd=EXAMPLE).output.splitlines()[-1])


BLOCKS = (documentation_example,)
