import json
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.errors import ResultError
from fedjob.result import RunResult
from fedjob.result.read import read_events

STARTED = {
    "event": "run_started",
    "engine": "local",
    "job": "j",
    "sites": ["site-1", "site-2"],
    "seed": 1,
    "time": 0,
}
ENDED = {"event": "run_ended", "status": "ok", "reason": None, "time": 0.25}


def contribution(site, number, *, params=1, **metrics):
    entries = [{"name": k, "value": v} for k, v in metrics.items()]
    return {
        "event": "contribution", "round": number, "site": site, "task": "train", "rc": "OK", "metrics": entries,
        "weight": 2.0, "params": params, "bytes": 8,
    }  # fmt: skip


def round_done(number, **metrics):
    entries = [{"name": k, "value": v} for k, v in metrics.items()]
    return {"event": "round_done", "round": number, "metrics": entries}


def written(workspace, *events):
    workspace.joinpath("events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    return RunResult.load(workspace)


@pytest.fixture
def good(tmp_path):
    return written(
        tmp_path,
        STARTED,
        contribution("site-2", 0, accuracy=0.4),
        contribution("site-1", 0, accuracy=0.2),
        round_done(0, accuracy=0.3),
        contribution("site-1", 1, accuracy=0.6),
        contribution("site-2", 1, accuracy=0.8),
        round_done(1, accuracy=0.7),
        ENDED,
    )


def test_a_run_that_did_its_work_is_ok(good):
    assert good.ok
    assert good.problems == ()
    assert good.metric("accuracy").by_round == {0: 0.3, 1: 0.7}
    assert good.metric("accuracy", site="site-1").values == (0.2, 0.6)
    assert good.metric("accuracy").at(0, site="site-2") == 0.4
    assert good.seconds == 0.25


def test_contributions_are_in_site_order(good):
    assert [c.site for c in good.rounds[0].contributions] == ["site-1", "site-2"]


def test_prints_outcome_and_metrics(good):
    assert repr(good) == "j: ok, 2 rounds, 2 sites, local engine"
    assert str(good).splitlines() == [
        "j: ok, 2 rounds, 2 sites, local engine",
        "  accuracy ▁█ (rounds 0-1)",
        "    all sites  0.3 0.7",
    ]


def test_another_process_reads_the_same_result(good):
    code = (
        "import pathlib, pickle, sys; from fedjob.result import RunResult;"
        "sys.stdout.buffer.write(pickle.dumps(RunResult.load(pathlib.Path(sys.argv[1]))))"
    )
    out = subprocess.run([sys.executable, "-c", code, str(good.workspace)], capture_output=True, check=True)
    assert pickle.loads(out.stdout) == good


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([ENDED], "no round was finished and no result came back"),
        (
            [contribution("site-1", 0, a=1), round_done(0, a=1), ENDED],
            "site 'site-2' was silent: it sent no parameter and no metric",
        ),
        (
            [contribution("site-1", 0, a=1), contribution("site-2", 0, params=0), round_done(0), ENDED],
            "site 'site-2' was silent: it sent no parameter and no metric",
        ),
        (
            [contribution("site-1", 0, a=math.nan), contribution("site-2", 0, a=1), round_done(0, a=1), ENDED],
            "metric 'a' is nan in round 0 at site-1",
        ),
        (
            [contribution("site-1", 0, a=1), contribution("site-2", 0, a=1), round_done(0, a=math.inf), ENDED],
            "metric 'a' is inf in round 0 at server",
        ),
        (
            [
                contribution("site-1", 0, a=1), contribution("site-2", 0, a=1), round_done(0, a=1),
                {"event": "error", "site": "site-1", "round": 0, "task": "train", "kind": "exception",
                 "message": "ValueError: no", "traceback": "T", "fatal": False},
                ENDED,
            ],
            "site-1, round 0, task 'train': exception: ValueError: no",
        ),
        (
            [contribution("site-1", 0, a=1), contribution("site-2", 0, a=1), round_done(0, a=1)],
            "the run ended as 'failed'",
        ),
        (
            [contribution("site-1", 0, a=1), contribution("site-2", 0, a=1), round_done(0, a=1),
             {**ENDED, "status": "deadline", "reason": "60 s are over"}],
            "the run ended as 'deadline': 60 s are over",
        ),
    ],
)  # fmt: skip
def test_never_green_on_nothing(tmp_path, events, problem):
    result = written(tmp_path, STARTED, *events)
    assert not result.ok
    assert problem in result.problems


def test_a_site_that_no_task_was_sent_to_is_not_silent(tmp_path):
    task = {"event": "task", "task": "train", "round": 0, "sites": ["site-1"]}
    assert written(tmp_path, STARTED, task, contribution("site-1", 0, a=1), round_done(0, a=1), ENDED).ok


def test_parties_that_only_stream_have_done_something(tmp_path):
    stream = {"event": "stream", "site": "server", "sender": "site-1", "channel": "c", "topic": "t"}
    result = written(tmp_path, STARTED, stream, ENDED)
    assert result.problems == ("site 'site-2' was silent: it sent no parameter and no metric",)


def test_a_stream_is_no_answer_to_a_task(tmp_path):
    task = {"event": "task", "task": "train", "round": 0, "sites": ["site-1"]}
    stream = {"event": "stream", "site": "server", "sender": "site-1", "channel": "c", "topic": "t"}
    assert written(tmp_path, STARTED, task, stream, ENDED).problems == (
        "no round was finished and no result came back",
        "site 'site-1' was silent: it sent no parameter and no metric",
    )


