"""Real FLARE's simulator runs what we export, to the end: the documentation's example with a script that trains."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from fedjob.engines import RunRequest, get
from fedjob.job import foreign, load_script

pytestmark = [pytest.mark.flare, pytest.mark.torch]

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
"""

SCRIPT = """
import argparse

import nvflare.client as flare
from net import Net

parser = argparse.ArgumentParser()
parser.add_argument("--batch_size", type=int)
assert parser.parse_args().batch_size == 32
flare.init()
net = Net()
while flare.is_running():
    received = flare.receive()
    net.load_state_dict(received.params)
    params = {name: value + 1 for name, value in net.state_dict().items()}
    flare.send(flare.FLModel(params=params, metrics={"accuracy": 0.5 + received.current_round / 10}))
"""

JOB = """
from src.net import Net
from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.app_opt.pt.job_config.model import PTModel
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import ScriptRunner

job = FedJob(name="cifar10_fedavg")
job.to_server(FedAvg(num_clients=2, num_rounds=2))
job.to_server(PTModel(Net()))
job.to_server(IntimeModelSelector(key_metric="accuracy"))
job.to_clients(ScriptRunner(script="src/cifar10_fl.py", script_args="--batch_size 32"))
job.export_job("job_config")
job.simulator_run("workdir", n_clients=2)
"""


def test_the_simulator_runs_the_documentations_example(tmp_path):
    try:
        if not version("nvflare").startswith("2.9"):
            pytest.skip("the newest nvflare is not installed here")
    except PackageNotFoundError:
        pytest.skip("nvflare is not installed here")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "net.py").write_text(NET)
    (tmp_path / "src" / "cifar10_fl.py").write_text(SCRIPT)
    (tmp_path / "job.py").write_text(JOB)
    job = load_script(tmp_path / "job.py", shim="always")
    folder = foreign.export(job, tmp_path / "out")
    result = get("simulator").run(
        folder, RunRequest(workspace=tmp_path / "ws", clients=("site-1", "site-2"), timeout=120)
    )
    assert result.ok, result
    assert result.metric("accuracy").last == pytest.approx(0.6)
