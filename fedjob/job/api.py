"""FedJob: what goes to the server and to the clients, said in Python.

Names, signatures and results are those of FLARE's ``nvflare.job_config.api``.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedjob.errors import JobError, JobTypeError
from fedjob.flare import paths
from fedjob.flare.releases import Release
from fedjob.folder.model import JobModel
from fedjob.job import run
from fedjob.job.app import ClientApp, FedApp, ServerApp
from fedjob.job.capture import init_parameters, read_back
from fedjob.job.config import FedJobConfig
from fedjob.job.defs import ALL_SITES, SERVER, FilterType, JobTargetType
from fedjob.job.findings import Finding
from fedjob.job.freeze import freeze
from fedjob.job.plan import Plan
from fedjob.job.roles import has_add_to_job_method, plays

__all__ = ["FedJob", "JobCtx", "validate_object_for_job", "validate_target_name"]

SPECIAL_CHARACTERS = '"!@#$%^&*()+?=,<>/'


class JobCtx:
    """Where an object goes; handed to its ``add_to_fed_job`` and passed on to the job's ``add_*``."""

    def __init__(self, obj: Any, target: str, comp_id: str | None) -> None:
        self.obj = obj
        self.target = target
        self.comp_id = comp_id


class FedJob:
    """A federated job. `export_job` writes it as a job folder, `simulator_run` runs it.

    Raises JobError and its kin, which are FLARE's ValueError, TypeError and RuntimeError as well.
    """

    def __init__(
        self,
        name: str = "fed_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        meta_props: dict[str, Any] | None = None,
        fail_fast: bool = False,
    ) -> None:
        if not isinstance(fail_fast, bool):
            raise JobTypeError(f"fail_fast must be a bool, but got {type(fail_fast).__name__}")
        self.job = FedJobConfig(name, min_clients, mandatory_clients, meta_props)
        self.name = name
        self.clients: list[str] = []
        #: A number of sites, or their names: what its script would run it with.
        self.default_sites: int | tuple[str, ...] | None = None
        self._fail_fast = fail_fast
        self._deploy_map: dict[str, FedApp] = {}
        self._components: dict[str, Any] = {}
        self._as_ids = 0
        #: Where the job was described: relative paths, and imports of its code, count from here.
        self.cwd = Path.cwd()

    def set_up_client(self, target: str) -> None:
        """For subclasses: called once for every client target, before its first object."""

    def set_app_packages(self, app_packages: list[str]) -> None:
        """Code of these packages does not travel into ``custom/``."""
        self.job.set_app_packages(app_packages)

    # What a user says.

    def to(self, obj: Any, target: str, id: str | None = None, **kwargs: Any) -> Any:
        """Send `obj` to `target`: ``"server"``, a site's name, or ``"@ALL"``.

        A str is a script or directory to travel, a dict is merged into the app's configuration, an object
        with ``add_to_fed_job(job, ctx, **kwargs)`` adds itself, any other object is a component. Returns what
        ``add_to_fed_job`` returns, else the component's id, None for str and dict.
        """
        if not obj:
            raise JobError(f"cannot add an empty object to job {self.name!r}: {obj!r}")
        if isinstance(obj, FedApp):
            raise JobError(f"cannot add a {type(obj).__name__}: add its objects one by one")
        app = self._app_for(target)
        if isinstance(obj, str):
            (app.add_external_dir if os.path.isdir(obj) else app.add_external_script)(obj)  # noqa: PTH112
            return None
        if isinstance(obj, dict):
            app.add_params(obj)
            return None
        _check_target_type(obj, target)
        if has_add_to_job_method(obj):
            result = obj.add_to_fed_job(self, JobCtx(obj, target, id), **kwargs)
        else:
            result = app.add_component(obj, id)
            app.record(lambda plan: plan.report_ignored(obj, kwargs))
        self._add_referenced(obj, target)
        return result

    def to_server(self, obj: Any, id: str | None = None, **kwargs: Any) -> Any:
        """Send `obj` to the server; see `to`."""
        if plays(obj, paths.EXECUTOR):
            raise JobError(
                f"{type(obj).__name__} is an Executor and cannot go to the server: "
                "use job.to(executor, <client name>) or job.to_clients(executor)"
            )
        return self.to(obj, SERVER, id, **kwargs)

    def to_clients(self, obj: Any, id: str | None = None, **kwargs: Any) -> Any:
        """Send `obj` to all clients; see `to`."""
        if plays(obj, paths.CONTROLLER):
            raise JobError(
                f"{type(obj).__name__} is a Controller and cannot go to all clients: "
                'use job.to(controller, "server") or job.to_server(controller)'
            )
        return self.to(obj, ALL_SITES, id, **kwargs)

    def as_id(self, obj: Any) -> str:
        """An id that stands for `obj`: an object with this id as an argument brings `obj` along as a component.

        FLARE draws the id at random; ours is the same in every run, so that a folder can be pinned.
        """
        self._as_ids += 1
        reference = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.name}/{self._as_ids}"))
        self._components[reference] = obj
        return reference

    def add_file_to(
        self, src_path: str, target: str, dest_dir: str | None = None, app_folder_type: str | None = None
    ) -> None:
        """Let a file or a directory's content travel into ``custom/`` or ``config/``, under `dest_dir`."""
        self._app_for(target, set_up=False).add_file_source(src_path, dest_dir, app_folder_type)

    def add_file_to_server(
        self, src_path: str, dest_dir: str | None = None, app_folder_type: str | None = None
    ) -> None:
        self.add_file_to(src_path, SERVER, dest_dir, app_folder_type)

    def add_file_to_clients(
        self, src_path: str, dest_dir: str | None = None, app_folder_type: str | None = None
    ) -> None:
        self.add_file_to(src_path, ALL_SITES, dest_dir, app_folder_type)

    # What the author of a component says, in add_to_fed_job.

    def add_component(self, comp_id: str | None, obj: Any, ctx: JobCtx) -> str:
        """Add `obj` as a component; returns its final id."""
        final_id = self._app_of(ctx).add_component(obj, comp_id or ctx.comp_id)
        self._add_referenced(obj, ctx.target)
        return final_id

    def add_controller(self, obj: Any, ctx: JobCtx) -> None:
        """Add a workflow to the server; at a client a controller is a component."""
        app = self._app_of(ctx)
        if isinstance(app, ServerApp):
            app.add_controller(obj, ctx.comp_id)
        else:
            app.add_component(obj, ctx.comp_id)

    def add_executor(self, obj: Any, tasks: list[str], ctx: JobCtx) -> None:
        """Add an executor for `tasks` (all, when empty)."""
        app = self._app_of(ctx)
        if not isinstance(app, ClientApp):
            raise JobError(f"{type(obj).__name__} is an Executor and cannot go to the server")
        app.add_executor(obj, tasks)

    def add_filter(self, obj: Any, filter_type: str, tasks: list[str], ctx: JobCtx) -> None:
        """Add a filter on the data or the results of `tasks`."""
        app = self._app_of(ctx)
        if filter_type == FilterType.TASK_RESULT:
            app.add_task_result_filter(tasks, obj)
        elif filter_type == FilterType.TASK_DATA:
            app.add_task_data_filter(tasks, obj)
        else:
            raise JobError(
                f"filter {type(obj).__name__} for {ctx.target!r} has filter_type={filter_type!r}; choose "
                "FilterType.TASK_RESULT or FilterType.TASK_DATA"
            )

    def add_resources(self, resources: list[str], ctx: JobCtx) -> None:
        """Let scripts and directories' contents travel into ``custom/``."""
        self._app_of(ctx).add_resources(resources)

    def add_file_source(
        self, src_path: str, dest_dir: str | None, app_folder_type: str | None, ctx: JobCtx
    ) -> None:
        self._app_of(ctx).add_file_source(src_path, dest_dir, app_folder_type)

    def add_params(self, args: dict[str, Any], ctx: JobCtx) -> None:
        """Merge `args` into the top level of the app's configuration."""
        self._app_of(ctx).add_params(args)

    def record(self, operation: Callable[[Plan], Any], ctx: JobCtx) -> Any:
        """Add what depends on the release: `operation` is carried out again on the plan of each export."""
        return self._app_of(ctx).record(operation)

    @staticmethod
    def check_kwargs(args_to_check: dict[str, Any], args_expected: dict[str, bool]) -> None:
        """Raise JobError when an argument is missing or unexpected; `args_expected` says which are required."""
        if args_to_check and not args_expected:
            raise JobError(f"received args {list(args_to_check)}, but no args expected")
        known = {name: "required" if needed else "optional" for name, needed in args_expected.items()}
        for name, needed in args_expected.items():
            if needed and name not in args_to_check:
                raise JobError(f"missing required arg {name!r}; supported args: {known}")
        for name in args_to_check:
            if name not in args_expected:
                raise JobError(f"received unexpected arg {name!r}; supported args: {known}")

    # What becomes of the job.

    def name_for(self, release: Release) -> str:
        """The name under which `release` exports the job."""
        return self.name

    def freeze(self, release: Release | str | None = None) -> JobModel:
        """The job as data, for one release of FLARE (the newest by default)."""
        return freeze(self, release).model

    def findings(self, release: Release | str | None = None) -> tuple[Finding, ...]:
        """What the export for `release` leaves out or cannot vouch for."""
        return freeze(self, release).findings

    def export_job(self, job_root: str | Path, release: Release | str | None = None) -> None:
        """Write the job to ``job_root/<name>`` as FLARE `release` does (the newest by default)."""
        if not run.handed_over(self):
            run.export(self, Path(job_root), release)

    def simulator_run(
        self,
        workspace: str,
        n_clients: int | None = None,
        clients: list[str] | None = None,
        threads: int | None = None,
        gpu: str | None = None,
        log_config: str | None = None,
    ) -> int:
        """Run the job on the local engine. Returns 0; raises RunFailed when the run did not succeed.

        FLARE's own `simulator_run` returns the status and raises nothing; see `fedjob.job.run.SILENT`.
        """
        if clients:
            self.clients = list(clients)
        if run.handed_over(self, sites=clients or n_clients):
            return 0
        return run.simulate(
            self,
            workspace=Path(workspace),
            n_clients=n_clients,
            threads=threads,
            gpu=gpu,
            log_config=log_config,
        )

    # How it is kept.

    @property
    def apps(self) -> dict[str, FedApp]:
        """The apps by target, in the order of first use."""
        return dict(self._deploy_map)

    def _app_for(self, target: str, *, set_up: bool = True) -> FedApp:
        validate_target_name(target)
        app = self._deploy_map.get(target)
        if app is None:
            app = self._deploy_map[target] = ServerApp(target) if target == SERVER else ClientApp(target)
            if target != SERVER:
                self.clients.append(target)
                if set_up:
                    self.set_up_client(target)
        return app

    def _app_of(self, ctx: JobCtx) -> FedApp:
        app = self._deploy_map.get(ctx.target)
        if app is None:
            raise JobError(f"nothing was sent to {ctx.target!r} yet; add objects with to()")
        return app

    def _add_referenced(self, obj: Any, target: str) -> None:
        """Bring along what `obj` refers to by an id from `as_id`, and what that refers to."""
        for name in init_parameters(type(obj)) if self._components else ():
            reference = read_back(obj, name)
            if isinstance(reference, str) and reference in self._components:
                referenced = self._components[reference]
                self._deploy_map[target].add_component(referenced, reference)
                self._add_referenced(referenced, target)
                self._components.pop(reference, None)


