"""FedAvg and the Client API."""

from . import covers, script, started, with_script


def fedavg(**kwargs):
    from nvflare.app_common.workflows.fedavg import FedAvg

    return FedAvg(**{"num_clients": 2, "num_rounds": 3, "task_check_period": 0.1, **kwargs})


@covers("FedAvg on numpy: weights 1:3, metrics, best model, metrics artifacts, events")
def fedavg_numpy():
    from probe import Events

    job = with_script(started())
    job.to_clients(Events())
    return job


@covers("FedAvg on PyTorch through PTModel: integer buffers, global and best checkpoint", needs="torch")
def fedavg_torch():
    from net import Net
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started(keep=False)
    job.to_server(PTModel(Net()))
    job.to_clients(script("train_torch.py", framework="pytorch"))
    return job


@covers("FedAvgJob of PyTorch, sites by name", needs="torch")
def fedavg_job():
    from net import Net
    from nvflare.app_opt.pt.job_config.fed_avg import FedAvgJob

    job = FedAvgJob(name="parity", n_clients=2, num_rounds=2, initial_model=Net())
    for site in ("site-1", "site-2"):
        job.to(script("train_torch.py", framework="pytorch"), site)
    return job


@covers("PyTorch tensors from end to end", needs="torch")
def fedavg_tensors():
    from net import Net
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started(keep=False)
    job.to_server(PTModel(Net(), allow_numpy_conversion=False))
    job.to_clients(script("train_torch.py", framework="pytorch", server_expected_format="pytorch"))
    return job


@covers(
    "numpy arrays sent under framework=PYTORCH are dropped on the way and come back with the next model",
    needs="torch",
)
def fedavg_torch_given_numpy():
    from net import Net
    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started(keep=False)
    job.to_server(PTModel(Net()))
    job.to_clients(script("train_torch.py", "--numpy", framework="pytorch"))
    return job


@covers("NPModelPersistor and its default model")
def fedavg_np_persistor():
    from nvflare.app_common.np.np_model_persistor import NPModelPersistor

    job = started(keep=False)
    job.to_server(NPModelPersistor(), id="persistor")
    return with_script(job, args="--scale 0.5")


@covers("NPModelPersistor with a model given as a list")
def fedavg_np_model():
    from nvflare.app_common.np.np_model_persistor import NPModelPersistor

    job = started(keep=False)
    job.to_server(
        NPModelPersistor(model=[[1.0, 2.0], [3.0, 4.0]], model_dir="here", model_name="mine.npy"),
        id="persistor",
    )
    return with_script(job)


@covers("num_clients below the number of sites: sampling", sites=3, anyone=True)
def fedavg_sampling():
    return with_script(started(fedavg(num_clients=2)), "fixed.py", "0.25,0.5,0.75")


@covers("num_clients above the number of sites: all are used")
def fedavg_too_many_clients():
    return with_script(started(fedavg(num_clients=3)))


@covers("three sites, weights 1:3:4", sites=3)
def fedavg_three_sites():
    return with_script(started(fedavg(num_clients=3)))


@covers("no NUM_STEPS_CURRENT_ROUND: equal weights")
def fedavg_equal_weights():
    return with_script(started(), args="--no-steps")


@covers("aggregation_weights by site, exclude_vars by pattern")
def fedavg_weights_and_exclusion():
    return with_script(
        started(fedavg(aggregation_weights={"site-1": 3.0, "site-2": 2.0 / 3.0 * 1.5}, exclude_vars="head"))
    )


@covers("start_round: numbers shift, round 0 alone is skipped by the selector")
def fedavg_start_round():
    return with_script(started(fedavg(start_round=3, num_rounds=2)))


@covers("a site that sends differences")
def fedavg_diff():
    return with_script(started(), args="--kind DIFF")


@covers("TransferType.DIFF: the API makes the difference")
def fedavg_transfer_diff():
    job = started()
    job.to_clients(script(params_transfer_type="DIFF"))
    return job