def test_a_task_that_names_no_sites_was_sent_to_all(tmp_path):
    task = {"event": "task", "task": "train", "round": 0, "sites": None}
    result = written(tmp_path, STARTED, task, contribution("site-1", 0, a=1), round_done(0, a=1), ENDED)
    assert result.problems == ("site 'site-2' was silent: it sent no parameter and no metric",)


def test_events_of_many_sites_come_to_the_same_as_those_of_each(tmp_path):
    each = {
        "site_ready": {"site": ["site-2", "site-1"], "pid": [7, 7], "cuda_visible_devices": [None, "1"]},
        "traffic": {"site": ["site-2", "site-1"], "sent": [3, 4], "received": [5, 6]},
        "scalar": {"site": ["site-1", "site-2"], "name": ["a", "a"], "value": [0.5, 0.25], "step": [0, None]},
    }
    together = [{"event": event, "time": 0.1, "each": columns} for event, columns in each.items()]
    (tmp_path / "one").mkdir()
    (tmp_path / "all").mkdir()
    result = written(tmp_path / "all", STARTED, *together, ENDED)
    alone = written(tmp_path / "one", STARTED, *read_events(tmp_path / "all")[1:-1], ENDED)
    for name in ("traffic", "devices", "scalars"):
        assert getattr(result, name) == getattr(alone, name)
    assert result.devices == {"site-1": "1", "site-2": None}
    assert result.traffic["site-2"] == {"sent": 3, "received": 5}
    assert [s.value for s in result.scalars] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([0.5, 10**400], None),
        ([10**400, math.nan], "metric 'a' is nan in round 0 at site-2"),
        (["well", -math.inf], "metric 'a' is -inf in round 0 at site-2"),
        ([True, 2], None),
    ],
)
def test_metrics_of_many_sites_that_are_not_finite_are_a_problem(values, problem, tmp_path):
    together = {
        "event": "contributions", "round": 0, "sites": ["site-1", "site-2"], "task": "train", "rc": "OK",
        "metrics": [{"name": "a", "values": values}], "weights": [1, 1], "params": 1, "bytes": 8,
    }  # fmt: skip
    result = written(tmp_path, STARTED, together, round_done(0), ENDED)
    assert result.problems == (() if problem is None else (problem,))


def test_a_run_without_rounds_may_bring_results(tmp_path):
    results = [
        {"event": "result", "task": "validate", "site": s, "data": {"x": 1}} for s in ("site-1", "site-2")
    ]
    result = written(tmp_path, STARTED, *results, ENDED)
    assert result.ok
    assert result.results[0] == ("validate", "site-1", {"x": 1})


def test_a_missing_metric_is_explained(good):
    with pytest.raises(
        ResultError,
        match=r"^the server aggregated no metric 'f1' in 2 rounds; metrics there are: \['accuracy'\]$",
    ):
        good.metric("f1")


def test_a_metric_that_only_sites_report_is_explained(tmp_path):
    result = written(
        tmp_path, STARTED, contribution("site-1", 0, a=1), contribution("site-2", 0), round_done(0), ENDED
    )
    with pytest.raises(
        ResultError,
        match=r"^the server aggregated no metric 'a' in 1 rounds; sites \['site-1'\] reported it: "
        r"ask metric\('a', site=\.\.\.\)$",
    ):
        result.metric("a")


def test_a_last_line_cut_by_a_kill_is_left_out(tmp_path):
    (tmp_path / "events.jsonl").write_text(json.dumps(STARTED) + "\n" + '{"event": "contr')
    assert [e["event"] for e in read_events(tmp_path)] == ["run_started"]
    assert RunResult.load(tmp_path).status == "failed"


def test_a_damaged_record_names_the_line(tmp_path):
    (tmp_path / "events.jsonl").write_text("{}x\n")
    with pytest.raises(ResultError, match=r"events.jsonl:1 is not JSON: .*; the run directory is damaged$"):
        read_events(tmp_path)


def test_a_directory_without_a_run_is_an_error(tmp_path):
    with pytest.raises(ResultError, match=r"^no run recorded in .*; expected events.jsonl there$"):
        RunResult.load(tmp_path)


def test_reads_numpy_models(tmp_path):
    np.save(tmp_path / "server.npy", np.arange(3.0))
    np.savez(tmp_path / "m.npz", w=np.ones((2, 2)))
    events = [
        {"event": "model", "kind": "global", "path": "server.npy"},
        {"event": "model", "kind": "z", "path": "m.npz"},
    ]
    result = written(tmp_path, STARTED, *events, ENDED)
    assert result.model()["numpy_key"].tolist() == [0, 1, 2]
    assert result.model("z")["w"].shape == (2, 2)
    with pytest.raises(ResultError, match=r"^the run saved no 'best' model; it saved \['global', 'z'\]$"):
        result.model("best")


def test_never_unpickles_a_model(tmp_path):
    np.save(tmp_path / "server.npy", np.array([{}], dtype=object), allow_pickle=True)
    result = written(tmp_path, STARTED, {"event": "model", "kind": "global", "path": "server.npy"}, ENDED)
    with pytest.raises(ResultError, match="cannot read the model"):
        result.model()


@given(order=st.permutations(range(6)))
def test_the_order_of_contributions_does_not_matter(tmp_path_factory, order):
    sent = [contribution(s, n, a=n) for n in range(3) for s in ("site-1", "site-2")]
    tail = [round_done(n, a=n) for n in range(3)]
    tmp_path = tmp_path_factory.mktemp("run")
    expected = written(tmp_path, STARTED, *sent, *tail, ENDED)
    assert written(tmp_path, STARTED, *(sent[i] for i in order), *tail, ENDED) == expected
