"""Workflows other than FedAvg."""

from . import covers, script, started, with_script


@covers("ModelController of the user's: sampling, targets, callbacks, saving")
def model_controller():
    from controllers import Story

    return with_script(started(Story(task_check_period=0.1)))


@covers("BaseFedAvg of the user's, with its own aggregation")
def base_fedavg():
    from controllers import OwnFedAvg

    return with_script(started(OwnFedAvg(num_clients=2, num_rounds=2, task_check_period=0.1)))


@covers("Controller of the user's: broadcast, send, relay, callbacks, cookies, contexts")
def plain_controller():
    from controllers import Plain
    from executors import Echo
    from probe import Events

    job = started(Plain())
    job.to_clients(Echo(), tasks=["greet", "pick", "carry"])
    job.to_clients(Events())
    return job


@covers("executors by exact name and by pattern")
def executor_routing():
    from controllers import Plain
    from executors import Echo, Wrong

    job = started(Plain())
    job.to_clients(Wrong("value", site="site-9"), tasks=["*"])
    job.to_clients(Echo(), tasks=["greet", "pick"])
    job.to_clients(Echo(), tasks=["car*"])
    return job


def sag(**kwargs):
    from nvflare.app_common.workflows.scatter_and_gather import ScatterAndGather

    defaults = {"min_clients": 2, "num_rounds": 3, "persistor_id": "persistor", "task_check_period": 0.1}
    return ScatterAndGather(**{**defaults, "wait_time_after_min_received": 0, **kwargs})


def sag_parts(job, **kwargs):
    from nvflare.app_common.aggregators.intime_accumulate_model_aggregator import (
        InTimeAccumulateWeightedAggregator,
    )
    from nvflare.app_common.shareablegenerators.full_model_shareable_generator import (
        FullModelShareableGenerator,
    )

    job.to_server(InTimeAccumulateWeightedAggregator(**kwargs), id="aggregator")
    job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    return job


@covers("ScatterAndGather with an executor that sends differences")
def scatter_and_gather():
    from executors import Add
    from probe import Events

    job = sag_parts(started(sag()))
    job.to_clients(Add(), tasks=["train"])
    job.to_clients(Events())
    return job


@covers("ScatterAndGather with a script: WEIGHTS must be expected")
def scatter_and_gather_script():
    return with_script(sag_parts(started(sag()), expected_data_kind="WEIGHTS"))


@covers("ScatterAndGather rejects WEIGHTS by default: the model stays as it was")
def scatter_and_gather_rejects():
    return with_script(sag_parts(started(sag(num_rounds=2))))


@covers("ScatterAndGather: excluded variables, weights by site, a start round, sparse saving")
def scatter_and_gather_options():
    from executors import Add

    job = started(sag(start_round=1, num_rounds=3, persist_every_n_rounds=2))
    sag_parts(
        job,
        exclude_vars="head",
        aggregation_weights={"site-1": 3.0, "site-2": 1.0},
        weigh_by_local_iter=False,
    )
    job.to_clients(Add(), tasks=["train"])
    return job


@covers("ScatterAndGather with an aggregator that collects")
def accumulate_collect():
    from executors import Add
    from nvflare.app_common.aggregators.accumulate_model_aggregator import AccumulateWeightedAggregator
    from nvflare.app_common.shareablegenerators.full_model_shareable_generator import (
        FullModelShareableGenerator,
    )

    job = started(sag())
    job.to_server(AccumulateWeightedAggregator(), id="aggregator")
    job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    job.to_clients(Add(), tasks=["train"])
    return job


@covers("Cyclic: the model goes from site to site")
def cyclic():
    from nvflare.app_common.workflows.cyclic import Cyclic

    return with_script(started(Cyclic(num_clients=2, num_rounds=2, task_check_period=0.1)), args="--no-steps")


@covers("CyclicController: relay in the order given", unheard=True)
def cyclic_controller():
    from executors import Add
    from nvflare.app_common.shareablegenerators.full_model_shareable_generator import (
        FullModelShareableGenerator,
    )
    from nvflare.app_common.workflows.cyclic_ctl import CyclicController

    job = started(CyclicController(num_rounds=2, task_check_period=0.1, order=["site-2", "site-1"]))
    job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    job.to_clients(Add("WEIGHTS"), tasks=["train"])
    return job


