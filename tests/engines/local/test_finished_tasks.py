"""The models of earlier rounds do not wait for garbage to be collected."""

from __future__ import annotations

import gc

import pytest

from fedjob.components.aggregators.intime_accumulate import InTimeAccumulateWeightedAggregator
from fedjob.components.generators.full_model import FullModelShareableGenerator
from fedjob.components.persistors.np import NPModelPersistor
from fedjob.components.task import Task
from fedjob.components.workflows.cyclic_ctl import CyclicController
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.components.workflows.scatter_and_gather import ScatterAndGather
from jobs import run, script_job

SCRIPT = """
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    flare.send(flare.FLModel(params={k: v + 1 for k, v in model.params.items()}, params_type="FULL"))
"""

WORKFLOWS = {
    "FedAvg": lambda: FedAvg(num_clients=2, num_rounds=6),
    "ScatterAndGather": lambda: ScatterAndGather(
        min_clients=2, num_rounds=6, persistor_id="persistor", train_timeout=60
    ),
    "CyclicController": lambda: CyclicController(num_rounds=6),
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_task_goes_with_its_round(name, tmp_path, monkeypatch):
    there = []
    save = NPModelPersistor.save_model

    def counting(*args):
        there.append(sum(type(thing) is Task for thing in gc.get_objects()))
        return save(*args)

    monkeypatch.setattr(NPModelPersistor, "save_model", counting)
    monkeypatch.chdir(tmp_path)
    job = script_job(tmp_path, SCRIPT, workflow=WORKFLOWS[name]())
    job.to_server(InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS"), id="aggregator")
    job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    gc.collect()
    gc.disable()
    try:
        result = run(job, tmp_path, isolation="inline")
    finally:
        gc.enable()
    assert result.ok, result.problems
    assert len(there) >= 6
    assert max(there) <= 2
