"""What goes the short way into federated averaging leaves what it would have left on the long one."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from fedjob.components.widgets.intime_model_selector import IntimeModelSelector
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.engines.local.intake import Intake
from fedjob.result.read import read_events
from jobs import ISOLATIONS, run, script_job

#: Reports the workflow's context as it is before each round, and when all is over.
WORKFLOW = """
import json, os
from fedjob.components.workflows.fedavg import FedAvg


class Noting(FedAvg):
    def sample_clients(self, num_clients=None):
        self._note()
        return super().sample_clients(num_clients)

    def finalize(self):
        self._note()

    def _note(self):
        keep = lambda v: v if isinstance(v, (int, str, bool, type(None))) else type(v).__name__
        props = {k: [keep(self.fl_ctx.get_prop(k)), p["mask"]] for k, p in self.fl_ctx.props.items()}
        peer = self.fl_ctx.get_peer_context()
        props["peer"] = {k: keep(peer.get_prop(k)) for k in peer.props} if peer else None
        result = self.fl_ctx.get_prop("__task_result__")
        if result is not None:
            props["result"] = repr({k: v for k, v in result.items()}).replace(self.fl_ctx.get_prop("__task_id__"), "id")
            props["one"] = peer.get_prop("__shareable__") is result
        props.pop("__task_id__", None)
        props.pop("__event_data__", None)  # None, after an event of a warning.
        with open("contexts.jsonl", "a") as f:
            f.write(json.dumps(props, default=str, sort_keys=True) + "\\n")
"""

#: Hears of everything, so that every result goes the long way.
LISTENER = """
from fedjob.components.roles import Widget


class Ears(Widget):
    def handle_event(self, event_type, fl_ctx):
        pass
"""

SCRIPT = """
import numpy as np
import nvflare.client as flare

flare.init()
site = int(flare.get_site_name().split("-")[1])
while flare.is_running():
    model = flare.receive()
    params = {{name: value + np.float32(site) / 3 for name, value in model.params.items()}}
    metrics = {{"accuracy": np.float32(0.1) * site, "text": "x", "n": site, "late": model.current_round}}
    meta = {{"NUM_STEPS_CURRENT_ROUND": site * 7}}
    {change}
    flare.send(flare.FLModel(params=params, metrics=metrics, meta=meta))
