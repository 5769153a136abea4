"""What a site has logged goes to the server at its end, where the job asks for it."""

import pytest

from fedjob.components.log_streaming import JobLogReceiver, JobLogStreamer
from fedjob.recipe import SimEnv
from fedjob.recipe.np import NumpyFedAvgRecipe
from fedjob.result import RunResult
from jobs import run

TRAIN = """
import logging
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    print("x" * 1_200_000)
    logging.getLogger("mine").warning("from %s", flare.get_site_name())
    flare.send(flare.FLModel(params=model.params, metrics={"accuracy": 0.5}))
"""


@pytest.fixture(autouse=True)
def repo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN)


def recipe(**options):
    return NumpyFedAvgRecipe(model=[1.0], min_clients=2, num_rounds=1, train_script="train.py", **options)


@pytest.mark.parametrize("isolation", ["process", "shared"])
def test_each_sites_file_is_at_the_server(tmp_path, isolation):
    job = recipe()
    job.enable_log_streaming("log.txt")
    result = run(job.as_job(), tmp_path, isolation=isolation)
    assert result.ok, result
    for site in ("site-1", "site-2"):
        got = (result.workspace / "server" / "simulate_job" / site / "log.txt").read_text()
        assert "x" * 1_200_000 in got
        assert f"from {site}" in got
        assert (result.workspace / site / "log.txt").read_text().startswith(got)


def test_of_scripts_in_processes_of_their_own_too(tmp_path):
    job = recipe(launch_external_process=True)
    job.enable_log_streaming("log.txt")
    result = run(job.as_job(), tmp_path)
    assert "from site-2" in (result.workspace / "server" / "simulate_job" / "site-2" / "log.txt").read_text()


def test_a_file_that_is_not_there_is_no_failure(tmp_path):
    job = recipe()
    job.enable_log_streaming()
    job.run(SimEnv(num_clients=2, workspace_root=str(tmp_path / "work")))
    assert RunResult.load(tmp_path / "work" / job.name).ok
    log = (tmp_path / "work" / job.name / "site-1" / "log.txt").read_text()
    assert "no log.json was written here, so none is sent to the server" in log


def test_another_directory_for_what_arrives(tmp_path):
    job = recipe().as_job()
    job.to_server(JobLogReceiver(dest_dir=str(tmp_path / "logs")))
    job.to_clients(JobLogStreamer())
    assert run(job, tmp_path).ok
    assert (tmp_path / "logs" / "simulate_job" / "site-1" / "log.txt").stat().st_size > 1_200_000


@pytest.mark.parametrize("name", ["/etc/passwd", "../log.txt", "a/../../log.txt"])
def test_only_what_is_in_the_sites_directory(name):
    with pytest.raises(ValueError, match="log_file_name must be in the site's directory"):
        JobLogStreamer(log_file_name=name)
