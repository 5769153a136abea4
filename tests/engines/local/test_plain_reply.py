"""A reply that went the long way at its site travels as a script's result does, if it is no more than that.

Each job runs twice, once with all replies encoded as they are; what listeners on the server see of them, and what the
workflow makes of them, must be the same.
"""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from fedjob import FilterType
from fedjob.engines.local.plain import NotPlain
from fedjob.engines.local.plain_result import PlainResult
from jobs import run, script_job

SCRIPT = """
import numpy as np
import nvflare.client as flare

flare.init()
site = int(flare.get_site_name().split("-")[1])
while flare.is_running():
    model = flare.receive()
    params = {name: value + np.float32(site) / 3 for name, value in model.params.items()}
    meta = {"NUM_STEPS_CURRENT_ROUND": site * 7}
    flare.send(flare.FLModel(params=params, metrics={"accuracy": 0.1 * site}, meta=meta))
"""

PARTS = '''
import json

import numpy as np

from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.components.roles import Executor, Filter, Widget
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.shareable import make_reply


class Ears(Widget):
    """Hears everything."""

    def handle_event(self, event_type, fl_ctx):
        pass


class Mood(Widget):
    """Says something of itself to the server."""

    def handle_event(self, event_type, fl_ctx):
        if event_type == "_start_run":
            fl_ctx.set_prop("mood", "good", private=False, sticky=True)


class Witness(Widget):
    """Writes down each result as it reaches the workflow."""

    def handle_event(self, event_type, fl_ctx):
        if event_type == "_before_process_submission":
            result = fl_ctx.get_prop("__task_result__")
            headers = {k: v for k, v in result["__headers__"].items() if k != "__task_id__"}
            content = {k: v for k, v in result.items() if k != "__headers__"}
            kinds = [type(v).__name__ for v in content.get("DXO", {}).get("data", {}).values()]
            seen = [fl_ctx.get_peer_context().get_identity_name(), sorted(headers.items(), key=str), content, kinds]
            with open("witness.jsonl", "a") as f:
                f.write(json.dumps(repr(seen)) + "\\n")


class Noise(DXOFilter):
    """Makes weights less exact, as a filter for privacy does."""

    def __init__(self):
        super().__init__(supported_data_kinds=[DataKind.WEIGHTS], data_kinds_to_filter=None)

    def process_dxo(self, dxo, shareable, fl_ctx):
        dxo.data = {name: np.round(value, 1) for name, value in dxo.data.items()}
        return dxo


class Header(Filter):
    def process(self, shareable, fl_ctx):
        shareable.set_header("mine", 1)
        return shareable


class Content(Filter):
    def process(self, shareable, fl_ctx):
        shareable["mine"] = 1
        return shareable


class Own(Filter):
    """Makes a Shareable of a class of its own."""

    def process(self, shareable, fl_ctx):
        shareable.mine = 1
        return shareable


class Cookie(Filter):
    """Of a task: puts a cookie into its jar."""

    def process(self, shareable, fl_ctx):
        shareable.add_cookie("crumb", fl_ctx.get_peer_context().get_identity_name() if fl_ctx.get_peer_context() else 1)
        return shareable


class Round(Filter):
    """Says that a task, or a result, is of another round."""

    def process(self, shareable, fl_ctx):
        shareable.set_header("current_round", shareable.get_header("current_round") + 5)
        return shareable


class Pass(Filter):
    def process(self, shareable, fl_ctx):
        return shareable


class Adding(Executor):
    """Answers with a DXO, without a script."""

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        dxo = from_shareable(shareable)
        data = {name: value + 1 for name, value in dxo.data.items()}
        return DXO(DataKind.WEIGHTS, data, {"NUM_STEPS_CURRENT_ROUND": np.int64(3)}).to_shareable()


class Changing(Adding):
    """Answers with how the weights have changed."""

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        data = {name: np.ones_like(value) for name, value in from_shareable(shareable).data.items()}
        return DXO(DataKind.WEIGHT_DIFF, data, {"initial_metrics": {"accuracy": 0.5}, "more": [1, "x"]}).to_shareable()


class Returning(Adding):
    """Answers with the task's own Shareable."""

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        dxo = from_shareable(shareable)
        dxo.data = {name: value + 1 for name, value in dxo.data.items()}
        return dxo.update_shareable(shareable)


class Named(Adding):
    """Names the kind by a str."""

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        return DXO("WEIGHTS", dict(from_shareable(shareable).data)).to_shareable()


class Deep(Adding):
    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        return DXO(DataKind.WEIGHTS, dict(from_shareable(shareable).data), {"a": {"b": {"c": 1}}}).to_shareable()


class Failing(Adding):
    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        return make_reply("EXECUTION_EXCEPTION")
'''

