"""Two sites, three rounds: our local engine and FLARE's simulator on the same folder, in the same run."""

from __future__ import annotations

import statistics
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.job import adding_job, inside
from benchmarks.table import Row
from fedjob.engines import RunRequest, get

SITES, ROUNDS, REPEATS = 2, 3, 15


def run() -> list[Row]:
    """Rows for each isolation, cold and warm, and for FLARE where it is installed."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        job = adding_job(root, sites=SITES, rounds=ROUNDS)
        with inside(root):
            job.export_job(str(root / "jobs"))
        folder = root / "jobs" / "adding"
        rows = [Row("2 sites x 3 rounds, process, first run", timed(folder, root, "local", "process"), "s")]
        medians = {}
        for isolation in ("process", "shared", "inline"):
            medians[isolation] = warm(folder, root, isolation)
            rows.append(Row(f"2 sites x 3 rounds, {isolation}, warm", medians[isolation], "s"))
        if find_spec("nvflare") is not None:
            flare = timed(folder, root, "simulator", "process")
            rows.append(Row("2 sites x 3 rounds, FLARE's simulator", flare, "s"))
            rows.append(Row("  FLARE's time / ours (process, warm)", flare / medians["process"], "x"))
    return rows


def warm(folder: Path, root: Path, isolation: str) -> float:
    """The median of runs after the first."""
    times = [timed(folder, root, "local", isolation) for _ in range(REPEATS + 1)]
    return statistics.median(times[1:])


def timed(folder: Path, root: Path, engine: str, isolation: Any) -> float:
    """Seconds of one run, whose model must be right."""
    workspace = Path(tempfile.mkdtemp(dir=root))
    request = RunRequest(workspace=workspace, n_clients=SITES, isolation=isolation, timeout=120)
    start = time.perf_counter()
    result = get(engine).run(folder, request)
    seconds = time.perf_counter() - start
    assert result.ok, result
    weights = result.model()["numpy_key"]
    assert weights.tolist() == [[1 + ROUNDS, 2 + ROUNDS, 3 + ROUNDS], [7, 8, 9], [10, 11, 12]], weights
    return seconds
