"""Export of the documentation example's shape (without PyTorch): ours, and FLARE's exporter where it is installed."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks.job import SCRIPT, adding_job, inside
from benchmarks.table import Row

REPEATS = 50

FLARE = f"""
import statistics, sys, time
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import FrameworkType, ScriptRunner
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.app_common.np.np_model_persistor import NPModelPersistor
open("train.py", "w").write({SCRIPT!r})
times = []
for number in range({REPEATS}):
    job = FedJob(name="adding", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=3))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
    start = time.perf_counter()
    job.export_job(f"jobs-{{number}}")
    times.append(time.perf_counter() - start)
print(statistics.median(times) * 1e3)
"""


def run() -> list[Row]:
    """Milliseconds of one export to a new directory."""
    rows = [Row("export", ours_ms(), "ms")]
    if find_spec("nvflare") is not None:
        with tempfile.TemporaryDirectory() as directory:
            command = [sys.executable, "-c", FLARE]
            out = subprocess.run(command, capture_output=True, check=True, text=True, cwd=directory)
        rows.append(Row("export, FLARE's own exporter", float(out.stdout.splitlines()[-1]), "ms"))
    return rows


def ours_ms() -> float:
    times = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for number in range(REPEATS):
            job = adding_job(root, sites=2, rounds=3)
            with inside(root):
                start = time.perf_counter()
                job.export_job(str(root / f"jobs-{number}"))
                times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3
