"""Which jobs' tasks go the short way, and that those on the long one come to the same."""

from __future__ import annotations

import pytest

from fedjob import FedJob
from fedjob.components.receivers.tensorboard import TBAnalyticsReceiver
from fedjob.components.widgets.convert_to_fed_event import ConvertToFedEvent
from fedjob.components.widgets.event_recorder import EventRecorder
from fedjob.components.widgets.intime_model_selector import IntimeModelSelector
from fedjob.components.widgets.validation_json_generator import ValidationJsonGenerator
from fedjob.engines.local.delivery import Delivery
from fedjob.engines.local.site import Site
from jobs import run, script_job

SCRIPT = """
import nvflare.client as flare
from nvflare.client.tracking import SummaryWriter

flare.init()
writer = SummaryWriter()
while flare.is_running():
    model = flare.receive()
    writer.add_scalar("loss", 0.5, global_step=model.current_round)
    params = {name: value + 1 for name, value in model.params.items()}
    flare.send(flare.FLModel(params=params, metrics={"accuracy": 0.5}))
"""


@pytest.fixture
def long_way(monkeypatch):
    """Counts what goes the long way: tasks at the sites, results at the server."""
    counts = {"tasks": 0, "results": 0}

    def count(cls, method, key):
        real = getattr(cls, method)

        def counting(self, *args, **kwargs):
            counts[key] += 1
            return real(self, *args, **kwargs)

        monkeypatch.setattr(cls, method, counting)

    count(Site, "_answer", "tasks")
    count(Delivery, "process", "results")
    return counts


def usual(tmp_path) -> FedJob:
    """What BaseFedJob and the recipes put beside a workflow and a script."""
    job = script_job(tmp_path, SCRIPT, rounds=3, sites=2)
    job.to_clients(ConvertToFedEvent(events_to_convert=["analytix_log_stats"]), id="event_to_fed")
    job.to_server(IntimeModelSelector(key_metric="accuracy"), id="model_selector")
    job.to_server(ValidationJsonGenerator(), id="json_generator")
    job.to_server(TBAnalyticsReceiver(), id="receiver")
    return job


def test_what_ready_made_jobs_bring_along_leaves_tasks_and_results_on_the_short_way(
    tmp_path, monkeypatch, long_way
):
    monkeypatch.chdir(tmp_path)
    result = run(usual(tmp_path), tmp_path, isolation="inline")
    assert result.ok, result.problems
    assert len(result.rounds) == 3
    assert long_way == {"tasks": 0, "results": 0}


def test_who_hears_everything_has_them_go_the_long_way_to_the_same_result(tmp_path, monkeypatch, long_way):
    outcomes = []
    for way in ("short", "long"):
        base = tmp_path / way
        base.mkdir()
        monkeypatch.chdir(base)
        job = usual(base)
        if way == "long":
            job.to_clients(EventRecorder(), id="recorder")
            job.to_server(EventRecorder(), id="recorder")
        result = run(job, base, isolation="inline")
        assert result.ok, result.problems
        rounds = [
            (r.metrics, [(c.site, c.metrics, c.weight) for c in r.contributions]) for r in result.rounds
        ]
        scalars = sorted((s.site, s.name, s.step, s.value) for s in result.scalars)
        outcomes.append((rounds, scalars, result.model()["numpy_key"].tobytes()))
        heard = base / "ws" / "server" / "simulate_job" / "tb_events"
        outcomes[-1] += (sorted(str(path.relative_to(heard).parent) for path in heard.rglob("*")),)
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][1]) == 6
    assert long_way == {"tasks": 6, "results": 6}