@covers("cross-site evaluation after ScatterAndGather")
def cross_site_model_eval():
    from executors import Add
    from nvflare.app_common.widgets.validation_json_generator import ValidationJsonGenerator
    from nvflare.app_common.workflows.cross_site_model_eval import CrossSiteModelEval

    job = sag_parts(started(sag(num_rounds=2), probe=False))
    job.to_server(CrossSiteModelEval(task_check_period=0.1))
    job.to_server(ValidationJsonGenerator())
    job.to_clients(Add(), tasks=["train", "validate", "submit_model"])
    return job


@covers("cross-site evaluation of a script, with the server's numpy model")
def cross_site_script():
    from nvflare.app_common.np.np_formatter import NPFormatter
    from nvflare.app_common.np.np_model_locator import NPModelLocator
    from nvflare.app_common.np.np_model_persistor import NPModelPersistor
    from nvflare.app_common.widgets.validation_json_generator import ValidationJsonGenerator
    from nvflare.app_common.workflows.cross_site_model_eval import CrossSiteModelEval

    job = started(keep=False, probe=False)
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_server(NPModelLocator(), id="locator")
    job.to_server(NPFormatter(), id="formatter")
    job.to_server(
        CrossSiteModelEval(model_locator_id="locator", formatter_id="formatter", task_check_period=0.1)
    )
    job.to_server(ValidationJsonGenerator())
    return with_script(job, "three_tasks.py")


@covers("cross-site evaluation of PyTorch's checkpoints at the server", needs="torch")
def cross_site_torch():
    from net import Net
    from nvflare.app_common.widgets.validation_json_generator import ValidationJsonGenerator
    from nvflare.app_common.workflows.cross_site_model_eval import CrossSiteModelEval
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started(keep=False, probe=False)
    ids = job.to_server(PTModel(Net()))
    job.to_server(CrossSiteModelEval(model_locator_id=ids["locator_id"], task_check_period=0.1))
    job.to_server(ValidationJsonGenerator())
    return with_script(job, "three_tasks.py")


@covers("CrossSiteEval, the ModelController", needs="torch")
def cross_site_eval():
    from nvflare.app_common.workflows.cross_site_eval import CrossSiteEval

    job = started(probe=False)
    job.to_server(CrossSiteEval(task_check_period=0.1))
    return with_script(job, "three_tasks.py")


@covers("SCAFFOLD's controls in the model's meta")
def scaffold():
    from nvflare.app_common.workflows.scaffold import Scaffold

    return with_script(started(Scaffold(num_clients=2, num_rounds=3, task_check_period=0.1)), "scaffold.py")


@covers("FedOpt: an optimizer at the server", needs="torch", rtol=1e-6)
def fedopt():
    from net import Net
    from nvflare.app_opt.pt.fedopt_ctl import FedOpt
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started(FedOpt(num_clients=2, num_rounds=3, source_model="net", task_check_period=0.1), keep=False)
    job.to_server(Net(), id="net")
    job.to_server(PTModel(Net()))
    job.to_clients(script("opt.py", framework="pytorch"))
    return job


@covers("BroadcastAndProcess with a processor of the user's")
def broadcast_and_process():
    from executors import Echo
    from nvflare.app_common.workflows.broadcast_and_process import BroadcastAndProcess
    from processors import Trails

    job = started(BroadcastAndProcess(processor=Trails(), task_name="greet"))
    job.to_clients(Echo(), tasks=["greet"])
    return job


@covers("statistics of all sites together", rtol=1e-9)
def statistics():
    from numbers_of import Numbers
    from nvflare.job_config.stats_job import StatsJob

    configs = {
        "count": {}, "sum": {}, "mean": {}, "stddev": {}, "var": {},
        "histogram": {"*": {"bins": 4, "range": [0, 32]}},
    }  # fmt: skip
    job = StatsJob("parity", configs, Numbers(), "statistics/numbers.json", min_count=2)
    job.setup_clients(["site-1", "site-2"])
    return job
