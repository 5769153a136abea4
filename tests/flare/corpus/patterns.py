# ruff: noqa: I001  # imports stand as users write them
"""The ready-made jobs."""

from corpus import covers


def runner():
    from nvflare.job_config.script_runner import ScriptRunner

    return ScriptRunner(script="train_flat.py")


@covers("BaseFedJob of PyTorch, all by default")
def base_fed_job():
    from src.net import Net

    from nvflare.app_opt.pt.job_config.base_fed_job import BaseFedJob

    job = BaseFedJob(initial_model=Net(), name="base", min_clients=2, key_metric="loss")
    job.to(runner(), "site-1")
    job.to(runner(), "site-2")
    return job


@covers("BaseFedJob with the user's widgets", since="2.7")
def base_fed_job_parts():
    from nvflare.app_common.widgets.convert_to_fed_event import ConvertToFedEvent
    from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
    from nvflare.app_common.widgets.validation_json_generator import ValidationJsonGenerator
    from nvflare.app_opt.pt.job_config.base_fed_job import BaseFedJob
    from nvflare.app_opt.tracking.tb.tb_receiver import TBAnalyticsReceiver

    job = BaseFedJob(
        name="parts",
        validation_json_generator=ValidationJsonGenerator(results_dir="r"),
        model_selector=IntimeModelSelector(key_metric="f1"),
        convert_to_fed_event=ConvertToFedEvent(events_to_convert=["x"]),
        analytics_receiver=TBAnalyticsReceiver(tb_folder="tb"),
    )
    job.to_clients(runner())
    return job


@covers("BaseFedJob without a framework", since="2.7")
def base_fed_job_plain():
    from nvflare.job_config.base_fed_job import BaseFedJob

    job = BaseFedJob(name="plain", key_metric="")
    job.to_clients(runner())
    return job


@covers("key_metric_mode", since="2.9")
def base_fed_job_min():
    from nvflare.job_config.base_fed_job import BaseFedJob

    job = BaseFedJob(name="least", key_metric="loss", key_metric_mode="min")
    job.to_clients(runner())
    return job


@covers("FedAvgJob of PyTorch")
def fedavg_job():
    from src.net import Net

    from nvflare.app_opt.pt.job_config.fed_avg import FedAvgJob

    job = FedAvgJob(name="fedavg", n_clients=2, num_rounds=3, initial_model=Net())
    for i in range(2):
        job.to(runner(), f"site-{i}")
    return job


@covers("FedAvgJob of TensorFlow", needs="tensorflow")
def fedavg_job_keras():
    from keras_net import Net

    from nvflare.app_opt.tf.job_config.fed_avg import FedAvgJob

    job = FedAvgJob(name="fedavg", n_clients=2, num_rounds=3, initial_model=Net())
    job.to_clients(runner())
    return job


@covers("SAGMLFlowJob")
def sag_mlflow():
    from src.net import Net

    from nvflare.app_opt.pt.job_config.fed_sag_mlflow import SAGMLFlowJob

    job = SAGMLFlowJob(
        name="sag", n_clients=2, num_rounds=3, initial_model=Net(), tracking_uri="http://localhost:1"
    )
    job.to_clients(runner())
    return job


def parts():
    from pkg.components import MyExecutor

    from nvflare.app_common.aggregators.intime_accumulate_model_aggregator import (
        InTimeAccumulateWeightedAggregator,
    )
    from nvflare.app_common.ccwf.comps.simple_model_shareable_generator import SimpleModelShareableGenerator
    from nvflare.app_common.np.np_model_persistor import NPModelPersistor

    return {
        "executor": MyExecutor(),
        "persistor": NPModelPersistor(),
        "shareable_generator": SimpleModelShareableGenerator(),
    }, InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS")


@covers("CCWFJob: swarm learning with cross-site evaluation")
def swarm():
    from nvflare.app_common.ccwf.ccwf_job import (
        CCWFJob,
        CrossSiteEvalConfig,
        SwarmClientConfig,
        SwarmServerConfig,
    )
    from nvflare.app_common.ccwf.comps.simple_intime_model_selector import SimpleIntimeModelSelector

    job = CCWFJob(name="swarm", min_clients=2, external_resources="assets")
    shared, aggregator = parts()
    job.add_swarm(
        SwarmServerConfig(num_rounds=3, start_task_timeout=20),
        SwarmClientConfig(
            **shared,
            aggregator=aggregator,
            model_selector=SimpleIntimeModelSelector(),
            min_responses_required=2,
        ),
        CrossSiteEvalConfig(eval_task_timeout=99),
    )
    return job


@covers("CCWFJob: cyclic learning, own executor tasks")
def cyclic():
    from nvflare.app_common.ccwf.ccwf_job import CCWFJob, CyclicClientConfig, CyclicServerConfig

    job = CCWFJob(name="cyclic", executor_tasks=["train"])
    shared, _ = parts()
    job.add_cyclic(
        CyclicServerConfig(
            num_rounds=3, cyclic_order="random", result_clients=["site-1"], starting_client="site-1"
        ),
        CyclicClientConfig(**shared, learn_task_abort_timeout=9.0),
    )
    return job


@covers("CCWFJob: named clients, cross-site evaluation of them")
def cross_site_eval():
    from nvflare.app_common.ccwf.ccwf_job import (
        CCWFJob,
        CrossSiteEvalConfig,
        CyclicClientConfig,
        CyclicServerConfig,
    )

    job = CCWFJob(name="cse")
    shared, _ = parts()
    job.add_cyclic(CyclicServerConfig(num_rounds=1), CyclicClientConfig(**shared))
    job.add_cross_site_eval(
        CrossSiteEvalConfig(
            participating_clients=["site-1", "site-2"],
            evaluators=["site-1"],
            evaluatees=["site-2"],
            get_model_timeout=3,
        ),
        "persistor",
    )
    return job


@covers("StatsJob", since="2.6")
def stats_job():
    from statistics_of import Generator

    from nvflare.job_config.stats_job import StatsJob

    job = StatsJob("stats", {"count": {}, "mean": {}}, Generator("x.csv"), "out/stats.json", min_count=5)
    job.setup_clients(["site-1", "site-2"])
    return job


@covers("StatsJob as 2.5 spells it", before="2.6")
def stats_job_2_5():
    from statistics_of import Generator

    from nvflare.job_config.stats_job import StatsJob

    job = StatsJob("stats", {"count": {}}, Generator(), "out/stats.json")
    job.setup_client(["site-1"])
    return job


@covers("FlowerJob")
def flower_job():
    from nvflare.app_opt.flower.flower_job import FlowerJob

    return FlowerJob(name="flower", flower_content="flower_app", min_clients=2, extra_env={"A": "b"})


@covers("FlowerJob with run_config", since="2.8")
def flower_job_run_config():
    from nvflare.app_opt.flower.flower_job import FlowerJob

    return FlowerJob(
        name="flower", flower_content="flower_app", run_config={"rounds": 3}, progress_timeout=60.0
    )


@covers("FlowerJob of an app that is at the sites", since="2.9")
def flower_job_predeployed():
    from nvflare.app_opt.flower.flower_job import FlowerJob

    return FlowerJob(name="flower", flower_app_path="local/custom/app")
