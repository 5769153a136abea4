import pytest

from fedjob.errors import FedJobError
from fedjob.job import FedJob, PTModel, TFModel
from fedjob.job.base_fed_job import BaseFedJob
from fedjob.job.ccwf_job import SwarmClientConfig
from fedjob.job.flower_job import FlowerJob
from fedjob.job.pt import FedAvgJob
from fedjob.job.tf import FedAvgJob as KerasFedAvgJob
from tests.job.conftest import client, server
from tests.job.parts import Part


def refused(call):
    with pytest.raises(FedJobError) as caught:
        call()
    return str(caught.value)


@pytest.fixture
def net():
    torch = pytest.importorskip("torch", reason="torch is not installed here")

    class Net(torch.nn.Module):
        def __init__(self, hidden=3):
            super().__init__()
            self.hidden = hidden
            self.layer = torch.nn.Linear(hidden, 1)

    return Net(4)


@pytest.mark.torch
def test_a_torch_module(job, net):
    assert job.to_server(PTModel(net)) == {"persistor_id": "persistor", "locator_id": "locator"}
    persistor, locator = server(job).components
    assert persistor.path.endswith("PTFileModelPersistor")
    assert persistor.args["model"]["args"] == {"hidden": 4}
    assert locator.args == {"pt_persistor_id": "persistor"}


def test_a_module_by_path(job):
    job.to_server(PTModel({"path": "net.Net", "args": {"hidden": 2}}))
    assert server(job).components[0].args["model"] == {"path": "net.Net", "args": {"hidden": 2}}
    assert (
        refused(lambda: job.freeze("2.6")) == "PTModel: FLARE 2.6 has no a model as a dict; it came with 2.7"
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda j: PTModel({"args": {}}),
            "a model given as a dict must name its class as 'path', but has ['args']",
        ),
        (
            lambda j: j.to_server(PTModel("net")),
            "PTModel takes a torch.nn.Module or a dict with 'path' and 'args', but got str",
        ),
        (
            lambda j: j.to_server(TFModel()),
            "TFModel takes a tf.keras.Model, a dict with 'path' and 'args', or initial_ckpt, but got NoneType",
        ),
        (lambda j: PTModel({"path": "a.B"}, persistor=3), "persistor must be a ModelPersistor, but got int"),
        (lambda j: PTModel({"path": "a.B"}, locator=3), "locator must be a ModelLocator, but got int"),
        (lambda j: FedAvgJob("net", 2, 1), "initial_model must be a torch.nn.Module, but got str"),
        (lambda j: KerasFedAvgJob("net", 2, 1), "initial_model must be a tf.keras.Model, but got str"),
        (
            lambda j: BaseFedJob(key_metric_mode="up"),
            "key_metric_mode must be 'min' or 'max', but got 'up'",
        ),
        (lambda j: BaseFedJob(model_selector=Part()), "model_selector must be a FLComponent, but got Part"),
        (
            lambda j: SwarmClientConfig(Part(), Part(), Part(), Part()),
            "executor must be a Executor, but got Part",
        ),
        (
            lambda j: FlowerJob("f"),
            "give either flower_content (a directory to travel) or flower_app_path (one at the sites), and not both",
        ),
        (lambda j: FlowerJob("f", "nowhere"), "flower_content nowhere is not a directory"),
        (
            lambda j: FlowerJob("f", flower_app_path="local/custom/../x"),
            "invalid flower_app_path 'local/custom/../x': it must be a path below the workspace's local/custom/",
        ),
    ],
)
def test_wrong_arguments(job, call, expected):
    assert refused(lambda: call(job)) == expected


def test_a_checkpoint_alone(job):
    assert job.to_server(TFModel(initial_ckpt="/m/a.h5")) == "persistor"
    assert server(job).components[0].args == {"source_ckpt_file_full_name": "/m/a.h5"}


def test_events_go_to_the_server_from_every_client():
    job = BaseFedJob("job")
    for site in ("a", "b", "a"):
        job.to(Part(), site)
    for app in job.freeze().apps[1:]:
        first, *others = [c.id for c in app.client.components]
        assert first == "event_to_fed"
        assert "event_to_fed" not in others


@pytest.mark.parametrize(
    ("release", "receives"), [("2.5", True), ("2.6", True), ("2.7", False), ("2.9", False)]
)
def test_tensorboard_receives_until_2_6(release, receives):
    class Mine(FedJob): ...

    from fedjob.job.pt import BaseFedJob as Torch

    assert ("receiver" in [c.id for c in server(Torch(name="t"), release).components]) is receives
    assert "receiver" not in [
        c.id for c in server(Torch(name="t", analytics_receiver=False), release).components
    ]


def test_no_event_conversion():
    job = BaseFedJob("job", convert_to_fed_event=False)
    job.to(Part(), "a")
    assert [c.id for c in client(job).components] == ["component"]
