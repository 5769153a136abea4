"""From a job to frozen data: the plans of its apps, captured for one release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedjob.errors import JobError, ReleaseError
from fedjob.flare import names
from fedjob.flare.releases import R27, R29, Release
from fedjob.folder.model import App, ClientConfig, ExecutorEntry, FilterChain, JobModel, ServerConfig
from fedjob.job.bundle import Bundle
from fedjob.job.capture import Capture, as_json
from fedjob.job.config import fail_fast_params
from fedjob.job.defs import ALL_SITES, SERVER
from fedjob.job.findings import Finding
from fedjob.job.plan import FilterPlan, Plan

if TYPE_CHECKING:
    from fedjob.job.api import FedJob


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """A job for one release, and what its export leaves out."""

    model: JobModel
    findings: tuple[Finding, ...]


def freeze(job: FedJob, release: Release | str | None = None) -> Frozen:
    """Freeze `job` for `release`; the same job gives the same digest in any process.

    Raises ReleaseError for what the release lacks, and the errors of `Capture` and `Bundle`.
    """
    wanted = Release.of(release)
    _require_job_class(job, wanted)
    if job.job.app_packages and wanted < R27:
        raise ReleaseError(f"FLARE {wanted} has no set_app_packages; it came with 2.7")
    plans = {target: app.plan(wanted) for target, app in job.apps.items()}
    freezer = _Freezer(job, wanted)
    if ALL_SITES in plans:
        apps = {ALL_SITES: freezer.joint_app(plans)}
    else:
        if not plans and wanted < R29:
            raise JobError(f"job {job.name!r} is empty; FLARE {wanted} cannot export it")
        apps = {target: freezer.app(f"app_{target}", plan) for target, plan in plans.items()}
    deploy_map: dict[str, tuple[str, ...]] = {app.name: (target,) for target, app in apps.items()}
    model = JobModel(meta=job.job.meta(job.name_for(wanted), deploy_map, wanted), apps=tuple(apps.values()))
    return Frozen(model=model, findings=tuple(freezer.findings))


def _require_job_class(job: FedJob, release: Release) -> None:
    """Raise ReleaseError when the release lacks the ready-made job that `job` is."""
    next((path for cls in type(job).__mro__ if (path := names.path_of(cls, release))), None)


class _Freezer:
    def __init__(self, job: FedJob, release: Release) -> None:
        self.job = job
        self.release = release
        self.findings: list[Finding] = []

    def joint_app(self, plans: dict[str, Plan]) -> App:
        """FLARE's single app for everybody; what was sent to single sites beside it is dropped."""
        if SERVER not in plans:
            raise JobError(
                f"job {self.job.name!r} has no server components: use job.to_server(obj) or job.to(obj, 'server')"
            )
        for target in plans:
            if target not in {SERVER, ALL_SITES}:
                self.findings.append(
                    Finding(
                        code="ObjectsDropped",
                        place=f"target {target!r}",
                        message="FLARE exports one app for all clients and leaves out what goes to a single one; "
                        "send all clients' objects by name",
                    )
                )
        return self.app("app", plans[SERVER], plans[ALL_SITES])

    def app(self, name: str, *plans: Plan) -> App:
        bundle = Bundle(self.release, self.job.cwd, tuple(self.job.job.app_packages))
        capture = Capture(self.release, bundle.add_class)
        configs = {plan.target == SERVER: self._config(name, plan, capture, bundle) for plan in plans}
        files = bundle.files()
        self.findings += [f for plan in plans for f in plan.findings] + capture.findings + bundle.findings
        return App(name=name, server=configs.get(True), client=configs.get(False), files=files)

    def _config(self, name: str, plan: Plan, capture: Capture, bundle: Bundle) -> Any:
        """Captured, then bundled, in FLARE's order: where two files want one place, the later wins or is refused."""
        config = (self._server if plan.target == SERVER else self._client)(name, plan, capture)
        for script in plan.scripts:
            bundle.add_script(script)
        for path in plan.dirs:
            bundle.add_dir(path)
        for source in plan.sources:
            bundle.add_source(source)
        return config

    def _server(self, name: str, plan: Plan, capture: Capture) -> ServerConfig:
        workflows = tuple(
            capture.component(obj, f"{name}: workflow {key!r}", key) for key, obj in plan.workflows.items()
        )
        fail_fast = fail_fast_params(target=SERVER, fail_fast=self.job._fail_fast, release=self.release)
        return ServerConfig(workflows=workflows, **self._common(name, plan, capture, fail_fast))

    def _client(self, name: str, plan: Plan, capture: Capture) -> ClientConfig:
        executors = tuple(
            ExecutorEntry(
                tasks=tuple(entry.tasks),
                executor=capture.component(entry.executor, f"{name}: executor for {', '.join(entry.tasks)}"),
            )
            for entry in plan.executors
        )
        return ClientConfig(executors=executors, **self._common(name, plan, capture, {}))

    def _common(self, name: str, plan: Plan, capture: Capture, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "components": tuple(
                capture.component(obj, f"{name}: component {key!r}", key)
                for key, obj in plan.components.items()
            ),
            "task_data_filters": self._chains(name, plan.data_filters, capture),
            "task_result_filters": self._chains(name, plan.result_filters, capture),
            "extra": as_json({**plan.params, **more}, f"{name}: parameters"),
        }

    def _chains(self, name: str, plans: list[FilterPlan], capture: Capture) -> tuple[FilterChain, ...]:
        return tuple(
            FilterChain(
                tasks=tuple(plan.tasks),
                filters=tuple(
                    capture.component(chosen, f"{name}: filter for {', '.join(plan.tasks)}")
                    for chosen in plan.filters
                ),
            )
            for plan in plans
        )
