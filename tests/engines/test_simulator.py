"""FLARE's simulator as an engine: the copy it runs, what is read from its logs, and a run that fails."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedjob import FedAvg, FedJob, FrameworkType, NPModelPersistor, RunRequest, ScriptRunner
from fedjob.cli.run import Watch
from fedjob.engines.claim import require_own
from fedjob.engines.recorded.copy import copy_with_recorder
from fedjob.engines.recorded.logs import site_errors
from fedjob.engines.simulator import SimulatorEngine
from fedjob.errors import RequestError
from fedjob.flare import shim
from fedjob.folder.read import read
from fedjob.result.read import read_events

RAISES = """
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    if flare.get_site_name() == "site-2" and model.current_round == 1:
        raise ValueError("no data at this site")
    flare.send(flare.FLModel(params=model.params, metrics={"accuracy": 0.5}))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(RAISES)
    job = FedJob(name="raises", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=3))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
    job.export_job(str(tmp_path / "jobs"))
    return tmp_path / "jobs" / "raises"


def test_the_copy_has_a_recorder_and_the_folder_stays_as_it_is(folder, tmp_path):
    before = read(folder)
    copied = read(copy_with_recorder(folder, tmp_path / "copy", tmp_path / "events.jsonl", 1.5))
    assert read(folder) == before
    (app,) = copied.apps
    *others, recorder = app.server.components
    assert tuple(others) == before.apps[0].server.components
    assert (recorder.id, recorder.path) == ("fedjob_recorder", "fedjob_recorder.Recorder")
    assert recorder.args == {"events_path": str(tmp_path / "events.jsonl"), "started": 1.5}
    assert "custom/fedjob_recorder.py" in [f.path for f in app.files]
    assert app.client == before.apps[0].client


def test_a_copy_for_some_sites_is_deployed_to_them_only(folder, tmp_path):
    copied = read(copy_with_recorder(folder, tmp_path / "copy", "record.jsonl", None, only=("b", "c")))
    assert copied.meta.deploy_map == {"app": ("server", "b", "c")}
    assert copied.apps[0].server.components[-1].args == {"events_path": "record.jsonl", "started": None}


def test_the_first_traceback_of_each_site_is_found_in_its_log(tmp_path):
    (tmp_path / "site-1").mkdir()
    (tmp_path / "site-1" / "log.txt").write_text(
        "2026-01-01 - INFO - fine\n"
        "Traceback (most recent call last):\n"
        '  File "train.py", line 3, in <module>\n'
        "    import not_there\n"
        "ModuleNotFoundError: No module named 'not_there'\n"
        "2026-01-01 - INFO - more\n"
        "Traceback (most recent call last):\n"
        '  File "other.py", line 1, in <module>\n'
        "RuntimeError: later\n"
    )
    (error,) = site_errors(tmp_path, ("site-1", "site-2"))
    assert (error.site, error.kind) == ("site-1", "missing_module")
    assert error.message == "ModuleNotFoundError: No module named 'not_there'"
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert "later" not in error.traceback


def test_a_script_that_was_aborted_is_not_the_cause(tmp_path):
    for site, message in (("site-1", "request to abort the job for reason x"), ("site-2", "no data")):
        (tmp_path / site).mkdir()
        (tmp_path / site / "log.txt").write_text(
            f'Traceback (most recent call last):\n  File "train.py", line 3\nRuntimeError: {message}\n'
        )
    assert [error.site for error in site_errors(tmp_path, ("site-1", "site-2"))] == ["site-2", "site-1"]


def test_an_interpreter_without_flare_is_told(folder, tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(RequestError) as e:
        SimulatorEngine(python=str(bare)).run(folder, RunRequest(workspace=tmp_path / "ws"))
    assert str(e.value) == (
        f"the simulator engine needs FLARE, and {bare} has none; "
        "install it with: pip install 'pytest-fedjob[flare]'"
    )


@pytest.mark.flare
def test_a_client_that_raises_fails_the_run_with_its_traceback(folder, tmp_path):
    if not shim.real_flare():
        assert not os.environ.get("CI"), "FLARE must be installed under CI"
        pytest.skip("needs FLARE")
    ended, seen = tmp_path / "ws" / "simulator.txt", []
    with Watch(tmp_path / "ws" / "events.jsonl", lambda event: seen.append((event["event"], ended.exists()))):
        result = SimulatorEngine().run(folder, RunRequest(workspace=tmp_path / "ws", n_clients=2))
    assert not result.ok
    # Whoever watches sees what happens while FLARE is at work, and all of it once.
    assert ("round_done", False) in seen
    assert [event for event, _ in seen] == [event["event"] for event in read_events(tmp_path / "ws")]
    assert result.status == "failed"
    assert len(result.rounds) == 1
    assert result.metric("accuracy").values == (0.5,)
    site = next(e for e in result.errors if e.site == "site-2")
    assert "no data at this site" in site.traceback
    assert result.errors[-1].kind == "panic"
    require_own(tmp_path / "ws")  # so that the next run may have it.
    left = [p for p in os.listdir("/proc") if p.isdigit() and _belongs_to(p, str(tmp_path))]
    assert left == []


def _belongs_to(pid, path):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return path in f.read().decode(errors="replace") and int(pid) != os.getpid()
    except OSError:
        return False


#: An interpreter that has FLARE, or so it says, whose simulator starts a client and hangs.
HANGS = """#!/bin/sh
if [ "$1" = "-c" ]; then exit 0; fi
setsid sleep 99.9 &
echo started
exec sleep 200
"""


def test_a_workspace_with_anything_else_in_it_is_left_untouched(folder, tmp_path):
    # FLARE's simulator deletes all that it finds there.
    python = tmp_path / "python"
    python.write_text(HANGS)
    python.chmod(0o755)
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "data.csv").write_text("precious")
    with pytest.raises(RequestError, match=r"already holds 'data\.csv', which no run of fedjob made"):
        SimulatorEngine(python=str(python)).run(folder, RunRequest(workspace=tmp_path / "ws"))
    assert (tmp_path / "ws" / "data.csv").read_text() == "precious"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_nothing_outlives_a_test_process_that_is_killed(folder, tmp_path):
    python = tmp_path / "python"
    python.write_text(HANGS)
    python.chmod(0o755)
    workspace = tmp_path / "runs" / "ws"
    code = (
        "import sys; from pathlib import Path; from fedjob import RunRequest\n"
        "from fedjob.engines.simulator import SimulatorEngine\n"
        f"SimulatorEngine(python={str(python)!r}).run(Path({str(folder)!r}), RunRequest(workspace=Path({str(workspace)!r})))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(500):
        if any(b"started" in p.read_bytes() for p in workspace.parent.glob(".fedjob-*/simulator.txt")):
            break
        time.sleep(0.02)
    everyone = _descendants(process.pid)
    assert len(everyone) >= 3  # the leash, the simulator, its client.
    process.kill()
    process.wait()
    end = time.monotonic() + 5
    while (left := [pid for pid in everyone if _runs(pid)]) and time.monotonic() < end:
        time.sleep(0.02)
    assert left == []


def _descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *_descendants(child))]


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
