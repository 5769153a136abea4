"""Filters, learners, events and configuration."""

from . import covers, started, with_script
from .workflows import sag, sag_parts

DATA, RESULT = "TASK_DATA", "TASK_RESULT"


@covers("filters in every direction, in FLARE's order")
def filters_in_order():
    from filters import Affine

    job = started()
    job.to_server(Affine(2, 1), filter_type=DATA, tasks=["train"])
    job.to_server(Affine(0.5, 3), filter_type=DATA, tasks=["train"])
    job.to_server(Affine(4, -1), filter_type=RESULT, tasks=["train"])
    with_script(job)
    job.to_clients(Affine(0.25, 5), filter_type=DATA, tasks=["train"])
    job.to_clients(Affine(2, -3), filter_type=RESULT, tasks=["train"])
    job.to_clients(Affine(0.5, 7), filter_type=RESULT, tasks=["train"])
    return job


@covers("filters for the default tasks never run")
def filters_by_default():
    from filters import Affine

    job = started()
    job.to_server(Affine(2, 1), filter_type=DATA)
    with_script(job)
    job.to_clients(Affine(2, -3), filter_type=RESULT)
    return job


@covers("DXOFilter of the user's")
def filters_of_dxo():
    from filters import Half

    job = with_script(started())
    job.to_clients(Half(), filter_type=RESULT, tasks=["train"])
    return job


@covers("ExcludeVars and PercentilePrivacy")
def filters_of_flare():
    from nvflare.app_common.filters.exclude_vars import ExcludeVars
    from nvflare.app_common.filters.percentile_privacy import PercentilePrivacy

    job = with_script(started())
    job.to_clients(ExcludeVars(["head.b"]), filter_type=RESULT, tasks=["train"])
    job.to_clients(PercentilePrivacy(percentile=50, gamma=2.0), filter_type=RESULT, tasks=["train"])
    return job


@covers("LearnerExecutor and a Learner")
def learner():
    from learners import AddLearner
    from nvflare.app_common.executors.learner_executor import LearnerExecutor

    job = sag_parts(started(sag()))
    job.to_clients(LearnerExecutor(learner_id="learner"), tasks=["train"])
    job.to_clients(AddLearner(), id="learner")
    return job


@covers("ModelLearnerExecutor and a ModelLearner")
def model_learner():
    from learners import AddModelLearner
    from nvflare.app_common.executors.model_learner_executor import ModelLearnerExecutor

    job = sag_parts(started(sag()))
    job.to_clients(ModelLearnerExecutor(learner_id="learner"), tasks=["train"])
    job.to_clients(AddModelLearner(), id="learner")
    return job


@covers("two workflows, one after the other")
def two_workflows():
    from nvflare.app_common.workflows.cyclic import Cyclic
    from nvflare.app_common.workflows.fedavg import FedAvg

    job = started(FedAvg(num_clients=2, num_rounds=2, task_check_period=0.1))
    job.to_server(Cyclic(num_clients=2, num_rounds=1, task_check_period=0.1))
    return with_script(job)


@covers("an event handler that raises harms nobody")
def handler_raises():
    from probe import Raises

    job = started()
    job.to_server(Raises("_before_aggregation"))
    with_script(job)
    job.to_clients(Raises("_start_run"))
    job.to_clients(Raises("_before_task_execution"))
    return job
