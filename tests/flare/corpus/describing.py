# ruff: noqa: I001  # imports stand as users write them
"""The FedJob API: targets, ids, filters, references, parameters."""

from corpus import covers


@covers("the documentation's example, verbatim")
def documentation_example():
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
    job.to_clients(ScriptRunner(script="src/train.py", script_args="--batch_size 32"))
    return job


def started(name="job", **kwargs):
    from nvflare import FedJob
    from nvflare.app_common.workflows.fedavg import FedAvg

    job = FedJob(name=name, **kwargs)
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    return job


@covers("apps by site name, in the order of first use")
def sites_by_name():
    from nvflare.job_config.script_runner import FrameworkType, ScriptRunner

    job = started(min_clients=2)
    for site in ("site-0", "hospital_b", "site-0"):
        if site not in job.clients:
            job.to(ScriptRunner(script="train_flat.py", framework=FrameworkType.NUMPY), site)
    job.to("run.sh", "site-9")
    return job


@covers("min_clients and mandatory_clients in meta.json")
def mandatory_clients():
    job = started(min_clients=3, mandatory_clients=["site-1", "site-2"])
    job.to_clients("run.sh")
    return job


@covers("meta_props merged into meta.json, overriding what is there", since="2.7")
def meta_props():
    job = started(
        meta_props={"launcher_spec": {"site-1": {"docker": {"image": "x"}}}, "min_clients": 7, "tags": ["a"]}
    )
    job.to_clients("run.sh")
    return job


@covers("resource_spec by site")
def resource_spec():
    job = started()
    job.to("run.sh", "site-1")
    job.job.add_resource_spec("site-1", {"num_of_gpus": 1, "mem_per_gpu_in_GiB": 4})
    return job


@covers("fail_fast", since="2.9")
def fail_fast():
    job = started(fail_fast=True)
    job.to_clients("run.sh")
    return job


@covers("top-level parameters by dict, merged, on both sides", since="2.7")
def parameters_by_dict():
    job = started()
    job.to_server({"task_check_timeout": 3, "server": {"task_request_interval": 0.5}})
    job.to_server({"task_check_timeout": 4})
    job.to_clients({"poll": [1, 2], "é": "ü"})
    return job


@covers("ids count up: component, component1, x9, x10, a1b1, a2b2")
def counting_ids():
    from pkg.components import Plain

    job = started()
    for wanted in (None, None, None, "x9", "x9", "a1b1", "a1b1", "controller", "plain", "plain", "plain"):
        job.to_server(Plain(), id=wanted)
    return job


@covers("the same object sent twice, and to several targets")
def same_object():
    from pkg.components import Plain

    job = started()
    shared = Plain(count=1)
    assert job.to_server(shared, id="shared") == job.to_server(shared, id="other")
    job.to(shared, "site-1")
    job.to(shared, "site-2", id="again")
    return job


@covers("several workflows, ids shared with components")
def several_workflows():
    from nvflare.app_common.workflows.cross_site_model_eval import CrossSiteModelEval
    from nvflare.app_common.workflows.cyclic import Cyclic

    job = started()
    job.to_server(CrossSiteModelEval(model_locator_id="locator", submit_model_timeout=30))
    job.to_server(Cyclic(num_clients=3, num_rounds=1), id="cyclic")
    job.to_server(Cyclic(), id="cyclic")
    job.to_clients("run.sh")
    return job


@covers("a controller at a client is a component, run by ClientControllerExecutor")
def client_controller():
    from nvflare.app_common.ccwf.client_controller_executor import ClientControllerExecutor
    from nvflare.app_common.workflows.cyclic import Cyclic

    job = started()
    job.to(Cyclic(num_rounds=1), "site-1", id="cyclic")
    job.to(
        ClientControllerExecutor(controller_id_list=["cyclic"], persistor_id=""), "site-1", tasks=["cyclic_*"]
    )
    return job


@covers("references by as_id, nested", since="2.5")
def references():
    from pkg.components import Referrer

    job = started()
    inner = job.as_id(Referrer("end"))
    middle = job.as_id(Referrer(inner))
    job.to_server(Referrer(middle), id="outer")
    job.to_clients(Referrer(job.as_id(Referrer("there"))), id="client_outer")
    return job