def own_job(thing: Any) -> FedJob | None:
    """The FedJob that `thing` is, or that implements it, if `thing` is a recipe; None for anything else of anybody's."""
    if isinstance(thing, FedJob):
        return thing
    as_job = getattr(type(thing), "as_job", None)
    job = as_job(thing) if as_job else None
    return job if isinstance(job, FedJob) else None


def validate_target_name(target: Any) -> None:
    """Raise JobError unless `target` can name a site: no path, no special character."""
    if not target or not isinstance(target, str):
        raise JobError(f"invalid target {target!r}: give 'server', the name of a site, or '@ALL'")
    if target != ALL_SITES and (bad := [c for c in target if c in SPECIAL_CHARACTERS]):
        raise JobError(f"invalid target {target!r}: a name must not hold {' '.join(dict.fromkeys(bad))}")


def validate_object_for_job(name: str, obj: Any, obj_type: Any) -> None:
    """Raise JobTypeError unless `obj` is an `obj_type` or brings its own ``add_to_fed_job``."""
    if not has_add_to_job_method(obj) and not isinstance(obj, obj_type):
        raise JobTypeError(f"{name} must be {obj_type}, but got {type(obj)}")


def _check_target_type(obj: Any, target: str) -> None:
    asked = getattr(obj, "get_job_target_type", None)
    if asked is None:
        return
    if (wanted := asked()) != JobTargetType.get_target_type(target):
        raise JobError(f"{type(obj).__name__} can only go to a {wanted}, but was sent to {target!r}")
