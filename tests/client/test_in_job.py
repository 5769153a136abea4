"""The Client API inside a real run of the local engine."""

import pytest

from fedjob.components.persistors.np import NPModelPersistor
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.engines import RunRequest, get
from fedjob.job import FedJob, FrameworkType, ScriptRunner

SCRIPT = """
import threading

import nvflare.client as flare
from nvflare.client.tracking import MLflowWriter, SummaryWriter, WandBWriter

context = flare.init()
site = flare.get_site_name()
assert flare.system_info() == {{"site_name": site, "job_id": "simulate_job"}}
assert flare.get_config()["TASK_EXCHANGE"]["train_task_name"] == "train"
assert flare.get_task_name() is None
while flare.is_running():
    model = flare.receive()
    assert flare.receive() is model
    assert flare.is_train() and not flare.is_evaluate() and not flare.is_submit_model()
    assert (model.start_round, model.total_rounds, flare.get_task_name()) == (0, 2, "train")
    step = model.current_round
    SummaryWriter().add_scalar("loss", 1.0 / (step + 1), global_step=step)
    SummaryWriter().add_scalar("loss", "not a number", global_step=step)
    MLflowWriter().log_metric("accuracy", 0.5 + step, step=step)
    WandBWriter().log({{"f1": 0.25}}, step=step)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(flare.get_site_name()))
    if {threads}:
        thread.start()
        thread.join()
        assert seen == [site]
    result = flare.FLModel(params={{k: v + 1 for k, v in model.params.items()}}, metrics={{"accuracy": float(step)}})
    flare.send(result)
    assert result.params is None and model.params is None
assert flare.receive() is None
"""


@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_script_sees_flares_values_and_logs_numbers(tmp_path, monkeypatch, isolation):
    monkeypatch.chdir(tmp_path)
    # Only a script that is alone in its process is found from threads of its own.
    (tmp_path / "train.py").write_text(SCRIPT.format(threads=isolation == "process"))
    job = FedJob(name="job", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
    job.export_job(str(tmp_path / "jobs"))
    request = RunRequest(workspace=tmp_path / "ws", n_clients=2, timeout=60, isolation=isolation)
    result = get("local").run(tmp_path / "jobs" / "job", request)
    assert result.ok, result.errors
    assert list(result.metric("accuracy", site="site-1").values) == [0.0, 1.0]
    assert {(s.site, s.name, s.step): s.value for s in result.scalars} == {
        (site, name, step): value
        for site in ("site-1", "site-2")
        for name, values in {"loss": (1.0, 0.5), "accuracy": (0.5, 1.5), "metrics/f1": (0.25, 0.25)}.items()
        for step, value in enumerate(values)
    }
