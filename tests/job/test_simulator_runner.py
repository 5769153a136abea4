"""SimulatorRunner: a job folder run from a script."""

from pathlib import Path

import pytest

from fedjob.errors import FolderError, RequestError, RunFailed
from fedjob.flare import shim
from fedjob.folder.read import read
from fedjob.job import load_script
from fedjob.job.simulator_runner import SimulatorRunner
from tests.job.parts import Part
from tests.job.test_run import engine

__all__ = ["engine"]


@pytest.fixture
def folder(job, repo):
    job.to_clients(Part())
    job.export_job("jobs")
    return "jobs/job"


def test_the_request_is_what_was_said(folder, engine, repo):
    assert SimulatorRunner(folder, "ws", n_clients=3, threads=2, gpu="0").run() == 0
    request = engine.request
    assert (request.workspace, request.n_clients, request.threads, request.gpu) == (repo / "ws", 3, 2, "0")
    assert engine.model == read(folder)


def test_names_win_over_a_number(folder, engine, repo):
    assert SimulatorRunner(folder, None, clients="a, b", n_clients=5).run() == 0
    assert (engine.request.clients, engine.request.n_clients) == (("a", "b"), None)
    assert engine.request.workspace == repo / "simulator_workspace"


def test_a_failed_run_is_an_error(folder, engine):
    engine.problems = ("no round was finished",)
    with pytest.raises(RunFailed, match="job 'job' failed: no round was finished"):
        SimulatorRunner(folder, "ws").run()


def test_there_can_be_too_many_sites(folder, engine):
    with pytest.raises(RequestError, match="3 clients are more than max_clients=2"):
        SimulatorRunner(folder, "ws", n_clients=3, max_clients=2).run()


def test_there_must_be_a_folder(repo):
    with pytest.raises(FolderError, match="nowhere is not a directory"):
        SimulatorRunner("nowhere", "ws").run()


def test_a_script_that_runs_a_folder_describes_that_job(folder, repo):
    script = repo / "script.py"
    script.write_text(f"from nvflare import SimulatorRunner\nSimulatorRunner({folder!r}, 'ws').run()\n")
    assert load_script(script, shim="always") == repo / folder
    assert not Path("ws").exists()
    with shim.active():
        import nvflare

        assert nvflare.SimulatorRunner is SimulatorRunner
