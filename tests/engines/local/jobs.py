"""Small jobs for tests of the local engine."""

from pathlib import Path

from fedjob.components.persistors.np import NPModelPersistor
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.engines import RunRequest, get
from fedjob.engines.local.plan import cores
from fedjob.job import FedJob, FrameworkType, ScriptRunner

#: The isolation `shared` as it is where one core falls to a run: the sites have a process together with the server.
ONE_CORE = "shared on one core"
ISOLATIONS = ("process", "shared", ONE_CORE, "inline")


def has_own_server(isolation: str) -> bool:
    """Whether the server has a process to itself."""
    return isolation == "process" or (isolation == "shared" and cores() > 1)


def isolated(request: dict) -> dict:
    """The fields of a request whose isolation may be `ONE_CORE`."""
    if request.get("isolation") == ONE_CORE:
        return {**request, "isolation": "shared", "concurrent_runs": cores()}
    return request


def script_job(
    tmp_path: Path,
    source: str,
    *,
    rounds: int = 3,
    sites: int = 2,
    workflow=None,
    persistor=None,
    executor=None,
) -> FedJob:
    """FedAvg over a numpy array of shape (3, 3), `source` being every site's script; call it from `tmp_path`.

    With an `executor` that does the tasks, and no script.
    """
    script = tmp_path / "src" / "train.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(source)
    job = FedJob(name="job", min_clients=sites)
    job.to_server(workflow or FedAvg(num_clients=sites, num_rounds=rounds))
    job.to_server(persistor or NPModelPersistor(), id="persistor")
    job.to_clients(executor or ScriptRunner(script="src/train.py", framework=FrameworkType.NUMPY))
    return job


def run(job: FedJob, tmp_path: Path, **request):
    """Export the job and run it on the local engine, its scripts' originals in ``src``."""
    job.export_job(str(tmp_path / "jobs"))
    fields = {
        "n_clients": 2,
        "timeout": 30,
        "source_roots": (tmp_path / "src", tmp_path),
        **isolated(request),
    }
    wanted = RunRequest(workspace=tmp_path / "ws", **fields)
    return get("local").run(tmp_path / "jobs" / job.name, wanted)
