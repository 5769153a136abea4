"""Jobs that FLARE's simulator and our engine must both run to the same end, written against ``nvflare``'s names.

Every function describes one job with the classes and scripts of the folder ``user`` beside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JOBS = {}


@dataclass(frozen=True)
class Entry:
    covers: str  #: what the job shows, for the table in the documentation
    build: Callable[[], Any]  #: describes the job, in the user's directory
    sites: int = 2
    needs: str = ""  #: a package without which the job cannot run
    anyone: bool = False  #: FLARE picks sites by an unseeded shuffle: only how many answered is compared
    green: bool = False  #: FLARE ends well though nothing was done; our run fails, on purpose
    unheard: bool = False  #: FLARE fires no event for what the sites send, so its rounds are not known
    cause: str = ""  #: what our result must name as the reason of a failure
    rtol: float = 0.0  #: FLARE adds up in the order of arrival; 0 where all sums are exact


def covers(text, **limits):
    def register(build):
        assert build.__name__ not in JOBS
        JOBS[build.__name__] = Entry(text, build, **limits)
        return build

    return register


def started(workflow=None, *, probe=True, keep=True, selector=True, name="parity", **kwargs):
    """A job with a workflow and the usual parts at the server; the sites are still to be filled.

    `probe` writes down the events, which only makes sense where FLARE fires them in one order: not where
    several tasks are open at a time.
    """
    from keep import Keep
    from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
    from nvflare.app_common.widgets.metrics_artifact_writer import MetricsArtifactWriter
    from nvflare.app_common.workflows.fedavg import FedAvg
    from nvflare.job_config.api import FedJob
    from probe import Events

    job = FedJob(name=name, **kwargs)
    job.to_server(workflow or FedAvg(num_clients=2, num_rounds=3, task_check_period=0.1))
    if keep:
        job.to_server(Keep(), id="persistor")
    if selector:
        job.to_server(IntimeModelSelector(key_metric="accuracy"))
    job.to_server(MetricsArtifactWriter())
    if probe:
        job.to_server(Events())
    job.to_server({"server": {"task_request_interval": 0.2}})
    return job


def script(path="train.py", args="", framework="numpy", **kwargs):
    from nvflare.job_config.script_runner import ScriptRunner

    return ScriptRunner(script=path, script_args=args, framework=framework, **kwargs)


def with_script(job, path="train.py", args="", **kwargs):
    job.to_clients(script(path, args, **kwargs))
    return job


from . import ccwf, failures, fedavg, p2p, parts, recipes, streaming, workflows  # noqa: E402, F401
