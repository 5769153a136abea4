from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fedjob.engines import RunRequest, get
from fedjob.engines.local import LocalEngine, run
from fedjob.errors import FolderError, RequestError


@pytest.fixture
def folder(tmp_path, crew):
    """The folder of a job of doubles."""
    crew(isolation="inline")
    return tmp_path / "ws-job" / "doubles"


@pytest.fixture(autouse=True)
def doubles(monkeypatch):
    plan = run._plan
    roles = {"run_server": "double:run_server", "run_site": "double:run_site"}
    monkeypatch.setattr(run, "_plan", lambda *args: replace(plan(*args), **roles))


@pytest.mark.parametrize("isolation", ["process", "shared", "inline"])
def test_the_engine_returns_a_result_that_the_directory_of_the_run_holds(folder, tmp_path, isolation):
    engine = get("local")
    assert engine.name == "local"
    request = RunRequest(workspace=tmp_path / "run", n_clients=3, seed=5, isolation=isolation)
    result = engine.run(folder, request)
    assert result.status == "ok"
    assert result.engine == "local"
    assert list(result.sites) == ["site-1", "site-2", "site-3"]
    events = [json.loads(line) for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    first = {"event": "run_started", "engine": "local", "job": "doubles", "seed": 5, "isolation": isolation}
    assert first.items() <= events[0].items()
    assert events[-1]["event"] == "run_ended"
    times = [event["time"] for event in events]
    assert times[0] <= times[-1] < 60


def test_what_interrupts_a_run_is_recorded_and_raised(folder, tmp_path):
    source = folder / "app/custom/double.py"
    source.write_text(source.read_text() + "\ndef work(*_): raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        LocalEngine().run(folder, RunRequest(workspace=tmp_path / "run", isolation="inline"))
    events = [json.loads(line) for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    assert [e["status"] for e in events if e["event"] == "run_ended"] == ["interrupted"]
    assert [e["kind"] for e in events if e["event"] == "error"] == ["interrupted"]


def test_what_cannot_begin_is_raised(folder, tmp_path):
    with pytest.raises(FolderError, match="not a job folder"):
        LocalEngine().run(tmp_path, RunRequest(workspace=tmp_path / "run"))
    with pytest.raises(RequestError, match="is not a list of GPU numbers"):
        LocalEngine().run(folder, RunRequest(workspace=tmp_path / "run", gpu="many"))
