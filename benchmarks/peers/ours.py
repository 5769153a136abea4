"""The task on our local engine: an unmodified Client API script at each site; our own environment.

The task may name an isolation (sites share processes if it does not) and who watches, see `benchmarks.job`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.job import export
from benchmarks.peers import task
from fedjob.engines import RunRequest, get

ISOLATION = "shared"


def work(sites: int, rounds: int, params: np.ndarray) -> np.ndarray:
    given = json.loads(sys.argv[1])
    isolation = given.get("isolation", ISOLATION)
    with tempfile.TemporaryDirectory() as directory:
        watched = given.get("watched", "")
        folder = export(Path(directory), sites=sites, rounds=rounds, params=params, watched=watched)
        request = RunRequest(
            workspace=Path(directory, "ws"), n_clients=sites, isolation=isolation, timeout=900
        )
        result = get("local").run(folder, request)
        assert result.ok, result.problems[:3]
        return np.asarray(result.model()["numpy_key"])


if __name__ == "__main__":
    task.main(work, ["pytest-fedjob", "numpy", "greenlet"])
