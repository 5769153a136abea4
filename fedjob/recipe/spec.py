"""Recipe: a FedJob that is described by its parameters, and what can be added to it.

Names and signatures are those of FLARE's ``nvflare.recipe.spec``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fedjob.errors import JobError, JobTypeError
from fedjob.flare import names, paths
from fedjob.flare.releases import R28, R29, Release
from fedjob.job import run
from fedjob.job.api import FedJob
from fedjob.job.defs import ALL_SITES, SERVER, FilterType
from fedjob.job.patterns import add_component
from fedjob.job.plan import Operation, Plan
from fedjob.recipe.checks import since
from fedjob.recipe.environment import ExecEnv
from fedjob.recipe.execution import Run

__all__ = ["ExecEnv", "Recipe"]


class Recipe:
    """A job that `job` implements. Subclasses build a FedJob from their parameters and hand it to this constructor.

    Whatever takes a FedJob takes a recipe. Client apps are made when they are first needed, so that
    `set_per_site_config` can come before. Raises JobError and its kin.
    """

    def __init__(self, job: FedJob) -> None:
        if not isinstance(job, FedJob):
            raise JobTypeError(f"a recipe is implemented by a FedJob, but got {type(job).__name__}")
        self._job = job
        self.name = job.name
        self._configured_sites: list[str] = []
        self._prepared = False
        self._streams_tensors = False
        self._lasting = ExitStack()  # of a job that was handed over
        if SERVER in job.apps:
            job.apps[SERVER].record(self._require_release)

    @property
    def job(self) -> FedJob:
        """The job that implements the recipe, under its name of FLARE 2.7 and 2.8."""
        return self._job

    def as_job(self) -> FedJob:
        """The job as it is exported and run, client apps included."""
        self._validate_before_use()
        self._ensure_client_apps_prepared()
        self.finalize()
        return self._job

    # For subclasses.

    def process_env(self, env: ExecEnv) -> None:
        """For subclasses: called before the job goes to `env`."""

    def finalize(self) -> None:
        """For subclasses: called before the job is exported or run."""

    def _validate_before_use(self) -> None:
        """For subclasses: refuse what cannot be exported or run."""

    def _apply_per_site_config(self, config: dict[str, dict[str, Any]]) -> None:
        """For subclasses: check and keep what differs by site."""

    def _prepare_client_apps(self) -> None:
        """For subclasses: send executors to the clients."""

    def _ensure_client_apps_prepared(self) -> None:
        if not self._prepared:
            self._prepare_client_apps()
            self._prepared = True

    # What a user adds.

    def set_per_site_config(self, config: dict[str, dict[str, Any]]) -> None:
        """Let parameters differ by site, once, before anything is added for clients."""
        _check_per_site(config)
        if self._configured_sites:
            raise JobError("per-site config has already been applied to this recipe")
        if self._prepared:
            raise JobError(
                "per-site config comes right after the recipe, before anything is added for its clients"
            )
        kept = {site: dict(values) for site, values in config.items()}
        self._apply_per_site_config(kept)
        self._configured_sites = list(kept)

    def configured_sites(self) -> list[str]:
        """The sites of `set_per_site_config`, in its order."""
        return list(self._configured_sites)

    def add_client_input_filter(
        self, filter: Any, tasks: list[str] | None = None, clients: list[str] | None = None
    ) -> None:
        """Filter the data of tasks as they arrive at `clients` (all by default)."""
        self._add_to_client_apps(filter, clients, filter_type=FilterType.TASK_DATA, tasks=tasks)

    def add_client_output_filter(
        self, filter: Any, tasks: list[str] | None = None, clients: list[str] | None = None
    ) -> None:
        """Filter the results of tasks as they leave `clients` (all by default)."""
        self._add_to_client_apps(filter, clients, filter_type=FilterType.TASK_RESULT, tasks=tasks)

    def add_server_output_filter(self, filter: Any, tasks: list[str] | None = None) -> None:
        """Filter the data of tasks as they leave the server."""
        self._job.to_server(filter, filter_type=FilterType.TASK_DATA, tasks=tasks)

    def add_server_input_filter(self, filter: Any, tasks: list[str] | None = None) -> None:
        """Filter the results of tasks as they arrive at the server."""
        self._job.to_server(filter, filter_type=FilterType.TASK_RESULT, tasks=tasks)

    def add_client_config(self, config: dict[str, Any], clients: list[str] | None = None) -> None:
        """Add top-level parameters to ``config_fed_client.json``."""
        _require(dict, "config", config)
        self._add_to_client_apps(config, clients)

    def add_client_file(self, file_path: str, clients: list[str] | None = None) -> None:
        """Let a file or a directory travel to `clients` (all by default)."""
        _require(str, "file_path", file_path)
        self._add_to_client_apps(file_path, clients)

    def add_server_config(self, config: dict[str, Any]) -> None:
        """Add top-level parameters to ``config_fed_server.json``."""
        _require(dict, "config", config)
        self._job.to_server(config)

    def add_server_file(self, file_path: str) -> None:
        """Let a file or a directory travel to the server."""
        _require(str, "file_path", file_path)
        self._job.to_server(file_path)

    def enable_log_streaming(self, *file_names: str) -> None:
        """Let each client's log files (``log.json`` by default) go to the server while the job runs (FLARE >= 2.8)."""
        since(self._job, R28, "log streaming", used=True)
        targets = self._client_targets(None)
        for name in file_names or ("log.json",):
            for target in targets:
                add_component(self._job, target, "component", paths.LOG_STREAMER, {"log_file_name": name})
        add_component(self._job, SERVER, "component", paths.LOG_RECEIVER, {})

    def enable_tensor_streaming(
        self,
        format: str = "pytorch",
        tasks: list[str] | None = None,
        tensor_send_timeout: float = 30.0,
        wait_send_task_data_all_clients_timeout: float = 300.0,
    ) -> None:
        """Let the tensors of `tasks` (``["train"]`` by default) travel beside them (FLARE >= 2.9), once. Times are in seconds."""
        if self._streams_tensors:
            raise JobError(f"recipe {self.name!r} streams its tensors already")
        if tasks is not None:
            _require(list, "tasks", tasks)
            for task in tasks:
                _require(str, "a task's name", task)
        if tasks == []:
            raise JobError("tasks must not be empty: leave it out for 'train'")
        expected = getattr(self, "server_expected_format", None)
        if expected is not None and format != expected:
            raise JobError(
                f"tensors cannot be streamed as {format!r}: the server expects {str(getattr(expected, 'value', expected))!r}"
            )
        since(self._job, R29, "enable_tensor_streaming", used=True)
        args = {"format": format, "tasks": tasks, "tensor_send_timeout": tensor_send_timeout}
        for target in self._client_targets(None):
            add_component(self._job, target, "tensor_client_streamer", paths.TENSOR_CLIENT, args)
        args = {**args, "wait_send_task_data_all_clients_timeout": wait_send_task_data_all_clients_timeout}
        add_component(self._job, SERVER, "tensor_server_streamer", paths.TENSOR_SERVER, args)
        self._streams_tensors = True

    def add_decomposers(self, decomposers: list[Any]) -> None:
        """Register decomposers, given as class paths or as objects, at the server and the clients."""
        found = [d if isinstance(d, str) else _class_path(d) for d in decomposers]
        for target in (SERVER, *self._client_targets(None)) if found else ():
            add_component(self._job, target, "decomposer_reg", paths.DECOMPOSERS, {"classes": found})

    def _add_to_client_apps(self, obj: Any, clients: list[str] | None = None, **kwargs: Any) -> None:
        for target in self._client_targets(clients):
            self._job.to(obj, target, **kwargs)

    def _client_targets(self, clients: list[str] | None) -> list[str]:
        """Where something for `clients` goes. Raises JobError for those that have no app of their own."""
        _check_clients(clients)
        self._ensure_client_apps_prepared()
        sites = [target for target in self._job.apps if target not in {SERVER, ALL_SITES}]
        if clients is None:
            return sites or [ALL_SITES]
        if ALL_SITES in self._job.apps:
            raise JobError(
                f"cannot add something for {clients} alone: the recipe has one app for all clients; call "
                "set_per_site_config right after the recipe, or leave clients out"
            )
        if sites and (strange := [client for client in clients if client not in sites]):
            raise JobError(f"unknown clients {strange}: the recipe has apps for {sites}")
        return clients

    # What becomes of the recipe.

    def export(
        self,
        job_dir: str | Path,
        server_exec_params: dict[str, Any] | None = None,
        client_exec_params: dict[str, Any] | None = None,
        env: ExecEnv | None = None,
        *,
        release: Release | str | None = None,
    ) -> None:
        """Write the job to ``job_dir/<name>`` as FLARE `release` does (the newest by default)."""
        job = self.as_job()
        with self._parameters(server_exec_params, client_exec_params):
            if env is not None:
                self.process_env(env)
            job.export_job(job_dir, release)

    def run(
        self,
        env: ExecEnv,
        server_exec_params: dict[str, Any] | None = None,
        client_exec_params: dict[str, Any] | None = None,
    ) -> Run:
        """Run the job in `env`."""
        job = self.as_job()
        with self._parameters(server_exec_params, client_exec_params):
            self.process_env(env)
            return Run(env, env.deploy(job))

    def execute(
        self,
        env: ExecEnv,
        server_exec_params: dict[str, Any] | None = None,
        client_exec_params: dict[str, Any] | None = None,
    ) -> Run:
        """The same as `run`; FLARE's ``--export`` is the command ``fedjob export`` here."""
        return self.run(env, server_exec_params, client_exec_params)

    @contextmanager
    def _parameters(self, server: dict[str, Any] | None, client: dict[str, Any] | None) -> Iterator[None]:
        """Top-level parameters for this export or run: None leaves those there are, {} takes them away.

        A job that is handed over keeps them, for it is exported later.
        """
        given = {SERVER: server} | dict.fromkeys(self._client_targets(None), client)
        with ExitStack() as stack:
            for target, params in given.items():
                if params is not None and target in self._job.apps:
                    stack.enter_context(self._job.apps[target].temporarily(_taking(params)))
            yield
            if run.is_handing_over():
                self._lasting = stack.pop_all()

    def _require_release(self, plan: Plan) -> None:
        """Raise ReleaseError when FLARE's release has no such recipe."""
        known = next((cls for cls in type(self).__mro__ if names.flare_name(cls)), Recipe)
        if not plan.live:
            names.path_of(known, plan.release)


def _taking(params: dict[str, Any]) -> Operation[None]:
    return lambda plan: plan.add_params(params) if params else plan.params.clear()


def _require(kind: type, name: str, value: Any) -> None:
    if not isinstance(value, kind):
        raise JobTypeError(f"{name} must be a {kind.__name__}, but got {type(value).__name__}")


def _check_per_site(config: Any) -> None:
    _require(dict, "per-site config", config)
    if not config:
        raise JobError(
            "per-site config must not be empty: leave it out for the same configuration everywhere"
        )
    for site, values in config.items():
        _require(str, "a site's name in per-site config", site)
        _require(dict, f"per-site config for site {site!r}", values)


def _check_clients(clients: Any) -> None:
    if clients is None:
        return
    _require(list, "clients", clients)
    if not clients:
        raise JobError("clients must not be empty: leave it out for all clients")
    for client in clients:
        if not isinstance(client, str) or client in {ALL_SITES, SERVER}:
            raise JobError(f"invalid client name {client!r}: give the names of sites")


def _class_path(obj: Any) -> str:
    cls = type(obj)
    return names.flare_name(cls) or f"{cls.__module__}.{cls.__qualname__}"
