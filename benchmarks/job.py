"""The job that is timed: FedAvg, an unmodified Client API script that adds one to the model."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fedjob import FedAvg, FedJob, FrameworkType, NPModelPersistor, ScriptRunner

NAME = "adding"
#: Keeps nothing of a round: what a script holds between rounds is held once for each site.
SCRIPT = """
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    flare.send(
        flare.FLModel(
            params={name: value + 1 for name, value in model.params.items()},
            metrics={"accuracy": 0.5},
            meta={"NUM_STEPS_CURRENT_ROUND": 1},
        )
    )
"""


def export(root: Path, *, sites: int, rounds: int, params: np.ndarray[Any, Any]) -> Path:
    """The job's folder, written below `root`; the first model lies beside it."""
    (root / "train.py").write_text(SCRIPT)
    np.save(root / "start.npy", params)
    with inside(root):
        job = FedJob(name=NAME, min_clients=sites)
        job.to_server(FedAvg(num_clients=sites, num_rounds=rounds))
        job.to_server(NPModelPersistor(source_ckpt_file_full_name=str(root / "start.npy")), id="persistor")
        job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
        job.export_job(str(root / "jobs"))
    return root / "jobs" / NAME


@contextlib.contextmanager
def inside(directory: Path) -> Iterator[None]:
    """Work in `directory` for the length of a block."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
