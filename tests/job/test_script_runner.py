import math

import pytest

from fedjob.errors import FedJobError, JobError, ReleaseError
from fedjob.job import FedJob, ScriptRunner
from fedjob.job.base_script_runner import BaseScriptRunner
from tests.job.conftest import client


@pytest.fixture
def train(repo):
    (repo / "train.py").write_text("x = 1\n")
    return "train.py"


def refused(call):
    with pytest.raises(FedJobError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"framework": "jax"},
            "framework 'jax' is not supported; choose one of raw, numpy, pytorch, tensorflow",
        ),
        (
            {"execution_mode": "attach"},
            "invalid execution_mode 'attach'; choose 'in_process' or 'external_process'",
        ),
        (
            {"launch_external_process": True, "execution_mode": "in_process"},
            "launch_external_process=True contradicts execution_mode='in_process'; leave one of them out",
        ),
        (
            {"pipe_connect_type": "x"},
            "invalid pipe_connect_type 'x'; choose one of via_root, via_cp, via_relay",
        ),
    ],
)
def test_wrong_arguments(arguments, expected):
    assert refused(lambda: ScriptRunner("train.py", **arguments)) == expected


def test_arguments_must_be_words(job, train):
    runner = ScriptRunner(train, script_args=["a", 1], launch_external_process=True)
    assert (
        refused(lambda: job.to_clients(runner))
        == "script_args must be a str or a list of str, but got ['a', 1]"
    )


def test_tasks_and_nothing_else(job, train):
    assert refused(lambda: job.to_clients(ScriptRunner(train), steps=1)) == (
        "received unexpected arg 'steps'; supported args: {'tasks': 'optional'}"
    )


@pytest.mark.parametrize(
    ("arguments", "release", "expected"),
    [
        (
            {"server_expected_format": "pytorch"},
            "2.5",
            "ScriptRunner(server_expected_format='pytorch') for '@ALL': FLARE 2.5 has no server_expected_format; it came "
            "with 2.6",
        ),
        (
            {"launch_once": False},
            "2.6",
            "ScriptRunner(launch_once=False) for '@ALL': FLARE 2.6 has no launch_once; it came with 2.7",
        ),
        (
            {"script_args": ["a b"]},
            "2.8",
            "ScriptRunner(script_args=[...]) for '@ALL': FLARE 2.8 takes a string; lists came with 2.9",
        ),
        (
            {"pipe_connect_type": "via_cp"},
            "2.9",
            "FLARE 2.9 has no pipe_connect_type for scripts; it went with 2.9",
        ),
    ],
)
def test_arguments_of_other_releases(job, train, arguments, release, expected):
    job.to_clients(ScriptRunner(train, launch_external_process=True, **arguments))
    with pytest.raises(ReleaseError) as caught:
        job.freeze(release)
    assert str(caught.value) == expected


def test_ids_of_what_was_added(train):
    job = FedJob("job")
    assert job.to(ScriptRunner(train, launch_external_process=True), "site-1") == {}
    runner = BaseScriptRunner(train, launch_external_process=True, pipe_connect_type="via_relay")
    assert job.to(runner, "site-2") == {
        "pipe_id": "pipe",
        "launcher_id": "launcher",
        "metric_pipe_id": "metrics_pipe",
        "metric_relay_id": "metric_relay",
        "config_preparer_id": "config_preparer",
    }


def test_the_base_runner_is_gone_in_2_9(job, train):
    job.to_clients(BaseScriptRunner(train))
    assert client(job, "2.8").executors
    with pytest.raises(
        ReleaseError, match=r"^FLARE 2\.9 has no nvflare\.job_config\.script_runner\.BaseScriptRunner; "
    ):
        job.freeze("2.9")


def test_a_part_of_the_wrong_kind(train):
    assert refused(lambda: BaseScriptRunner(train, launch_external_process=True, launcher=3)) == (
        "launcher must be a Launcher, but got int"
    )


def test_several_nodes_need_one_launch(train):
    job = FedJob("job", meta_props={"launcher_spec": {"site-1": {"slurm": {"nodes": 2}}}})
    runner = ScriptRunner(train, launch_external_process=True, launch_once=False)
    assert refused(lambda: job.to(runner, "site-1")) == (
        "'site-1' runs on several nodes, which needs launch_once=True"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"memory_gc_rounds": -1}, "memory_gc_rounds must be an int of 0 or more, but is -1"),
        ({"memory_gc_rounds": True}, "memory_gc_rounds must be an int of 0 or more, but is True"),
        (
            {"launch_external_process": True, "launch_timeout": -1},
            "launch_timeout must be a number of seconds",
        ),
        (
            {"launch_external_process": True, "shutdown_timeout": math.inf},
            "shutdown_timeout must be a number",
        ),
        ({"launch_external_process": True, "launch_timeout": "5"}, "launch_timeout .* but is '5'"),
    ],
)
def test_limits_are_checked_where_they_count(arguments, message):
    with pytest.raises(JobError, match=message):
        ScriptRunner("train.py", **arguments)
    if "launch_external_process" in arguments:
        ScriptRunner("train.py", **{**arguments, "launch_external_process": False})
