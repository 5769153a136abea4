"""The job that is timed: FedAvg over nine floats, an unmodified Client API script that adds one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from fedjob import FedAvg, FedJob, FrameworkType, NPModelPersistor, ScriptRunner

SCRIPT = """
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    params = {name: value + 1 for name, value in model.params.items()}
    flare.send(flare.FLModel(params=params, metrics={"accuracy": 0.5}, meta={"NUM_STEPS_CURRENT_ROUND": 1}))
"""


def adding_job(root: Path, *, sites: int, rounds: int) -> FedJob:
    """The job, its script written below `root`."""
    (root / "train.py").write_text(SCRIPT)
    with inside(root):
        job = FedJob(name="adding", min_clients=sites)
        job.to_server(FedAvg(num_clients=sites, num_rounds=rounds))
        job.to_server(NPModelPersistor(), id="persistor")
        job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
    return job


@contextlib.contextmanager
def inside(directory: Path) -> Iterator[None]:
    """Work in `directory` for the length of a block."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