SITES, ROUNDS = 4, 3  # of fewer sites no results are taken together.
RESULTS = SITES * ROUNDS

#: What a job has: parts at the sites ("out" and "in" say which filters), parts on the server, and how many of its
#: RESULTS results travel as a script's.
JOBS = {
    "a listener": ({"Ears": ""}, {}, RESULTS),
    "a filter of results": ({"Noise": "out"}, {}, RESULTS),
    "a filter of tasks": ({"Pass": "in"}, {}, RESULTS),
    "an executor": ({"Adding": "execute"}, {}, RESULTS),
    "an executor of differences": ({"Changing": "execute"}, {}, RESULTS),
    "an executor that hands back the task": ({"Returning": "execute"}, {}, 0),
    "an executor with words of its own": ({"Named": "execute"}, {}, 0),
    "an executor with deep meta": ({"Deep": "execute"}, {}, 0),
    "an executor that fails": ({"Failing": "execute"}, {}, 0),
    "a header": ({"Header": "out"}, {}, 0),
    "more content": ({"Content": "out"}, {}, 0),
    "another round on the reply": ({"Round": "out"}, {}, 0),
    "a site that speaks of itself": ({"Mood": "", "Ears": ""}, {}, 0),
    "an attribute": ({"Own": "out"}, {}, 0),
    "a cookie at the sites": ({"Cookie": "in"}, {}, 0),
    "another round at the sites": ({"Round": "in"}, {}, 0),
    "a filter on the server": ({"Ears": ""}, {"Pass": "out"}, RESULTS),
    "a cookie of the server's for each site": ({"Ears": ""}, {"Cookie": "out"}, ROUNDS),
    "another round from the server": ({"Ears": ""}, {"Round": "out"}, 0),
}

KINDS = {"out": FilterType.TASK_RESULT, "in": FilterType.TASK_DATA}


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """The module of the parts, as a user's own in ``src``."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "plain_parts.py").write_text(PARTS)
    monkeypatch.syspath_prepend(str(source))
    yield importlib.import_module("plain_parts")
    sys.modules.pop("plain_parts", None)


@pytest.fixture
def plain(monkeypatch):
    """Counts the results that travel as a script's; sets whether they may."""
    state = {"may": True, "count": 0}
    real = PlainResult.of_reply

    def of_reply(reply, number):
        if not state["may"]:
            raise NotPlain
        result = real(reply, number)
        state["count"] += 1
        return result

    monkeypatch.setattr(PlainResult, "of_reply", staticmethod(of_reply))
    return state


def job_of(parts, base, at_sites, at_server, *, witness):
    executor = next((getattr(parts, name)() for name, way in at_sites.items() if way == "execute"), None)
    job = script_job(base, SCRIPT, rounds=ROUNDS, sites=SITES, executor=executor)
    for name, way in at_sites.items():
        part = getattr(parts, name)()
        if way == "":
            job.to_clients(part, id=name.lower())
        elif way != "execute":
            job.to_clients(part, filter_type=KINDS[way], tasks=["train"])
    for name in at_server:
        job.to_server(getattr(parts, name)(), filter_type=FilterType.TASK_DATA, tasks=["train"])
    if witness:
        job.to_server(parts.Witness(), id="witness")
    return job


def outcome(result, base):
    witness = base / "ws" / "server" / "witness.jsonl"
    seen = sorted(map(json.loads, witness.read_text().splitlines())) if witness.exists() else []
    rounds = [
        (r.number, r.metrics, [(c.site, c.rc, c.metrics, c.weight, c.params) for c in r.contributions])
        for r in result.rounds
    ]
    model = result.model()["numpy_key"].tobytes() if result.ok else None
    return result.ok, seen, rounds, model


@pytest.mark.parametrize("witness", [True, False], ids=["watched", "unwatched"])
@pytest.mark.parametrize("name", JOBS)
def test_what_reaches_the_server_is_the_same(tmp_path, monkeypatch, parts, plain, name, witness):
    at_sites, at_server, expected = JOBS[name]
    outcomes, counts = [], []
    for may in (True, False):
        base = tmp_path / str(may)
        (base / "src").mkdir(parents=True)
        monkeypatch.chdir(base)
        plain.update(may=may, count=0)
        job = job_of(parts, base, at_sites, at_server, witness=witness)
        result = run(
            job, base, n_clients=SITES, isolation="inline", source_roots=(tmp_path / "src", base / "src")
        )
        outcomes.append(outcome(result, base))
        counts.append(plain["count"])
    assert outcomes[0] == outcomes[1]
    assert counts == [expected, 0]
    assert outcomes[0][0] or name == "an executor that fails"
    if witness and outcomes[0][0]:
        assert len(outcomes[0][1]) == RESULTS