@covers("a parameter that one site leaves out, metrics that one site leaves out")
def fedavg_gaps():
    return with_script(started(), args="--leave-out head.b --no-metrics-from site-1")


@covers("stop_cond ends the run early; the model is kept when it is better")
def fedavg_stop():
    return with_script(
        started(fedavg(num_rounds=5, stop_cond="accuracy >= 0.5")), "fixed.py", "0.25,0.125,0.5,0.75,1"
    )


@covers("patience ends the run after rounds without a better metric")
def fedavg_patience():
    workflow = fedavg(num_rounds=6, stop_cond="accuracy >= 0.9", patience=2)
    return with_script(started(workflow), "fixed.py", "0.25,0.5,0.25,0.5,0.75,0.75")


@covers("the best model is the one that was measured: the model sent in the round")
def best_model():
    return with_script(started(fedavg(num_rounds=5)), "fixed.py", "0.875,0.25,0.75,0.5,0.75")


@covers("negate_key_metric: smaller is better")
def best_model_by_loss():
    from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector

    job = started(fedavg(num_rounds=4), selector=False)
    job.to_server(IntimeModelSelector(key_metric="accuracy", negate_key_metric=True))
    return with_script(job, "fixed.py", "0.5,0.75,0.25,0.5")


@covers("a selector that weighs by steps and by site")
def best_model_weighted():
    from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector

    job = started(selector=False)
    job.to_server(
        IntimeModelSelector(
            weigh_by_local_iter=True,
            aggregation_weights={"site-1": 3.0},
            key_metric="loss",
            negate_key_metric=True,
        )
    )
    return with_script(job)


@covers("a selector whose metric nobody sends")
def best_model_unknown_metric():
    from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector

    job = started(selector=False)
    job.to_server(IntimeModelSelector(key_metric="f1"))
    return with_script(job)


@covers("an aggregator of the user's")
def fedavg_aggregator():
    from controllers import Sum

    job = started(fedavg(num_rounds=2, aggregator=Sum()))
    return with_script(job)


@covers("fedprox_mu reaches the script")
def fedavg_fedprox():
    return with_script(started(fedavg(num_rounds=2, fedprox_mu=0.5)), "diary.py")


@covers("a task of another name")
def fedavg_task_name():
    return with_script(started(fedavg(num_rounds=2, task_name="learn")))


@covers("all that a script sees through the Client API")
def client_api():
    return with_script(started(fedavg(num_rounds=2)), "diary.py", "--one 'two words' three")


@covers("@flare.train and @flare.evaluate")
def client_api_decorators():
    return with_script(started(fedavg(num_rounds=2)), "decorated.py")


@covers("SummaryWriter, ConvertToFedEvent and a receiver")
def client_api_logs():
    from nvflare.app_common.widgets.convert_to_fed_event import ConvertToFedEvent
    from receiver import JsonReceiver

    job = started()
    job.to_server(JsonReceiver(events=["analytix_log_stats", "fed.analytix_log_stats"]))
    with_script(job, "logs.py")
    job.to_clients(ConvertToFedEvent(events_to_convert=["analytix_log_stats"]))
    return job


@covers("SummaryWriter without ConvertToFedEvent: nothing arrives")
def client_api_logs_lost():
    from receiver import JsonReceiver

    job = started()
    job.to_server(JsonReceiver(events=["fed.analytix_log_stats"]))
    return with_script(job, "logs.py")


@covers("a script in a process of its own, arguments with blanks")
def external_process():
    job = started(fedavg(num_rounds=2))
    job.to_clients(script("external.py", "--a 'b c'", launch_external_process=True))
    return job


@covers("another process for every task")
def external_process_per_task():
    job = started(fedavg(num_rounds=2))
    job.to_clients(script("external.py", launch_external_process=True, launch_once=False))
    return job


@covers("different scripts at different sites")
def apps_by_site():
    job = started()
    job.to(script(args="--scale 2"), "site-1")
    job.to(script("fixed.py", "0.25,0.5,0.75"), "site-2")
    return job