@covers("executors for different tasks")
def executors_by_tasks():
    from nvflare.app_common.np.np_trainer import NPTrainer
    from nvflare.app_common.np.np_validator import NPValidator
    from pkg.components import MyExecutor

    job = started()
    job.to_clients(NPTrainer(delta=2, sleep_time=0.5), tasks=["train", "submit_model"])
    job.to_clients(NPValidator(), tasks=["validate"])
    job.to_clients(MyExecutor(lr=0.2))
    return job


@covers("one executor object for two sets of tasks")
def executor_twice():
    from pkg.components import MyExecutor

    job = started()
    executor = MyExecutor()
    job.to_clients(executor, tasks=["train"])
    job.to_clients(executor, tasks=["validate", "submit_model"])
    return job


@covers("a filter in each direction, on both sides")
def filters():
    from nvflare import FilterType
    from nvflare.app_common.filters.percentile_privacy import PercentilePrivacy
    from pkg.components import MyFilter

    job = started()
    job.to_server(MyFilter(), filter_type=FilterType.TASK_DATA)
    job.to_server(MyFilter(2.0), filter_type=FilterType.TASK_RESULT, tasks=["train"])
    job.to_clients(PercentilePrivacy(percentile=20), filter_type=FilterType.TASK_RESULT, tasks=["train"])
    job.to_clients(MyFilter(0), filter_type="TASK_DATA")
    return job


@covers("filters for the same tasks form one chain", since="2.6")
def filter_chains():
    from nvflare import FilterType
    from nvflare.app_common.filters.svt_privacy import SVTPrivacy
    from pkg.components import MyFilter

    job = started()
    job.to_clients(MyFilter(1), filter_type=FilterType.TASK_RESULT, tasks=["train"])
    job.to_clients(SVTPrivacy(fraction=0.2), filter_type=FilterType.TASK_RESULT, tasks=["train"])
    job.to_clients(MyFilter(3), filter_type=FilterType.TASK_RESULT, tasks=["validate"])
    job.to_clients(MyFilter(4), filter_type=FilterType.TASK_RESULT)
    return job


@covers("add_to_fed_job on a user's object: ids returned, arguments checked, resources added")
def adds_itself():
    from pkg.components import AddsItself

    job = started()
    ids = job.to_server(AddsItself("y"), extra=5)
    assert ids == {"first": "itself", "second": "itself1"}, ids
    job.to_clients("run.sh")
    return job


@covers("a subclass with set_up_client")
def subclass():
    from pkg.components import Plain

    from nvflare import FedJob
    from nvflare.app_common.workflows.fedavg import FedAvg

    class MyJob(FedJob):
        def __init__(self):
            super().__init__(name="mine", min_clients=2)
            self.to_server(FedAvg(num_clients=2, num_rounds=1))

        def set_up_client(self, target):
            self.to(Plain(tags=[target]), target, id="set_up")

    job = MyJob()
    job.to("run.sh", "site-1")
    job.to(Plain(), "site-2", id="set_up")
    return job


@covers("an app with its own target type")
def target_type():
    from pkg.components import OnlyClients

    job = started()
    job.to_clients(OnlyClients(), id="only")
    return job


@covers("objects for one site beside objects for all: left out")
def dropped_site():
    from pkg.components import Plain

    job = started()
    job.to_clients("run.sh")
    job.to(Plain(), "site-1")
    return job


@covers("no server components beside clients: refused", since="9")
def missing_server():
    from nvflare import FedJob

    job = FedJob(name="job")
    job.to_clients("run.sh")
    return job


@covers("a job exported twice, with an object added in between")
def exported_twice():
    import tempfile

    from pkg.components import Plain

    job = started()
    job.to_clients("run.sh")
    with tempfile.TemporaryDirectory() as root:
        job.export_job(root)
    job.to_server(Plain(), id="later")
    return job


@covers("wrong kinds of objects: refused", since="9")
def executor_to_server():
    from pkg.components import MyExecutor

    job = started()
    job.to_server(MyExecutor())
    return job


