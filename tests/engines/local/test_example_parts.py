"""Parts that FLARE's examples use beside the common workflows, in whole runs."""

import socket
import textwrap

import pytest

from fedjob.components.generators.full_model import FullModelShareableGenerator
from fedjob.components.monitoring import JobMetricsCollector, RemoteMetricsReceiver, StatsDReporter
from fedjob.components.np.trainer import NPTrainer
from fedjob.components.np.validator import NPValidator
from fedjob.components.persistors.np import NPModelPersistor
from fedjob.components.widgets.convert_to_fed_event import ConvertToFedEvent
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.components.workflows.splitnn import SplitNNController, SplitNNLearnerExecutor
from fedjob.engines import RunRequest, get
from fedjob.errors import ReleaseError
from fedjob.job import FedJob
from fedjob.job.run import export

LEARNER = """
from nvflare.apis.dxo import DXO, DataKind, from_shareable
from nvflare.apis.shareable import make_reply
from nvflare.app_common.abstract.learner_spec import Learner
from nvflare.app_common.workflows.splitnn_workflow import SplitNNConstants, SplitNNDataKind


class Half(Learner):
    def initialize(self, parts, fl_ctx):
        engine = fl_ctx.get_engine()
        engine.register_aux_message_handler("labels", self.answer)
        self.model = self.asked = 0

    def init_model(self, shareable, fl_ctx, abort_signal):
        self.model = from_shareable(shareable).data["numpy_key"]
        return make_reply("OK")

    def answer(self, topic, request, fl_ctx):
        self.asked += 1
        activations = from_shareable(request).data[SplitNNConstants.DATA]
        return DXO(DataKind.WEIGHTS, {SplitNNConstants.DATA: activations * 2}).to_shareable()

    def train(self, shareable, fl_ctx, abort_signal):
        if fl_ctx.get_identity_name() == "site-1":
            for _ in range(shareable.get_header("num_rounds")):
                sent = DXO(DataKind.WEIGHTS, {SplitNNConstants.DATA: self.model}).to_shareable()
                replies = fl_ctx.get_engine().send_aux_request(
                    targets=["site-2"], topic="labels", request=sent, timeout=SplitNNConstants.TIMEOUT, fl_ctx=fl_ctx
                )
                self.model = from_shareable(replies["site-2"]).data[SplitNNConstants.DATA]
        open(fl_ctx.get_prop("__app_root__") + "/end.txt", "w").write(str(float(self.model.sum())))
        return make_reply("OK")
"""


@pytest.fixture
def repo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_two_sites_learn_halves_of_a_model(repo):
    (repo / "halves.py").write_text(LEARNER)
    job = FedJob(name="job", min_clients=2)
    job.to_server(SplitNNController(num_rounds=3))
    job.to_server(NPModelPersistor(model=[[1, 1]]), id="persistor")
    job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    job.to_clients(SplitNNLearnerExecutor("learner"))
    job.to_clients("halves.py")
    export(job, repo / "jobs")
    client = repo / "jobs" / "job" / "app" / "config" / "config_fed_client.json"
    text = client.read_text().replace(
        '"components": []', '"components": [{"id": "learner", "path": "halves.Half", "args": {}}]'
    )
    client.write_text(text)
    result = get("local").run(
        repo / "jobs" / "job", RunRequest(workspace=repo / "ws", n_clients=2, timeout=60)
    )
    assert result.status == "ok", result.errors
    ends = {path.parts[-4]: path.read_text() for path in (repo / "ws").glob("*/simulate_job/app_*/end.txt")}
    assert ends["site-1"] == "16.0"


