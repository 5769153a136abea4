"""The deployment engine against an API that plays a deployment; `tests/flare/test_poc.py` runs it on a real one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedjob import FedAvg, FedJob, FrameworkType, NPModelPersistor, RunRequest, ScriptRunner
from fedjob.engines import get
from fedjob.engines.deployment import DeploymentEngine, engine
from fedjob.errors import RequestError

STUB = Path(__file__).with_name("stub")
SITES = ["hospital-b", "hospital-a"]


def contribution(number, site, accuracy):
    return {
        "event": "contribution",
        "time": 1.0 + number,
        "round": number,
        "site": site,
        "task": "train",
        "rc": "OK",
        "metrics": [{"name": "accuracy", "value": accuracy}],
        "weight": 1,
        "params": 1,
        "bytes": 0,
    }


def rounds(sites, values):
    for number, value in enumerate(values):
        yield from (contribution(number, site, value) for site in sites)
        done = [{"name": "accuracy", "value": value}]
        yield {"event": "round_done", "time": 1.5 + number, "round": number, "metrics": done}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import nvflare.client as flare\n")
    job = FedJob(name="deployed", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
    job.export_job(str(tmp_path / "jobs"))
    return tmp_path / "jobs" / "deployed"


class Deployment:
    """A startup kit, and an interpreter whose FLARE plays what stands in it."""

    def __init__(self, root):
        self.kit = root / "admin@example.com"
        (self.kit / "startup").mkdir(parents=True)
        (self.kit / "startup" / "fed_admin.json").write_text('{"admin": {"username": ""}}')
        python = root / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH={STUB} exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        self.engine = DeploymentEngine(startup_kit=self.kit, python=str(python))
        self.plays()

    def plays(self, **scenario):
        scenario = {"sites": SITES, "events": list(rounds(sorted(SITES), (0.5, 0.75))), **scenario}
        (self.kit / "scenario.json").write_text(json.dumps(scenario))

    def done(self, what):
        lines = (self.kit / "done.jsonl").read_text().splitlines()
        return [which for did, which in map(json.loads, lines) if did == what]


@pytest.fixture
def deployment(tmp_path):
    (tmp_path / "kits").mkdir()
    return Deployment(tmp_path / "kits")


@pytest.fixture
def request_(tmp_path):
    return RunRequest(workspace=tmp_path / "ws")


def test_a_job_is_submitted_and_its_record_is_the_result(deployment, folder, request_):
    result = deployment.engine.run(folder, request_)
    assert result.ok, result.problems
    assert result.engine == "deployment"
    assert result.sites == ("hospital-a", "hospital-b")
    assert result.metric("accuracy").values == (0.5, 0.75)
    assert result.models["global"].read_bytes() == b"model"
    assert deployment.done("login") == ["admin@example.com"]
    assert deployment.done("submit") == [{"app": ["@ALL"]}]
    assert deployment.done("logout") == [None]
    assert deployment.done("abort") == []
    # What was downloaded is in the workspace now, and nowhere else.
    assert list((deployment.kit / "transfer").iterdir()) == []
    assert "Connecting to FLARE" in (request_.workspace / "deployment.txt").read_text()


def test_times_of_the_server_are_counted_from_the_begin_of_the_run(deployment, folder, request_):
    result = deployment.engine.run(folder, request_)
    events = [json.loads(line) for line in (request_.workspace / "events.jsonl").read_text().splitlines()]
    times = [event["time"] for event in events if event["event"] == "contribution"]
    # Two looks were taken before the job was found to run.
    assert times[0] > 1.0
    assert times[2] - times[0] == pytest.approx(1.0)
    assert result.seconds >= times[-1]


def test_a_second_run_replaces_the_first_and_touches_nothing_else(deployment, folder, request_):
    deployment.engine.run(folder, request_)
    (request_.workspace / "mine.txt").write_text("kept")
    deployment.plays(events=list(rounds(sorted(SITES), (0.25,))))
    assert deployment.engine.run(folder, request_).metric("accuracy").values == (0.25,)
    assert (request_.workspace / "mine.txt").read_text() == "kept"
    assert not (request_.workspace / "server/simulate_job/workspace").exists()


def test_a_job_for_all_runs_on_as_many_sites_as_asked_for(deployment, folder, tmp_path):
    deployment.plays(sites=["c", "a", "b"], events=list(rounds("ab", (0.5,))))
    result = deployment.engine.run(folder, RunRequest(workspace=tmp_path / "ws", n_clients=2))
    assert result.ok, result.problems
    assert result.sites == ("a", "b")
    assert deployment.done("submit") == [{"app": ["server", "a", "b"]}]


def test_or_on_those_that_are_named(deployment, folder, tmp_path):
    deployment.plays(sites=["c", "a", "b"], events=list(rounds("cb", (0.5,))))
    result = deployment.engine.run(folder, RunRequest(workspace=tmp_path / "ws", clients=("c", "b")))
    assert result.ok, result.problems
    assert result.sites == ("c", "b")
    assert deployment.done("submit") == [{"app": ["server", "c", "b"]}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_clients": 3}, "n_clients=3, but the sites that are connected to the deployment are"),
        ({"clients": ("hospital-a", "x")}, r"the sites \['x'\] are to take part, but the sites that are"),
        ({"n_clients": 1}, "needs min_clients=2 sites but only 1 would run"),
    ],
)
def test_sites_that_are_not_there_are_an_error(deployment, folder, tmp_path, given, message):
    with pytest.raises(RequestError, match=message):
        deployment.engine.run(folder, RunRequest(workspace=tmp_path / "ws", **given))
    assert deployment.done("submit") == []
    assert not (tmp_path / "ws").exists()


def test_no_site_at_all(deployment, folder, request_):
    deployment.plays(sites=[])
    with pytest.raises(RequestError, match="no site is connected to the deployment"):
        deployment.engine.run(folder, request_)


def test_a_login_that_fails_says_where_and_what_to_do(deployment, folder, request_):
    deployment.plays(refuse="login")
    with pytest.raises(RequestError) as error:
        deployment.engine.run(folder, request_)
    assert str(error.value) == (
        f"no session with a FLARE deployment as the user of {deployment.kit}: "
        "NoConnection: cannot connect to server; "
        "name an admin's startup kit in NVFLARE_STARTUP_KIT_DIR or DeploymentEngine(startup_kit=...)"
    )


def test_an_interpreter_that_breaks_is_quoted(deployment, folder, request_):
    (deployment.kit / "scenario.json").unlink()
    with pytest.raises(RequestError, match="FileNotFoundError"):
        deployment.engine.run(folder, request_)


def test_a_kit_that_is_not_an_admins(deployment, folder, request_, tmp_path):
    with pytest.raises(
        RequestError, match=r"is not the startup kit of an admin: it has no startup/fed_admin"
    ):
        DeploymentEngine(startup_kit=tmp_path, python=deployment.engine.python).run(folder, request_)


def test_the_kit_is_named_by_flares_own_variable(deployment, folder, request_, monkeypatch):
    monkeypatch.setenv("NVFLARE_STARTUP_KIT_DIR", str(deployment.kit / "startup"))
    assert DeploymentEngine(python=deployment.engine.python).run(folder, request_).ok
    assert get("deployment") == DeploymentEngine()


def test_without_a_kit_flare_is_asked(deployment, folder, request_, monkeypatch):
    monkeypatch.delenv("NVFLARE_STARTUP_KIT_DIR", raising=False)
    with pytest.raises(RequestError, match="no startup kit is given, and this release of FLARE knows none"):
        DeploymentEngine(python=deployment.engine.python).run(folder, request_)


def test_a_job_that_fails_has_the_traceback_of_its_site(deployment, folder, request_):
    log = 'Traceback (most recent call last):\n  File "train.py", line 3\nValueError: no data here\n'
    deployment.plays(
        statuses=["RUNNING", "FINISHED:EXECUTION_EXCEPTION"],
        logs={"hospital-b": log},  # hospital-a lets nobody look.
        events=list(rounds(sorted(SITES), (0.5,))),
    )
    result = deployment.engine.run(folder, request_)
    assert result.status == "failed"
    assert result.metric("accuracy").values == (0.5,)
    (error,) = result.errors
    assert (error.site, error.message) == ("hospital-b", "ValueError: no data here")
    assert "FLARE ended job f00d as FINISHED:EXECUTION_EXCEPTION" in result.problems[0]


def test_a_job_that_is_refused(deployment, folder, request_):
    deployment.plays(refuse="submit")
    result = deployment.engine.run(folder, request_)
    assert result.status == "failed"
    assert "FLARE answered: Refused: not authorized" in result.problems[0]


def test_results_that_are_lost(deployment, folder, request_):
    deployment.plays(refuse="download")
    result = deployment.engine.run(folder, request_)
    assert result.status == "failed"
    assert "the results of job f00d could not be downloaded: Refused: no space left" in result.problems[0]


def test_a_job_without_a_record_is_not_green(deployment, folder, request_):
    deployment.plays(events=None)
    assert not deployment.engine.run(folder, request_).ok


def test_a_deadline_aborts_the_job_and_keeps_what_there_is(deployment, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_START_UP", 0.0)
    deployment.plays(
        statuses=["RUNNING"],
        history=["then: not enough sites"],
        events=list(rounds(sorted(SITES), (0.5,))),
        logs={},
    )
    result = deployment.engine.run(folder, RunRequest(workspace=tmp_path / "ws", timeout=2.5))
    assert result.status == "deadline"
    assert "job f00d was RUNNING after 2.5 s; then: not enough sites" in result.problems[0]
    assert deployment.done("abort") == ["f00d"]
    assert result.metric("accuracy").values == (0.5,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_job_does_not_outlive_who_waits_for_it(deployment, folder, request_, number):
    deployment.plays(statuses=["RUNNING"])
    code = (
        "import signal, sys; from pathlib import Path; from fedjob import RunRequest\n"
        # A shell that starts something in the background has it ignore Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fedjob.engines.deployment import DeploymentEngine\n"
        "kit, python, folder, workspace = sys.argv[1:]\n"
        "engine = DeploymentEngine(startup_kit=kit, python=python)\n"
        "engine.run(Path(folder), RunRequest(workspace=Path(workspace)))"
    )
    words = [deployment.kit, deployment.engine.python, folder, request_.workspace]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    wait_until(lambda: (deployment.kit / "done.jsonl").exists() and deployment.done("submit"))
    os.killpg(process.pid, number)
    process.wait()
    wait_until(lambda: deployment.done("abort") == ["f00d"])
    if number == signal.SIGINT:
        last = (request_.workspace / "events.jsonl").read_text().splitlines()[-1]
        assert json.loads(last)["status"] == "interrupted"


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
