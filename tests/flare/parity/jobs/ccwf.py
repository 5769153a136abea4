"""Workflows that the sites control among themselves."""

from . import covers


def executor_and_parts():
    from executors import Add
    from keep import Keep
    from nvflare.app_common.aggregators.intime_accumulate_model_aggregator import (
        InTimeAccumulateWeightedAggregator,
    )
    from nvflare.app_common.ccwf.comps.simple_model_shareable_generator import SimpleModelShareableGenerator

    shared = {
        "executor": Add("WEIGHTS"),
        "persistor": Keep(),
        "shareable_generator": SimpleModelShareableGenerator(),
    }
    return shared, InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS")


def ccwf_job(**kwargs):
    from nvflare.app_common.ccwf.ccwf_job import CCWFJob

    return CCWFJob(name="parity", min_clients=2, **kwargs)


@covers("swarm learning")
def swarm():
    from nvflare.app_common.ccwf.ccwf_job import SwarmClientConfig, SwarmServerConfig

    job = ccwf_job()
    shared, aggregator = executor_and_parts()
    job.add_swarm(
        SwarmServerConfig(num_rounds=2, aggr_clients=["site-1"], starting_client="site-1"),
        SwarmClientConfig(
            **shared, aggregator=aggregator, min_responses_required=2, wait_time_after_min_resps_received=0.5
        ),
    )
    return job


@covers("swarm learning, then cross-site evaluation")
def swarm_with_evaluation():
    from nvflare.app_common.ccwf.ccwf_job import CrossSiteEvalConfig, SwarmClientConfig, SwarmServerConfig

    job = ccwf_job()
    shared, aggregator = executor_and_parts()
    job.add_swarm(
        SwarmServerConfig(num_rounds=2, aggr_clients=["site-1"], starting_client="site-1"),
        SwarmClientConfig(
            **shared, aggregator=aggregator, min_responses_required=2, wait_time_after_min_resps_received=0.5
        ),
        CrossSiteEvalConfig(),
    )
    return job


@covers("cyclic learning, controlled by the sites")
def cyclic_by_sites():
    from nvflare.app_common.ccwf.ccwf_job import CyclicClientConfig, CyclicServerConfig

    job = ccwf_job()
    shared, _ = executor_and_parts()
    job.add_cyclic(CyclicServerConfig(num_rounds=2, starting_client="site-2"), CyclicClientConfig(**shared))
    return job


@covers("a training script under swarm learning")
def swarm_of_scripts():
    from nvflare.app_common.ccwf.ccwf_job import SwarmClientConfig, SwarmServerConfig

    from . import script

    job = ccwf_job()
    shared, aggregator = executor_and_parts()
    shared["executor"] = script()
    job.add_swarm(
        SwarmServerConfig(num_rounds=2, aggr_clients=["site-2"], starting_client="site-1"),
        SwarmClientConfig(
            **shared, aggregator=aggregator, min_responses_required=2, wait_time_after_min_resps_received=0.5
        ),
    )
    return job
