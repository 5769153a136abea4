"""What goes wrong at a site or on the server ends the run at once, with the cause; nothing hangs."""

import pytest

from jobs import ISOLATIONS, ONE_CORE, run, script_job


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


TRAIN = """
import nvflare.client as flare

def main():
    flare.init()
    while flare.is_running():
        model = flare.receive()
        {body}

main()
"""
SEND_BARE = "flare.send(flare.FLModel(params=model.params))"
SEND = "flare.send(flare.FLModel(params=model.params, metrics={'accuracy': 0.5}))"


def failed(tmp_path, isolation, source, **job):
    result = run(script_job(tmp_path, source, **job), tmp_path, isolation=isolation, timeout=30)
    assert not result.ok
    assert result.status == "failed"
    return result


def one_site(result):
    """The first error, which must be a site's own; which site fails first may differ."""
    assert result.errors[0].site in ("site-1", "site-2")
    return result.errors[0]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_script_that_raises_is_shown_with_site_round_task_and_traceback(tmp_path, isolation):
    body = f"if model.current_round == 1 and flare.get_site_name() == 'site-1': raise ValueError('no data')\n        {SEND}"
    result = failed(tmp_path, isolation, TRAIN.format(body=body))
    error = one_site(result)
    assert (error.site, error.kind, error.round, error.task) == ("site-1", "exception", 1, "train")
    assert error.message == "ValueError: no data"
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert f'File "{tmp_path}/src/train.py", line 8, in main' in error.traceback
    assert "fedjob/engines" not in error.traceback
    assert len(result.rounds) == 1
    assert result.errors[-1].kind == "panic"


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_missing_module_is_named(tmp_path, isolation):
    error = one_site(failed(tmp_path, isolation, "import not_there\n"))
    assert (error.kind, error.round, error.task) == ("missing_module", 0, "train")
    assert error.message == (
        "train.py: No module named 'not_there'; it is not installed and did not travel in custom/"
    )


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(
    ("end", "kind", "message"),
    [
        ("return", "no_send", "train.py ended without sending a result for this task"),
        ("import sys; sys.exit(3)", "exit", "train.py called sys.exit(3)"),
        ("import sys; sys.exit()", "exit", "train.py called sys.exit()"),
    ],
)
def test_a_script_that_ends_early_is_told(tmp_path, isolation, end, kind, message):
    body = f"if model.current_round == 1: {end}\n        {SEND}"
    error = one_site(failed(tmp_path, isolation, TRAIN.format(body=body)))
    assert (error.kind, error.message, error.round, error.task) == (kind, message, 1, "train")


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_script_that_never_sends_is_told(tmp_path, isolation):
    error = one_site(failed(tmp_path, isolation, TRAIN.format(body="pass")))
    assert error.kind == "exception"
    assert error.message == (
        "ClientAPIError: task 'train' was looked at 10000 times without a result being sent; "
        "call flare.send(...) for each received model"
    )
    assert (error.round, error.task) == (0, "train")


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(
    ("send", "message"),
    [
        ("flare.send({'a': 1})", "TypeError: "),
        ("flare.send(flare.FLModel())", "ClientAPIError: the model to send has neither params nor metrics"),
        (f"{SEND}\n        {SEND}", 'ClientAPIError: "receive" needs to be called before sending model'),
    ],
)
def test_a_bad_send_raises_in_the_script(tmp_path, isolation, send, message):
    error = one_site(failed(tmp_path, isolation, TRAIN.format(body=send)))
    assert error.message.startswith(message)
    assert "src/train.py" in error.traceback


@pytest.mark.parametrize("isolation", ["process", ONE_CORE])
def test_a_site_that_is_killed_is_told_at_once(tmp_path, isolation):
    body = f"if model.current_round == 1: import os; os.kill(os.getpid(), 9)\n        {SEND}"
    result = failed(tmp_path, isolation, TRAIN.format(body=body))
    error = result.errors[0]
    assert (error.kind, error.round, error.task) == ("killed", 1, "train")
    assert [len(r.contributions) for r in result.rounds] == [2]
    assert (
        error.message == f"the process of {error.site!r} was killed by SIGKILL in round 1 during task 'train'"
    )


def test_a_site_that_leaves_by_os_exit_is_told(tmp_path):
    body = f"if model.current_round == 1: import os; os._exit(0)\n        {SEND}"
    error = failed(tmp_path, "process", TRAIN.format(body=body)).errors[0]
    assert (error.kind, error.round) == ("exit", 1)
    assert (
        error.message == f"the process of {error.site!r} left with os._exit(0) in round 1 during task 'train'"
    )


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_run_over_its_deadline_says_where_everyone_stands(tmp_path, isolation):
    body = "import time\n        while True: time.sleep(0.01)"
    job = script_job(tmp_path, TRAIN.format(body=body))
    result = run(job, tmp_path, isolation=isolation, timeout=1.5)
    assert result.status == "deadline"
    late = [e for e in result.errors if e.kind == "deadline"]
    assert any("train.py" in (e.traceback or "") for e in late)
    assert "the run was not over after its timeout of 1.5 s" in late[0].message


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_silent_contribution_is_not_ok(tmp_path, isolation):
    """FLARE skips an empty result and reports success."""
    body = f"if flare.get_site_name() == 'site-1': model.params = {{}}; model.metrics = None\n        {SEND_BARE}"
    source = TRAIN.format(body=body)
    result = run(script_job(tmp_path, source), tmp_path, isolation=isolation)
    assert result.status == "ok"
    assert not result.ok
    assert "site 'site-1' was silent: it sent no parameter and no metric" in result.problems


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_nan_metric_is_not_ok(tmp_path, isolation):
    body = "flare.send(flare.FLModel(params=model.params, metrics={'loss': float('nan')}))"
    result = run(script_job(tmp_path, TRAIN.format(body=body)), tmp_path, isolation=isolation)
    assert not result.ok
    assert "metric 'loss' is nan in round 0 at site-1" in result.problems


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_parameter_of_another_shape_is_told(tmp_path, isolation):
    body = (
        "rows = 1 if flare.get_site_name() == 'site-2' else 3\n"
        "        params = {name: value[:rows] for name, value in model.params.items()}\n"
        "        flare.send(flare.FLModel(params=params, metrics={'accuracy': 0.5}))"
    )
    result = run(script_job(tmp_path, TRAIN.format(body=body)), tmp_path, isolation=isolation)
    assert not result.ok
    assert result.errors[0].site == "server"
    assert result.errors[0].message == (
        "ValueError: site-2 sent 'numpy_key' with shape (1, 3), and others with (3, 3): "
        "there is no mean of arrays of different shapes"
    )


def test_a_failure_does_not_wait_for_sites_that_are_still_at_work(tmp_path):
    """Results are taken in the order of the sites; an error that ends the run is not held up by that."""
    body = "if flare.get_site_name() == 'site-2': raise ValueError('no data')\n        while True: pass"
    error = one_site(failed(tmp_path, "process", TRAIN.format(body=body)))
    assert (error.site, error.message) == ("site-2", "ValueError: no data")
