"""The deployment engine on a real deployment: FLARE's POC mode, a server and two sites in processes of their own."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedjob.engines.local import leash
from fedjob.flare import shim

MISSING = not shim.real_flare()
if MISSING and os.environ.get("CI"):
    raise RuntimeError("nvflare must be installed under CI")
pytestmark = [pytest.mark.flare, pytest.mark.skipif(MISSING, reason="needs FLARE")]

NVFLARE = str(Path(sys.executable).with_name("nvflare"))

TRAIN = """
import nvflare.client as flare

flare.init()
step = 1.0 if flare.get_site_name() == "site-1" else 3.0
while flare.is_running():
    model = flare.receive()
    if {fails} and flare.get_site_name() == "site-2" and model.current_round == 1:
        raise ValueError("no data at this site")
    params = {{name: value + step for name, value in model.params.items()}}
    accuracy = float(model.params["numpy_key"].mean()) / 10
    flare.send(flare.FLModel(params=params, metrics={{"accuracy": accuracy}}, meta={{"NUM_STEPS_CURRENT_ROUND": 1}}))
"""

SUITE = """
import numpy as np
import pytest

from fedjob import FedAvg, FedJob, FrameworkType, NPModelPersistor, ScriptRunner
from fedjob.errors import RunFailed


def job(script):
    job = FedJob(name="deployed", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(ScriptRunner(script=script, framework=FrameworkType.NUMPY))
    return job


def test_trains(fedjob):
    result = fedjob.simulate(job("train.py"))
    fedjob.golden(result)
    start = np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    assert np.array_equal(result.model()["numpy_key"], start + 4)
    assert result.sites == ("site-1", "site-2")


def test_fails(fedjob):
    with pytest.raises(RunFailed, match="site-2.*exception: ValueError: no data at this site") as error:
        fedjob.simulate(job("fails.py"))
    assert 'raise ValueError("no data at this site")' in str(error.value)
    assert len(error.value.result.rounds) == 1
"""


@pytest.fixture
def poc(tmp_path_factory):
    """The environment of a user of a deployment with two sites."""
    home = tmp_path_factory.mktemp("poc")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NVFLARE")},
        "HOME": str(home),
        "NVFLARE_POC_WORKSPACE": str(home / "poc"),
    }
    prepare = [NVFLARE, "poc", "prepare", "--force"]
    subprocess.run([*prepare, "-n", "2"], env=environ, check=True, capture_output=True)
    project = home / "project.yml"
    text, ports = re.subn(
        r"fed_learn_port: \d+", f"fed_learn_port: {free_port()}", (home / "poc/project.yml").read_text()
    )
    assert ports == 1
    project.write_text(text)
    subprocess.run([*prepare, "-i", str(project)], env=environ, check=True, capture_output=True)
    start = f"{NVFLARE} poc start -ex admin@nvidia.com && echo STARTED; sleep 1000"
    ours, theirs = socket.socketpair()
    with theirs, ours:
        output = home / "start.txt"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", leash.__file__, str(theirs.fileno()), "sh", "-c", start],
                env=environ, stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),), start_new_session=True, cwd=home,
            )  # fmt: skip
        theirs.close()
        wait_until(lambda: "STARTED" in output.read_text() or process.poll() is not None, 180)
        assert process.poll() is None, output.read_text()
        yield environ
        ours.close()
        process.wait(60)


def free_port():
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("localhost", 0))
        return sock.getsockname()[1]


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_one_suite_on_our_engine_and_on_a_deployment(poc, tmp_path):
    environ = {**poc, "CI": ""}
    for name, fails in (("train.py", False), ("fails.py", True)):
        (tmp_path / name).write_text(TRAIN.format(fails=fails))
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # The first writes the golden of the metrics, the second is held against it.
    for options in (
        ["--fedjob-engine=local"],
        ["--fedjob-engine=deployment", "--fedjob-golden=check", "-n2"],
    ):
        done = subprocess.run(
            [*command, *options], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 passed" in done.stdout
