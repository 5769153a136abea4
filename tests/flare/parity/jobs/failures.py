"""How runs fail."""

from . import covers, script, started, with_script
from .fedavg import fedavg
from .workflows import sag, sag_parts


@covers("a script that raises in round 1 at one site ends FedAvg", cause="no such patient")
def script_raises():
    return with_script(started(), "fail.py", "raise site-2 1")


@covers("a script that raises before it receives", cause="no such patient")
def script_raises_at_once():
    return with_script(started(), "fail.py", "raise site-2 -1")


@covers("a script that imports what is not there", cause="no_such_module_anywhere")
def script_import():
    return with_script(started(), "fail.py", "import site-2 -1")


@covers("a script that calls sys.exit", cause="exit")
def script_exit():
    return with_script(started(), "fail.py", "exit site-2 1")


@covers("a script that returns early", cause="site-2")
def script_returns():
    return with_script(started(), "fail.py", "return site-2 1")


@covers("FedAvg with ignore_result_error goes on without the site that failed")
def script_raises_ignored():
    return with_script(started(fedavg(ignore_result_error=True)), "fail.py", "raise site-2 1")


@covers("an external script that raises", cause="no such patient")
def external_raises():
    job = started(fedavg(num_rounds=2))
    job.to_clients(script("fail.py", "raise site-2 1", launch_external_process=True))
    return job


def with_wrong(how, workflow=None, **kwargs):
    from executors import Wrong

    job = sag_parts(started(workflow or sag(min_clients=1, wait_time_after_min_received=20)))
    job.to_clients(Wrong(how, **kwargs), tasks=["train"])
    return job


@covers("ScatterAndGather with min_clients=1 goes on without the site that failed")
def sag_goes_on():
    return with_wrong("value")


@covers("ScatterAndGather that needs both sites ends", cause="a ValueError from the executor")
def sag_ends():
    return with_wrong("value", sag())


@covers("RuntimeError in an executor")
def executor_runtime_error():
    return with_wrong("runtime")


@covers("an executor that returns no Shareable")
def executor_none():
    return with_wrong("none")


@covers("an executor that answers with a bad return code")
def executor_bad_code():
    return with_wrong("BAD_TASK_DATA")


@covers("TASK_UNKNOWN as an answer ends the job at once", cause="TASK_UNKNOWN")
def executor_task_unknown():
    return with_wrong("TASK_UNKNOWN")


@covers("an executor that panics at its site")
def executor_panics():
    return with_wrong("panic")


@covers("ignore_result_error=False: one bad answer ends the job", cause="a ValueError from the executor")
def sag_strict():
    return with_wrong("value", sag(min_clients=1, wait_time_after_min_received=20, ignore_result_error=False))


@covers("a round that ends by train_timeout; the late result is dropped")
def sag_timeout():
    return with_wrong("late", sag(train_timeout=15, num_rounds=2), at=1)


@covers("no executor for the task", cause="train")
def no_executor():
    from executors import Add

    job = sag_parts(started(sag(min_clients=1)))
    job.to_clients(Add(), tasks=["validate"])
    return job


def with_filter(side, direction, how="raise"):
    from filters import Fails

    job = started(fedavg(num_rounds=2))
    if side == "server":
        job.to_server(Fails(how), filter_type=direction, tasks=["train"])
    with_script(job)
    if side == "client":
        job.to_clients(Fails(how), filter_type=direction, tasks=["train"])
    return job


@covers("a data filter that raises at the sites", cause="the filter raised")
def client_data_filter():
    return with_filter("client", "TASK_DATA")


@covers("a result filter that raises at the sites", cause="the filter raised")
def client_result_filter():
    return with_filter("client", "TASK_RESULT")


@covers("a result filter that returns no Shareable", cause="TASK_RESULT_FILTER_ERROR")
def client_result_filter_type():
    return with_filter("client", "TASK_RESULT", "type")


@covers("a result filter that raises at the server", cause="the filter raised")
def server_result_filter():
    return with_filter("server", "TASK_RESULT")


@covers("a data filter that raises at the server", cause="the filter raised")
def server_data_filter():
    return with_filter("server", "TASK_DATA")


def with_plain(ending):
    from controllers import Plain
    from executors import Echo

    job = started(Plain(ending))
    job.to_clients(Echo(), tasks=["greet", "pick", "carry"])
    return job


@covers("system_panic in a workflow", cause="the workflow panicked")
def workflow_panics():
    return with_plain("panic")


@covers("a workflow that raises", cause="the workflow raised")
def workflow_raises():
    return with_plain("raise")


@covers("a persistor that is not there: an empty model to begin with", needs="torch")
def no_persistor():
    return with_script(started(fedavg(num_rounds=2), keep=False), "fail.py", "none site-9 0")


@covers("a component whose constructor refuses its arguments", cause="no_such")
def bad_arguments():
    job = with_script(started())
    job.to_server({"components": [{"id": "x", "path": "probe.Events", "args": {"no_such": 1}}]})
    return job


@covers("a component of a class that is not there, at the sites", green=True, cause="NoSuch")
def missing_class():
    job = with_script(started())
    job.to_clients({"components": [{"id": "x", "path": "probe.NoSuch", "args": {}}]})
    return job
