"""Client-controlled workflows on the local engine, from job to result."""

import json

import numpy as np
import pytest

from fedjob.components.aggregators.intime_accumulate import InTimeAccumulateWeightedAggregator
from fedjob.components.generators.simple_model import SimpleModelShareableGenerator
from fedjob.components.persistors.np import NPModelPersistor
from fedjob.components.widgets.simple_intime_model_selector import SimpleIntimeModelSelector
from fedjob.engines import get
from fedjob.engines.request import RunRequest
from fedjob.job.ccwf_job import (
    CCWFJob,
    CrossSiteEvalConfig,
    CyclicClientConfig,
    CyclicServerConfig,
    SwarmClientConfig,
    SwarmServerConfig,
)
from fedjob.job.script_runner import ScriptRunner

SCRIPT = """
import sys

import nvflare.client as flare

flare.init()
site = flare.get_site_name()
step = float(site[-1])
while flare.is_running():
    model = flare.receive()
    weights = model.params["numpy_key"] if model.params else None
    if flare.is_submit_model():
        flare.send(flare.FLModel(params={"numpy_key": last}))
        continue
    # The best model is the one that is nearest to 4.
    accuracy = -abs(float(weights.mean()) - 4.0)
    if flare.is_evaluate():
        flare.send(flare.FLModel(metrics={"accuracy": accuracy}))
        continue
    if sys.argv[1:] == [site, str(model.current_round)]:
        raise ValueError("no such patient")
    last = weights + step
    flare.send(flare.FLModel(params={"numpy_key": last}, metrics={"accuracy": accuracy}))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)

    def run(job, sites=3, isolation="inline"):
        job.export_job(str(tmp_path / "jobs"))
        request = RunRequest(
            workspace=tmp_path / "ws" / isolation, n_clients=sites, isolation=isolation, seed=1
        )
        return get("local").run(tmp_path / "jobs" / job.name, request)

    return run


def job(args="", min_clients=3):
    return CCWFJob(name="swarm", min_clients=min_clients), {
        "executor": ScriptRunner(script="train.py", script_args=args, framework="numpy"),
        "persistor": NPModelPersistor(model=[0.0]),
        "shareable_generator": SimpleModelShareableGenerator(),
    }


def swarm(args="", evaluate=False, selector=True, **server):
    described, shared = job(args)
    client = SwarmClientConfig(
        **shared,
        aggregator=InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS"),
        model_selector=SimpleIntimeModelSelector(key_metric="accuracy") if selector else None,
        min_responses_required=3,
    )
    server = SwarmServerConfig(**{"num_rounds": 4, "starting_client": "site-1", **server})
    described.add_swarm(server, client, CrossSiteEvalConfig() if evaluate else None)
    return described


def saved(result, site):
    return np.load(result.workspace / site / "simulate_job" / "models" / "server.npy").tolist()


@pytest.mark.parametrize("isolation", ["inline", "process", "shared"])
def test_a_swarm_learns_and_every_site_gets_the_result(run, isolation):
    result = run(swarm(), isolation=isolation)
    assert result.ok, result
    # Steps of 1, 2 and 3 are 2 on average, four times.
    assert [saved(result, f"site-{n}") for n in (1, 2, 3)] == [[8.0], [8.0], [8.0]]


def test_aggregation_by_turns_gives_the_same(run):
    result = run(swarm(aggr_clients=["site-2", "site-3"]))
    assert result.ok, result
    assert saved(result, "site-1") == [8.0]


def test_a_site_that_only_aggregates(run):
    result = run(swarm(train_clients=["site-1", "site-3"], aggr_clients=["site-2"]))
    assert result.ok, result
    assert saved(result, "site-1") == [8.0]


def test_a_failing_trainer_ends_the_run_with_the_cause(run):
    result = run(swarm(args="site-2 1"))
    assert not result.ok
    assert "no such patient" in "\n".join(map(str, result.errors))
    assert any("site-2 reports" in str(e) for e in result.errors)


def test_models_are_evaluated_across_sites(run):
    result = run(swarm(evaluate=True))
    assert result.ok, result
    told = [json.loads(line) for line in (result.workspace / "events.jsonl").read_text().splitlines()]
    found = [e for e in told if e["event"] == "result" and e["task"] == "cse_eval"]
    assert len(found) >= 9
    assert {e["site"] for e in found} == {"site-1", "site-2", "site-3"}


@pytest.mark.parametrize("order", ["fixed", "random"])
def test_a_cycle_ends_where_all_have_had_their_turns(run, order):
    described, shared = job()
    described.add_cyclic(
        CyclicServerConfig(num_rounds=2, starting_client="site-2", cyclic_order=order),
        CyclicClientConfig(**shared),
    )
    result = run(described)
    assert result.ok, result
    # Each round adds 1 + 2 + 3, whatever the order.
    assert [saved(result, f"site-{n}") for n in (1, 2, 3)] == [[12.0]] * 3


def test_a_cycle_of_one_site_cannot_begin(run):
    described, shared = job(min_clients=1)
    described.add_cyclic(CyclicServerConfig(num_rounds=1), CyclicClientConfig(**shared))
    result = run(described, sites=1)
    assert not result.ok
    assert "at least two sites" in "\n".join(map(str, result.errors))
