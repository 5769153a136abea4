"""Training scripts in processes of their own: started, fed, seeded, logged, and gone in the end."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedjob.components.persistors.np import NPModelPersistor
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.engines import RunRequest, get
from fedjob.job import FedJob, FrameworkType, ScriptRunner
from jobs import ISOLATIONS, ONE_CORE, isolated

RELEASES = ["2.5", "2.6", "2.7", "2.8", "2.9"]

TRAIN = """
import json, os, random, sys
import numpy as np
import nvflare.client as flare
from nvflare.client.tracking import SummaryWriter

{before}

def main():
    flare.init()
    with open("seen.json", "a") as f:
        print(json.dumps({{"argv": sys.argv, "cwd": os.getcwd(), "path": sys.path, "pid": os.getpid()}}), file=f)
    while flare.is_running():
        model = flare.receive()
        number = model.current_round
        site = flare.get_site_name()
        {body}
        flare.send(flare.FLModel(params={{k: v + 1 for k, v in model.params.items()}}, metrics={{"accuracy": {metric}}}))

main()
"""


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def source(body="pass", before="", metric="0.5"):
    return TRAIN.format(body=body, before=before, metric=metric)


def external_job(tmp_path, text, *, rounds=2, args="", **runner):
    (tmp_path / "src").mkdir(exist_ok=True)
    (tmp_path / "src" / "train.py").write_text(text)
    job = FedJob(name="job", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=rounds))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(
        ScriptRunner(
            script="src/train.py",
            script_args=args,
            launch_external_process=True,
            **{"framework": FrameworkType.NUMPY, **runner},
        )
    )
    return job


def run(job, tmp_path, *, release=None, name="ws", **request):
    job.export_job(str(tmp_path / "jobs"), **({"release": release} if release else {}))
    fields = {"n_clients": 2, "timeout": 40, "source_roots": (tmp_path / "src", tmp_path), **request}
    return get("local").run(
        tmp_path / "jobs" / job.name, RunRequest(workspace=tmp_path / name, **isolated(fields))
    )


def seen(tmp_path, site="site-1", name="ws"):
    file = tmp_path / name / site / "simulate_job" / f"app_{site}" / "seen.json"
    return [json.loads(line) for line in file.read_text().splitlines()]


def processes(tmp_path):
    """The processes that have to do with a run below `tmp_path`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(tmp_path).encode() in (entry / "environ").read_bytes():
                found.append((int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ")))
        except OSError:
            continue
    return [(pid, line) for pid, line in found if b"train.py" in line or b"sleeper" in line]


def gone(tmp_path, seconds=5.0):
    end = time.monotonic() + seconds
    while (left := processes(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


# What works.


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_script_runs_in_a_process_of_its_own_for_the_whole_run(tmp_path, isolation):
    job = external_job(tmp_path, source(), args="--name 'two words' --n 3")
    result = run(job, tmp_path, isolation=isolation)
    assert result.ok, result
    assert [r.metrics["accuracy"] for r in result.rounds] == [0.5, 0.5]
    for site in ("site-1", "site-2"):
        (one,) = seen(tmp_path, site)
        app = tmp_path / "ws" / site / "simulate_job" / f"app_{site}"
        assert one["argv"] == ["custom/src/train.py", "--name", "two words", "--n", "3"]
        assert one["cwd"] == str(app)
        assert one["path"][0] == str(app / "custom" / "src")
        assert one["path"][-1] == str(app / "custom")
        assert one["pid"] != os.getpid()
        assert not [p for p in one["path"] if p.endswith("local/boot")]


@pytest.mark.parametrize("release", RELEASES)
def test_folders_of_every_release_run(tmp_path, release):
    result = run(external_job(tmp_path, source()), tmp_path, release=release)
    assert result.ok, result
    assert len(result.rounds) == 2
    assert len(seen(tmp_path)) == 1


@pytest.mark.parametrize("release", ["2.8", "2.9"])
def test_another_process_for_every_task(tmp_path, release):
    result = run(external_job(tmp_path, source(), rounds=3, launch_once=False), tmp_path, release=release)
    assert result.ok, result
    assert len({one["pid"] for one in seen(tmp_path)}) == 3


def test_a_command_may_be_a_shell_script_that_starts_python(tmp_path):
    shell = 'bash -c \'echo begin; python3 -u "$0" "$@"; echo end\''
    result = run(external_job(tmp_path, source(), command=shell, args="'a b'"), tmp_path)
    assert result.ok, result
    assert seen(tmp_path)[0]["argv"] == ["custom/src/train.py", "a b"]
    log = (tmp_path / "ws" / "site-1" / "log.txt").read_text().splitlines()
    assert "begin" in log
    assert "end" in log


def test_the_users_own_sitecustomize_runs(tmp_path, monkeypatch):
    own = tmp_path.parent / f"{tmp_path.name}-own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.OWN = __name__\n")
    monkeypatch.setenv("PYTHONPATH", str(own))
    monkeypatch.syspath_prepend(str(own))  # where PYTHONPATH would have put it at the start of this process
    result = run(
        external_job(tmp_path, source(before="assert OWN == 'sitecustomize'")), tmp_path, isolation="inline"
    )
    assert result.ok, result


def test_what_is_printed_is_in_the_sites_log(tmp_path):
    body = "print('in round', number); print('aside', file=sys.stderr)"
    assert run(external_job(tmp_path, source(body)), tmp_path).ok
    lines = (tmp_path / "ws" / "site-2" / "log.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith(("in round", "aside"))] == [
        "in round 0",
        "aside",
        "in round 1",
        "aside",
    ]


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_what_is_logged_is_in_the_result(tmp_path, release):
    body = "SummaryWriter().add_scalar('loss', 1 / (1 + number), global_step=number)"
    result = run(external_job(tmp_path, source(body)), tmp_path, release=release)
    assert result.ok, result
    logged = [(s.name, s.value, s.step) for s in result.scalars if s.site == "site-1"]
    assert logged == [("loss", 1.0, 0), ("loss", 0.5, 1)]


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_what_is_logged_is_an_event_at_the_server(tmp_path, release, monkeypatch):
    name = f"ears_{release[2]}"
    (tmp_path / f"{name}.py").write_text(
        "from fedjob.components.roles import Widget\n"
        "from fedjob.exchange.analytics import AnalyticsData\n"
        "from fedjob.exchange.dxo import from_shareable\n"
        "from fedjob.exchange.keys import FLContextKey\n"
        "class Ears(Widget):\n"
        "    def handle_event(self, event_type, fl_ctx):\n"
        "        if event_type == 'fed.analytix_log_stats':\n"
        "            dxo = from_shareable(fl_ctx.get_prop(FLContextKey.EVENT_DATA))\n"
        "            print('heard', AnalyticsData.from_dxo(dxo).value, flush=True)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    job = external_job(tmp_path, source("SummaryWriter().add_scalar('loss', 0.25, global_step=number)"))
    job.to_server(importlib.import_module(name).Ears(), id="ears")
    assert run(job, tmp_path, release=release).ok
    assert (tmp_path / "ws" / "server" / "log.txt").read_text().count("heard 0.25") == 4


@pytest.mark.torch
def test_a_torch_script_gets_tensors(tmp_path):
    pytest.importorskip("torch")
    body = "import torch; assert all(type(v) is torch.Tensor for v in model.params.values())"
    result = run(external_job(tmp_path, source(body), framework=FrameworkType.PYTORCH), tmp_path, timeout=60)
    assert result.ok, result


def test_a_large_model_travels_both_ways(tmp_path):
    """More than a socket takes at once, in both directions."""
    metric = "float(sum(v.sum() for v in model.params.values()))"
    job = FedJob(name="job", min_clients=2)
    external_job(tmp_path, source(metric=metric))
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    job.to_server(NPModelPersistor(model=[[0.0] * 2000] * 100), id="persistor")
    job.to_clients(
        ScriptRunner(script="src/train.py", launch_external_process=True, framework=FrameworkType.NUMPY)
    )
    result = run(job, tmp_path, timeout=60)
    assert result.ok, result
    assert [r.metrics["accuracy"] for r in result.rounds] == [0.0, 200_000.0]


def test_a_script_draws_what_it_draws_in_process(tmp_path):
    drawn = "random.random() + np.random.rand()"
    text = source(metric=drawn)
    metrics = []
    for external in (True, True, False):
        job = external_job(tmp_path, text)
        if not external:
            job = FedJob(name="job", min_clients=2)
            job.to_server(FedAvg(num_clients=2, num_rounds=2))
            job.to_server(NPModelPersistor(), id="persistor")
            job.to_clients(ScriptRunner(script="src/train.py", framework=FrameworkType.NUMPY))
        result = run(job, tmp_path, seed=7)
        assert result.ok, result
        metrics.append([list(result.metric("accuracy", site=s).values) for s in ("site-1", "site-2")])
    assert metrics[0] == metrics[1] == metrics[2]
    assert metrics[0][0] != metrics[0][1]


def test_every_process_of_a_seeded_run_draws_something_else_and_the_same_each_time(tmp_path):
    text = source(metric="random.random()")
    runs = []
    for _ in range(2):
        result = run(external_job(tmp_path, text, launch_once=False), tmp_path, seed=7)
        assert result.ok, result
        runs.append(list(result.metric("accuracy", site="site-1").values))
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 2


def test_a_site_that_is_quiet_costs_no_time(tmp_path):
    """The clock may jump while a process only waits for its next task."""
    late = "import time; time.sleep(300) if site == 'site-2' else None"
    external_job(tmp_path, source())
    (tmp_path / "src" / "slow.py").write_text(source(late))
    mixed = FedJob(name="job", min_clients=2)
    mixed.to_server(FedAvg(num_clients=2, num_rounds=1))
    mixed.to_server(NPModelPersistor(), id="persistor")
    external = {"launch_external_process": True, "framework": FrameworkType.NUMPY}
    mixed.to(ScriptRunner(script="src/train.py", **external), "site-1")
    mixed.to(ScriptRunner(script="src/slow.py", framework=FrameworkType.NUMPY), "site-2")
    result = run(mixed, tmp_path, n_clients=None)
    assert result.ok, result


# What goes wrong.


def failed(tmp_path, text, **options):
    request = options.pop("request", {})
    result = run(external_job(tmp_path, text, **options), tmp_path, **request)
    assert not result.ok
    return result


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_script_that_raises_is_shown_with_its_own_traceback(tmp_path, isolation):
    body = "if number == 1 and site == 'site-1': raise ValueError('no data')"
    error = failed(tmp_path, source(body), request={"isolation": isolation}).errors[0]
    assert (error.site, error.kind, error.round, error.task) == ("site-1", "exception", 1, "train")
    assert error.message == "ValueError: no data"
    assert f'File "{tmp_path}/src/train.py", line ' in error.traceback
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert not gone(tmp_path)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("break", "no_send", "train.py ended without sending a result for this task"),
        ("sys.exit(3)", "exit", "train.py ended with exit status 3"),
        ("os.kill(os.getpid(), 9)", "killed", "the process of train.py was killed by SIGKILL"),
    ],
)
def test_an_early_end_is_told(tmp_path, body, kind, message):
    body = f"if number == 1 and site == 'site-2': print('so it goes', flush=True); {body}"
    error = failed(tmp_path, source(body)).errors[0]
    assert (error.site, error.kind, error.message) == ("site-2", kind, message)
    assert (error.round, error.task) == (1, "train")
    assert kind == "no_send" or "so it goes" in error.traceback


def test_a_missing_module_is_named_before_anything_else(tmp_path):
    error = failed(tmp_path, "import not_there\n").errors[0]
    assert error.kind == "missing_module"
    assert error.message.startswith("train.py: No module named 'not_there'; it is not installed")


def test_a_name_that_we_do_not_answer_says_who_can(tmp_path):
    error = failed(tmp_path, "import nvflare.no_such_module\n").errors[0]
    assert "nvflare.no_such_module" in error.message


def test_a_command_that_is_not_there_ends_the_run(tmp_path):
    errors = failed(tmp_path, source(), command="no-such-command -u").errors
    assert "the command 'no-such-command' of train.py is not there" in errors[0].message


def test_a_crash_shows_the_end_of_the_output(tmp_path):
    body = "import ctypes; ctypes.string_at(0)"
    error = failed(tmp_path, source(body)).errors[0]
    assert (error.kind, error.message) == ("killed", "the process of train.py was killed by SIGSEGV")


def test_a_script_that_never_says_anything_is_given_up(tmp_path):
    errors = failed(tmp_path, "import time\ntime.sleep(1000)\n", launch_timeout=1.0).errors
    assert errors[0].kind == "timeout"
    assert "did not use the Client API within its launch_timeout of 1 s" in errors[0].message
    assert not gone(tmp_path)


@pytest.mark.parametrize("isolation", ["process", ONE_CORE, "inline"])
def test_a_script_that_hangs_meets_the_deadline_and_shows_where_it_stands(tmp_path, isolation):
    before = "import time\ndef hang():\n    while True: time.sleep(0.1)"
    result = failed(tmp_path, source("hang()", before=before), request={"timeout": 4, "isolation": isolation})
    assert result.status == "deadline"
    assert "in hang" in "\n".join(str(e.traceback) for e in result.errors)
    assert not gone(tmp_path)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_failed_run_does_not_wait_for_those_that_work(tmp_path, isolation):
    body = "import time; time.sleep(1000) if site == 'site-2' else sys.exit(4)"
    result = failed(tmp_path, source(body), request={"isolation": isolation})
    assert [e.message for e in result.errors if e.kind == "exit"] == ["train.py ended with exit status 4"]
    assert result.status == "failed"
    assert not [e for e in result.errors if e.kind == "deadline"]
    assert not gone(tmp_path)


def test_the_error_of_the_script_counts_not_that_of_its_launcher(tmp_path):
    before = "if os.environ.get('RANK') == '1': raise KeyError('rank one')"
    launcher = (
        "import os, subprocess, sys\n"
        "env = {**os.environ, 'RANK': '1'}\n"
        "subprocess.run([sys.executable, *sys.argv[1:]], env=env, check=True)\n"
    )
    (tmp_path / "launch.py").write_text(launcher)
    job = external_job(tmp_path, source(before=before), command=f"python3 {tmp_path}/launch.py")
    errors = run(job, tmp_path).errors
    assert errors[0].message == "KeyError: 'rank one'"
    assert f'File "{tmp_path}/src/train.py"' in errors[0].traceback


def test_other_ranks_leave_the_site_to_rank_0(tmp_path):
    before = """
if "RANK" not in os.environ:
    import atexit, subprocess
    other = subprocess.Popen([sys.executable, *sys.argv], env={**os.environ, "RANK": "1"})
    atexit.register(other.wait)
elif os.environ["RANK"] == "1":
    flare.init()
    print("rank 1 sees", flare.is_running(), flare.receive(), flush=True)
    sys.exit()
"""
    assert run(external_job(tmp_path, source(before=before)), tmp_path).ok
    assert "rank 1 sees False None" in (tmp_path / "ws" / "site-1" / "log.txt").read_text()


def test_children_of_a_script_go_with_it(tmp_path):
    before = "import subprocess\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000) # sleeper'], start_new_session=True)"
    assert run(external_job(tmp_path, source(before=before)), tmp_path).ok
    assert not gone(tmp_path)


@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_a_test_process_that_is_killed_leaves_nothing(tmp_path, isolation):
    external_job(tmp_path, source("import time; time.sleep(1000)")).export_job(str(tmp_path / "jobs"))
    program = (
        "from pathlib import Path\n"
        "from fedjob.engines import RunRequest, get\n"
        f"get('local').run(Path('jobs/job'), RunRequest(workspace=Path('ws'), n_clients=2, isolation={isolation!r}))\n"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "MARK": str(tmp_path)}
    )
    try:
        end = time.monotonic() + 30
        while len(list(tmp_path.glob("ws/site-*/simulate_job/app_site-*/seen.json"))) < 2:
            assert time.monotonic() < end
            assert caller.poll() is None
            time.sleep(0.05)
        assert processes(tmp_path)
    finally:
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    assert not gone(tmp_path)


@pytest.mark.parametrize(
    ("component", "change", "message"),
    [
        ("launcher", {"id": "other"}, "launcher_id is 'launcher', and no component has that id"),
        ("pipe", {"id": "other"}, "names the pipe 'pipe', and no component has that id"),
        ("launcher", {"args": {"script": "true", "clean_up_script": "true"}}, "without clean_up_script"),
    ],
    ids=["no launcher", "no pipe", "clean-up"],
)
def test_a_folder_whose_parts_do_not_fit_is_refused(tmp_path, component, change, message):
    job = external_job(tmp_path, source())
    job.export_job(str(tmp_path / "jobs"), release="2.8")
    (file,) = (tmp_path / "jobs").glob("job/*/config/config_fed_client.json")
    config = json.loads(file.read_text())
    next(c for c in config["components"] if c["id"] == component).update(change)
    file.write_text(json.dumps(config))
    result = get("local").run(tmp_path / "jobs" / "job", RunRequest(workspace=tmp_path / "ws", n_clients=2))
    assert result.status == "failed"
    assert message in result.errors[0].message