@covers("a controller for all clients: refused", since="9")
def controller_to_clients():
    from nvflare.app_common.workflows.cyclic import Cyclic

    job = started()
    job.to_clients(Cyclic())
    return job


@covers("overlapping executors: refused", since="9")
def overlapping_executors():
    from pkg.components import MyExecutor

    job = started()
    job.to_clients(MyExecutor())
    job.to_clients(MyExecutor())
    return job


@covers("overlapping filters: refused", since="9")
def overlapping_filters():
    from pkg.components import MyFilter

    job = started()
    job.to_clients(MyFilter(), filter_type="TASK_DATA", tasks=["train", "validate"])
    job.to_clients(MyFilter(), filter_type="TASK_DATA", tasks=["train"])
    return job


@covers("a filter without a type: refused", since="9")
def filter_without_type():
    from pkg.components import MyFilter

    job = started()
    job.to_clients(MyFilter())
    return job


@covers(
    "the developer's calls: add_component, add_executor, add_filter, add_controller, add_file_source, add_params",
    since="2.7",
)
def developer_calls():
    from nvflare import FilterType
    from nvflare.app_common.workflows.cyclic import Cyclic
    from pkg.components import MyExecutor, MyFilter, Plain

    class Everything:
        def add_to_fed_job(self, job, ctx, **kwargs):
            job.check_kwargs(args_to_check=kwargs, args_expected={})
            first = job.add_component("mine", Plain(1), ctx)
            job.add_component("", Plain(first), ctx)
            if ctx.target == "server":
                job.add_controller(Cyclic(num_rounds=1), ctx)
            else:
                job.add_executor(MyExecutor(), ["train"], ctx)
            job.add_filter(MyFilter(3), FilterType.TASK_DATA, ["train"], ctx)
            job.add_filter(MyFilter(4), FilterType.TASK_RESULT, ["train"], ctx)
            job.add_resources(["run.sh", "assets"], ctx)
            job.add_file_source("assets/data.txt", "x", "config", ctx)
            job.add_params({"a": {"b": 1}}, ctx)
            return first

    job = started()
    assert job.to_server(Everything(), id="given") == "mine"
    assert job.to_clients(Everything()) == "mine"
    return job


@covers("a filter type that is none: refused", since="9")
def filter_of_no_type():
    from pkg.components import MyFilter

    job = started()
    job.to_clients(MyFilter(), filter_type="SIDEWAYS")
    return job


@covers("an empty object, a target that is none, an app: refused", since="9")
def empty_object():
    job = started()
    job.to_server({})
    return job


@covers("a target with special characters: refused", since="9")
def bad_target():
    job = started()
    job.to("run.sh", "a/b")
    return job


@covers("an object for the other side: refused", since="9")
def wrong_side():
    from pkg.components import OnlyClients

    job = started()
    job.to_server(OnlyClients())
    return job


@covers("a second resource_spec for a site: refused", since="9")
def resource_spec_twice():
    job = started()
    job.job.add_resource_spec("site-1", {})
    job.job.add_resource_spec("site-1", {})
    return job


@covers("a name in meta_props: refused", since="9")
def reserved_meta_props():
    return started(meta_props={"name": "other"})


@covers("peers, and a network of dataclasses whose __dict__ is plain", since="2.6")
def peers():
    from nvflare import FedJob
    from nvflare.app_opt.p2p.controllers import DistOptController
    from nvflare.app_opt.p2p.executors import ConsensusExecutor
    from nvflare.app_opt.p2p.types import Config, Neighbor, Network, Node

    job = FedJob(name="peers")
    nodes = [Node(id="site-1", neighbors=[Neighbor("site-2", 0.25)]), {"id": "site-2", "neighbors": []}]
    job.to_server(DistOptController(config=Config(network=Network(nodes), extra={"iterations": 3})))
    job.to_server(DistOptController(Config({"nodes": nodes[:1]}), task_check_period=0.5), id="again")
    job.to(ConsensusExecutor(7), "site-1")
    job.to(ConsensusExecutor(initial_value=0), "site-2", tasks=["config", "run_algorithm"])
    return job
