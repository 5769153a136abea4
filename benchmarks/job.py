"""The job that is timed: FedAvg, an unmodified Client API script that adds one to the model."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fedjob import BaseFedJob, FedAvg, FedJob, FilterType, FrameworkType, NPModelPersistor, ScriptRunner

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


#: Where classes lie that travel with a job as a user's do.
PARTS = Path(__file__).with_name("parts")


def export(root: Path, *, sites: int, rounds: int, params: np.ndarray[Any, Any], watched: str = "") -> Path:
    """The job's folder, written below `root`; the first model lies beside it.

    `watched`: by a "filter" of the user's on the server, by a "listener" at each site, by what a "BaseFedJob" brings
    along, or by nobody.
    """
    (root / "train.py").write_text(SCRIPT)
    np.save(root / "start.npy", params)
    with inside(root):
        kind = BaseFedJob if watched == "BaseFedJob" else FedJob
        job = kind(name=NAME, min_clients=sites)
        job.to_server(FedAvg(num_clients=sites, num_rounds=rounds))
        job.to_server(NPModelPersistor(source_ckpt_file_full_name=str(root / "start.npy")), id="persistor")
        job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
        if watched in ("filter", "listener"):
            _watch(job, watched)
        job.export_job(str(root / "jobs"))
    return root / "jobs" / NAME


def _watch(job: FedJob, watched: str) -> None:
    if str(PARTS) not in sys.path:
        sys.path.insert(0, str(PARTS))
    parts = importlib.import_module("watching")
    if watched == "filter":
        job.to_server(parts.Passing(), filter_type=FilterType.TASK_DATA, tasks=["train"])
    else:
        job.to_clients(parts.Listening(), id="listening")


@contextlib.contextmanager
def inside(directory: Path) -> Iterator[None]:
    """Work in `directory` for the length of a block."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
