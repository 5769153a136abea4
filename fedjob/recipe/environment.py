"""Where a recipe runs: SimEnv is the local engine here; PocEnv and ProdEnv are FLARE itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from fedjob.errors import JobError, JobTypeError, RunError
from fedjob.job import run
from fedjob.job.api import FedJob

__all__ = ["ExecEnv", "PocEnv", "ProdEnv", "SimEnv"]

WORKSPACE_ROOT = "/tmp/nvflare/simulation"  # noqa: S108  # FLARE's, which scripts read results from
ADMIN = "admin@nvidia.com"


class ExecEnv(ABC):
    """FLARE's ``recipe.spec.ExecEnv``; `extra` holds properties of the environment's own."""

    def __init__(self, extra: dict[str, Any] | None = None) -> None:
        if extra is not None and not isinstance(extra, dict):
            raise JobTypeError(f"extra must be a dict, but got {type(extra).__name__}")
        self.extra = {} if extra is None else extra

    def get_extra_prop(self, prop_name: str, default: Any = None) -> Any:
        return self.extra.get(prop_name, default)

    @abstractmethod
    def deploy(self, job: FedJob) -> str:
        """Run or submit `job`; returns its id."""

    @abstractmethod
    def get_job_status(self, job_id: str) -> str | None:
        """The job's status, None where there is none."""

    @abstractmethod
    def abort_job(self, job_id: str) -> None:
        """End a job before its time."""

    @abstractmethod
    def get_job_result(self, job_id: str, timeout: float = 0.0) -> str | None:
        """The workspace with the job's results, None when it has not ended well."""

    def stop(self, clean_up: bool = False) -> None:  # noqa: B027  # most have nothing to stop
        """Stop what the environment has started."""


class SimEnv(ExecEnv):
    """Runs on the local engine, with sites ``site-1`` ... or those named in `clients`.

    Raises JobError when neither is given, or when they contradict each other.
    """

    def __init__(
        self,
        *,
        num_clients: int = 0,
        clients: list[str] | None = None,
        num_threads: int | None = None,
        gpu_config: str | None = None,
        log_config: str | None = None,
        workspace_root: str = WORKSPACE_ROOT,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(extra)
        if not (num_clients > 0 or clients):
            raise JobError("SimEnv has no clients: give num_clients or clients")
        if clients and num_clients > 0 and len(clients) != num_clients:
            raise JobError(
                f"SimEnv: num_clients={num_clients}, but clients names {len(clients)}; give one of them"
            )
        self.num_clients = num_clients if num_clients > 0 else len(clients or ())
        self.clients = clients
        self.num_threads = self.num_clients if num_threads is None else num_threads
        self.gpu_config = gpu_config
        self.log_config = log_config
        self.workspace_root = workspace_root
        self.last_run_failed = False

    def deploy(self, job: FedJob) -> str:
        """Run `job` to its end; returns its name. Raises RunFailed with the result when it did not succeed."""
        self.last_run_failed = True
        status = job.simulator_run(
            workspace=str(Path(self.workspace_root) / job.name),
            n_clients=None if self.clients else self.num_clients,
            clients=self.clients,
            threads=self.num_threads,
            gpu=self.gpu_config,
            log_config=self.log_config,
        )
        self.last_run_failed = status != 0
        if self.last_run_failed:
            raise RunError(
                f"job {job.name!r} failed with status {status}; see its logs in {self.workspace_root}"
            )
        return job.name

    def get_job_status(self, job_id: str) -> str | None:
        """None: a simulation is over when it can be asked."""
        return None

    def abort_job(self, job_id: str) -> None:
        """Nothing: a simulation is over when this can be called."""

    def get_job_result(self, job_id: str, timeout: float = 0.0) -> str | None:
        return str(Path(self.workspace_root) / job_id)


class _FlareEnv(ExecEnv):
    """An environment that only FLARE has. A job is still described, exported and handed over in it."""

    #: As far as the environment says.
    num_clients: int | None = None
    clients: list[str] | None = None

    def deploy(self, job: FedJob) -> str:
        if run.handed_over(job, sites=self.clients or self.num_clients):
            return job.name
        raise RunError(
            f"{type(self).__name__} runs jobs on FLARE itself: install nvflare and run the script with it, or run "
            f"the job on the deployment with engine='deployment'"
        )

    def get_job_status(self, job_id: str) -> str | None:
        return None

    def abort_job(self, job_id: str) -> None:
        """Nothing was submitted."""

    def get_job_result(self, job_id: str, timeout: float = 0.0) -> str | None:
        return None


class PocEnv(_FlareEnv):
    """A proof of concept on this machine, which FLARE starts. Raises JobError for clients that contradict."""

    def __init__(
        self,
        *,
        num_clients: int | None = 2,
        clients: list[str] | None = None,
        gpu_ids: list[int] | None = None,
        use_he: bool = False,
        docker_image: str | None = None,
        project_conf_path: str = "",
        username: str = ADMIN,
        study: str = "default",
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(extra)
        if clients is None and not (num_clients and num_clients > 0):
            raise JobError("PocEnv has no clients: give num_clients or clients")
        if clients is not None and (not clients or (num_clients and num_clients != len(clients))):
            raise JobError(
                f"PocEnv: num_clients={num_clients}, but clients names {len(clients)}; give one of them"
            )
        self.clients = clients
        self.num_clients = len(clients) if clients is not None else num_clients
        self.gpu_ids = gpu_ids or []
        self.use_he = use_he
        self.docker_image = docker_image
        self.project_conf_path = project_conf_path
        self.username = username
        self.study = study


class ProdEnv(_FlareEnv):
    """A provisioned deployment. Raises JobError when the startup kit is not there."""

    def __init__(
        self,
        startup_kit_location: str,
        login_timeout: float = 5.0,
        username: str = ADMIN,
        study: str = "default",
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(extra)
        if not Path(startup_kit_location).exists():
            raise JobError(
                f"there is no startup kit at {startup_kit_location}; give the directory of the admin's kit"
            )
        if login_timeout <= 0:
            raise JobError(f"login_timeout must be a positive number of seconds, but is {login_timeout}")
        self.startup_kit_location = startup_kit_location
        self.login_timeout = login_timeout
        self.username = username
        self.study = study
