"""Where recipes run."""

import pytest

from fedjob.errors import JobError, JobTypeError, RunError, RunFailed
from fedjob.job import run
from fedjob.recipe import PocEnv, ProdEnv, Run, SimEnv
from fedjob.result import RunResult


def test_sim_env_runs_on_the_local_engine(make, tmp_path):
    ran = make(num_rounds=2).run(SimEnv(num_clients=2, workspace_root=str(tmp_path / "work")))
    assert ran.get_job_id() == "fedavg"
    assert ran.get_status() is None
    workspace = ran.get_result()
    assert workspace == str(tmp_path / "work" / "fedavg")
    result = RunResult.load(workspace)
    assert result.ok
    # Two sites add 1 and 2 to zeros: a mean of 1.5 after the first round.
    assert result.metric("accuracy").values == (0.0, 1.5)
    assert (tmp_path / "work" / "fedavg" / "server" / "simulate_job").is_dir()


def test_the_sites_can_be_named(make, tmp_path):
    env = SimEnv(clients=["hospital-1", "hospital-2"], workspace_root=str(tmp_path))
    make(num_rounds=1).run(env)
    assert RunResult.load(tmp_path / "fedavg").sites == ("hospital-1", "hospital-2")
    assert (env.num_clients, env.num_threads) == (2, 2)


def test_a_run_that_fails_is_an_error(make, tmp_path):
    (tmp_path / "client.py").write_text("raise ValueError('no data')\n")
    env = SimEnv(num_clients=2, workspace_root=str(tmp_path / "work"))
    with pytest.raises(RunFailed, match="no data"):
        make().run(env)
    assert env.last_run_failed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "SimEnv has no clients"),
        ({"num_clients": 3, "clients": ["a", "b"]}, "num_clients=3, but clients names 2"),
        ({"num_clients": 1, "extra": 1}, "extra must be a dict, but got int"),
    ],
)
def test_a_wrong_sim_env_is_refused(arguments, message):
    with pytest.raises(JobError, match=message):
        SimEnv(**arguments)


def test_extra_properties():
    env = SimEnv(num_clients=1, extra={"a": 1})
    assert (env.get_extra_prop("a"), env.get_extra_prop("b", 2)) == (1, 2)
    with pytest.raises(JobTypeError):
        PocEnv(extra=[])


@pytest.mark.parametrize("kind", ["poc", "prod"])
def test_flares_environments_describe_and_do_not_run(make, tmp_path, kind):
    env = PocEnv(num_clients=2) if kind == "poc" else ProdEnv(str(tmp_path))
    with pytest.raises(RunError, match="runs jobs on FLARE itself: install nvflare"):
        make().run(env)
    make().export(tmp_path / "jobs", env=env)
    assert (tmp_path / "jobs" / "fedavg" / "meta.json").is_file()
    caught = []
    with run.handing_over(caught.append):
        ran = make().run(env)
    assert ran.get_result() is None
    assert [job.name for job in caught] == ["fedavg"]


def test_wrong_environments_of_flare_are_refused(tmp_path):
    with pytest.raises(JobError, match="there is no startup kit at"):
        ProdEnv(str(tmp_path / "nowhere"))
    with pytest.raises(JobError, match="login_timeout must be a positive number"):
        ProdEnv(str(tmp_path), login_timeout=0)
    with pytest.raises(JobError, match="PocEnv has no clients"):
        PocEnv(num_clients=0)
    with pytest.raises(JobError, match="num_clients=2, but clients names 1"):
        PocEnv(clients=["a"])


def test_a_run_remembers_what_it_came_to():
    class Env(SimEnv):
        asked = 0

        def get_job_result(self, job_id, timeout=0.0):
            self.asked += 1
            return f"{job_id}/{self.asked}"

    env = Env(num_clients=1)
    ran = Run(env, "job")
    assert [ran.get_result(), ran.get_result()] == ["job/1", "job/1"]
    ran.abort()
    with pytest.raises(JobError, match="job_id must be a non-empty string"):
        Run(env, "")