"""

#: What differs from run to run.
HIDDEN = {"time", "bytes", "pid", "sent", "received", "traceback"}

PLAIN = "{'accuracy': 0.1 * site, 'n': site}"

CHANGES = {
    "as they are": "",
    "one without metrics": "metrics = None if site == 2 else metrics",
    "the meta of the task": "meta = {**model.meta, **meta}",
    "a site by another name": "meta['site_name'] = f'clinic-{site}'",
    "weights of numpy": "meta['NUM_STEPS_CURRENT_ROUND'] = np.int64(site)",
    "no weight": "meta = {}",
    "one with a list": "meta = {**meta, 'list': [1]} if site == 2 else meta",
    "the last with a list": "meta = {**meta, 'list': [1]} if site == 4 else meta",
    "large": "params['more'] = np.full(100_000, site, np.float32)",
    "one that does not fit": "params = {k: v[:2] for k, v in params.items()} if site == 3 else params",
    "one that is empty": "params = {} if site == 3 else params",
    "one that fails": "assert site != 3 or model.current_round != 1",
    "text in place of a number": "metrics['accuracy'] = 'x' if site == 2 else 0.5",
    "another metric": "metrics = {'loss': 1.0} if site == 3 else metrics",
    "not a number": "metrics['accuracy'] = float('nan')",
    "numbers of Python's": f"metrics = {PLAIN}",
    "no metrics": "metrics = None",
    "metrics that are none": "metrics = {}",
    "weights of one": f"metrics = {PLAIN}; meta['NUM_STEPS_CURRENT_ROUND'] = 1",
    "no weights": f"metrics = {PLAIN}; meta = {{}}",
    "numbers and texts": f"metrics = {{**{PLAIN}, 'text': '%s \"'}}",
    "numbers that are none": f"metrics = {{**{PLAIN}, 'loss': float('inf') if site == 3 else 0.1}}",
    "numbers of a site by another name": f"metrics = {PLAIN}; meta['site_name'] = f'clinic-{{site}}'",
    "more arrays": f"metrics = {PLAIN}; params['more'] = np.full((2, 1), site, np.float16)",
    "arrays of a middle size": f"metrics = {PLAIN}; params['more'] = np.full(5_000, site, np.float32)",
    "large arrays": f"metrics = {PLAIN}; params['more'] = np.full(100_000, site, np.float32)",
    "whole numbers": f"metrics = {PLAIN}; params['n'] = np.full(2, site)",
    "a number before arrays": f"metrics = {PLAIN}; params['more'] = 1.0 if site == 1 else np.ones(2)",
    "some other arrays": f"metrics = {PLAIN}; params.update(n=np.ones(3)) if site % 2 else None",
    "a shape that does not fit": f"metrics = {PLAIN}; params = {{k: v[:-1] for k, v in params.items()}} if site > 2 else params",
}

#: Changes whose results are taken all at once in `inline`.
STACKED = {
    "numbers of Python's",
    "no metrics",
    "metrics that are none",
    "weights of one",
    "no weights",
    "numbers that are none",
    "numbers of a site by another name",
    "more arrays",
    "arrays of a middle size",
    "large arrays",
}


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    """outcome(script, ears, isolation): all that a run leaves, without times and what tells one run from another."""
    (tmp_path / "noting.py").write_text(WORKFLOW)
    (tmp_path / "ears.py").write_text(LISTENER)
    monkeypatch.syspath_prepend(tmp_path)
    noting, listener = (importlib.import_module(name) for name in ("noting", "ears"))

    def outcome(script, *, ears, isolation):
        base = tmp_path / f"ears {ears}"
        base.mkdir()
        monkeypatch.chdir(base)
        workflow = noting.Noting(num_clients=4, num_rounds=3, aggregation_weights={"site-2": 2.0})
        job = script_job(base, script, sites=4, workflow=workflow)
        job.to_server(IntimeModelSelector(key_metric="accuracy", weigh_by_local_iter=True), id="selector")
        if ears:
            job.to_server(listener.Ears(), id="ears")
        result = run(job, base, n_clients=4, isolation=isolation, seed=3)
        server = base / "ws" / "server"
        files = [server / "contexts.jsonl", *sorted(server.rglob("metrics/*.json*"))]
        arrays = {name: value.tobytes() for name, value in result.model().items()} if result.models else {}
        return (
            result.ok,
            _events(base / "ws"),
            [path.read_text().replace(str(base), "") for path in files],
            arrays,
        )

    yield outcome
    for name in ("noting", "ears"):
        sys.modules.pop(name, None)


def one_by_one(event):
    """The contributions of many sites as an event of each."""
    if event["event"] != "contributions":
        return [event]
    sites, metrics, weights = (event.pop(name) for name in ("sites", "metrics", "weights"))
    if isinstance(sites, dict):
        first = int(sites["from"].removeprefix("site-"))
        sites = [f"site-{first + n}" for n in range(sites["many"])]
    return [
        event
        | {"event": "contribution", "site": site, "weight": weights[at]}
        | {"metrics": [{"name": m["name"], "value": m["values"][at]} for m in metrics]}
        for at, site in enumerate(sites)
    ]


def _events(workspace):
    recorded = [one for event in read_events(workspace) for one in one_by_one(event)]
    events = [{k: v for k, v in event.items() if k not in HIDDEN} for event in recorded]
    # Sites begin and end in any order.
    return sorted(json.dumps(e, sort_keys=True) for e in events if e["event"] != "site_ready")


#: Where a site fails, what else has come by then is a matter of time, but in one process.
CASES = [(c, i) for c in CHANGES for i in ("inline", "shared") if (c, i) != ("one that fails", "shared")]


@pytest.mark.parametrize(("change", "isolation"), CASES)
def test_short_and_long_way_come_to_the_same(change, isolation, outcome, monkeypatch):
    taken = []
    take = Intake.take
    monkeypatch.setattr(Intake, "take", lambda *args: (taken.extend(args[2]), take(*args)))
    script = SCRIPT.format(change=CHANGES[change])
    short = outcome(script, ears=False, isolation=isolation)
    if isolation == "inline":
        assert len(taken) >= 3
        taken.clear()
    long = outcome(script, ears=True, isolation=isolation)
    assert not taken
    for one, other in zip(short, long, strict=True):
        assert one == other


@pytest.mark.parametrize("change", sorted(STACKED))
def test_results_of_one_form_are_taken_all_at_once(change, outcome, monkeypatch):
    """Or the test above would compare nothing of it."""
    taken = []
    take = Intake._take_stack
    monkeypatch.setattr(Intake, "_take_stack", lambda *args: taken.append(take(*args)) or taken[-1])
    outcome(SCRIPT.format(change=CHANGES[change]), ears=False, isolation="inline")
    assert taken == [True] * 3


#: Hears of nothing on a result's way, but looks at the file of the rounds when the next one begins.
LOOKING = """
from pathlib import Path
from fedjob.components.roles import FLComponent
from fedjob.exchange.events import AppEventType


class Looking(FLComponent):
    def __init__(self):
        super().__init__()
        self.register_event_handler(AppEventType.ROUND_STARTED, self._look)

    def _look(self, event_type, fl_ctx):
        run_dir = Path(fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id()))
        rounds = run_dir / "metrics" / "round_metrics.jsonl"
        seen = len(rounds.read_text().splitlines()) if rounds.exists() else 0
        with open("seen.txt", "a") as f:
            f.write(f"{seen} ")
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("looks", [True, False])
def test_who_can_look_at_the_metrics_of_a_round_finds_them_before_the_next(
    looks, isolation, tmp_path, monkeypatch
):
    (tmp_path / "looking.py").write_text(LOOKING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    script = SCRIPT.format(change=CHANGES["numbers of Python's"])
    job = script_job(tmp_path, script, sites=4, workflow=FedAvg(num_clients=4, num_rounds=3))
    if looks:
        job.to_server(importlib.import_module("looking").Looking(), id="looking")
    result = run(job, tmp_path, n_clients=4, isolation=isolation)
    sys.modules.pop("looking", None)
    assert result.ok, result.problems
    server = tmp_path / "ws" / "server"
    if looks:
        assert (server / "seen.txt").read_text() == "0 1 2 "
    (rounds,) = server.rglob("round_metrics.jsonl")
    assert [json.loads(line)["round"] for line in rounds.read_text().splitlines()] == [0, 1, 2]


def test_a_last_round_whose_metrics_cannot_be_written_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_the_way = tmp_path / "ws" / "server" / "simulate_job" / "metrics" / "round_metrics.jsonl"
    plain = CHANGES["numbers of Python's"]
    change = f"{plain}; import os; os.makedirs({str(in_the_way)!r}, exist_ok=True)"
    job = script_job(tmp_path, SCRIPT.format(change=change), rounds=1, sites=4)
    result = run(job, tmp_path, n_clients=4, isolation="shared")
    (error,) = result.errors
    assert error.site == "server"
    assert error.message.startswith("MetricsArtifactWriter failed: IsADirectoryError")
