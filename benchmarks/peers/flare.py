"""The task on FLARE's simulator: the job folder that our engine runs, in a process of its own for each run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.job import export
from benchmarks.peers import task

SIMULATOR = "nvflare.private.fed.app.simulator.simulator"


def work(sites: int, rounds: int, params: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as directory:
        folder = export(Path(directory), sites=sites, rounds=rounds, params=params)
        return simulate(folder, Path(directory, "ws"), sites)


def simulate(folder: Path, workspace: Path, sites: int) -> np.ndarray:
    """The last model of a run of a job folder, as many sites at a time as there are."""
    options = ["-w", str(workspace), "-n", str(sites), "-t", str(sites)]
    command = [sys.executable, "-m", SIMULATOR, str(folder), *options]
    subprocess.run(command, check=True, capture_output=True, cwd=folder.parent)
    (model,) = workspace.glob("server/simulate_job/models/server.npy")
    return np.asarray(np.load(model))


if __name__ == "__main__":
    task.main(work, ["nvflare", "numpy"])
