"""Many sites: an unmodified Client API script at each, shared isolation, ten rounds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.job import adding_job, inside
from benchmarks.table import Row
from fedjob.engines import RunRequest, get

ROUNDS = 10


def run(numbers: tuple[int, ...] = (100, 1000)) -> list[Row]:
    """Microseconds per site and round, set-up included."""
    return [
        Row(f"{number} sites x {ROUNDS} rounds, shared, per site and round", cost(number) * 1e6, "us")
        for number in numbers
    ]


def cost(sites: int) -> float:
    """Seconds per site and round of a run whose model must be right."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        job = adding_job(root, sites=sites, rounds=ROUNDS)
        with inside(root):
            job.export_job(str(root / "jobs"))
        request = RunRequest(workspace=root / "ws", n_clients=sites, isolation="shared", timeout=600)
        start = time.perf_counter()
        result = get("local").run(root / "jobs" / "adding", request)
        seconds = time.perf_counter() - start
        assert result.ok, result.problems[:3]
        # A mean over many sites is right up to the last bits of a float32.
        np.testing.assert_allclose(result.model()["numpy_key"][0], np.arange(1, 4) + ROUNDS, rtol=1e-5)
    return seconds / sites / ROUNDS