def test_what_sites_stream_reaches_the_servers_reporter(repo):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("localhost", 0))
        listener.settimeout(0)
        job = FedJob(name="job", min_clients=2)
        job.to_server(FedAvg(num_clients=2, num_rounds=2))
        job.to_server(NPModelPersistor(), id="persistor")
        job.to_server(RemoteMetricsReceiver(events=["fed.metrics_event"]), id="receiver")
        job.to_server(JobMetricsCollector(tags={"site": "server"}), id="collector")
        job.to_server(StatsDReporter(), id="reporter")
        job.to_clients(NPTrainer())
        job.to_clients(JobMetricsCollector(tags={"site": "any"}, streaming_to_server=True), id="collector")
        job.to_clients(ConvertToFedEvent(events_to_convert=["metrics_event"]), id="converter")
        export(job, repo / "jobs")
        server = repo / "jobs" / "job" / "app" / "config" / "config_fed_server.json"
        reporter = '"path": "nvflare.fuel_opt.statsd.statsd_reporter.StatsDReporter",'
        arguments = f'"args": {{"host": "localhost", "port": {listener.getsockname()[1]}}}'
        before, _, after = server.read_text().partition(reporter)
        server.write_text(f"{before}{reporter} {arguments}{after.partition('{}')[2]}")
        result = get("local").run(
            repo / "jobs" / "job", RunRequest(workspace=repo / "ws", n_clients=2, timeout=60)
        )
        assert result.status == "ok", result.errors
        lines = []
        try:
            while True:
                lines.append(listener.recv(4096).decode())
        except BlockingIOError:
            pass
    rounds = [line for line in lines if line.startswith("_round_started_count") and "server" in line]
    trained = [line for line in lines if line.startswith("_after_task_execution_count") and "any" in line]
    assert (len(rounds), len(trained)) == (2, 4)


def test_a_validator_of_an_older_release_has_its_own_task(repo):
    job = FedJob(name="job", min_clients=1)
    job.to_server(FedAvg(num_clients=1, num_rounds=1))
    job.to_clients(NPValidator(validate_task_name="score"), tasks=["score"])
    export(job, repo / "jobs", "2.6")
    config = (repo / "jobs" / "job" / "app" / "config" / "config_fed_client.json").read_text()
    assert '"validate_task_name": "score"' in config
    with pytest.raises(ReleaseError, match=r"FLARE 2.7 has no argument 'validate_task_name' .*; 2.6 had it"):
        export(job, repo / "jobs", "2.7")
    with pytest.raises(TypeError, match="NPValidator takes no task"):
        NPValidator(task="x")


@pytest.mark.torch
def test_early_stopping_as_it_was_called_up_to_2_6(repo):
    torch = pytest.importorskip("torch")
    from fedjob.components.workflows.pt_fedavg import PTFedAvgEarlyStopping
    from fedjob.job import ScriptRunner

    (repo / "net.py").write_text(
        "import torch\n\nclass Net(torch.nn.Linear):\n    def __init__(self):\n        super().__init__(2, 1)\n"
    )
    (repo / "train.py").write_text(
        textwrap.dedent("""
        import nvflare.client as flare
        flare.init()
        while flare.is_running():
            model = flare.receive()
            number = model.current_round
            params = {k: v * 0 + number for k, v in model.params.items()}
            flare.send(flare.FLModel(params=params, metrics={"accuracy": float(number)}))
    """)
    )
    from net import Net

    job = FedJob(name="job", min_clients=2)
    job.to_server(
        PTFedAvgEarlyStopping(num_clients=2, num_rounds=9, stop_cond="accuracy >= 2", initial_model=Net())
    )
    job.to_clients(ScriptRunner("train.py"))
    export(job, repo / "jobs", "2.6")
    result = get("local").run(
        repo / "jobs" / "job", RunRequest(workspace=repo / "ws", n_clients=2, timeout=120)
    )
    assert result.ok, result.problems
    assert [r.number for r in result.rounds] == [0, 1, 2]
    stored = next((repo / "ws").rglob("FL_global_model.pt"))
    # The sites answer in numpy, as in FLARE, and that is what is stored.
    assert torch.load(stored, weights_only=False)["bias"].tolist() == [2.0]
