"""What the ready-made jobs and recipes add by FLARE's name and arguments, whatever release takes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedjob.flare.releases import R25, Release
from fedjob.job.defs import SERVER
from fedjob.job.plan import Spelled

if TYPE_CHECKING:
    from fedjob.job.api import FedJob, JobCtx


def add_workflow(job: FedJob, path: str, args: dict[str, Any]) -> str:
    workflow = Spelled(path, args)
    workflow_id: str = job._app_for(SERVER).record(lambda plan: plan.add_workflow(workflow))
    return workflow_id


def add_component(
    job: FedJob, target: str, comp_id: str, path: str, args: dict[str, Any], *, since: Release = R25
) -> str:
    """In releases before `since`, nothing is added."""
    component = Spelled(path, args)
    final_id: str = job._app_for(target).record(
        lambda plan: plan.add_component(component, comp_id) if plan.release >= since else ""
    )
    return final_id


def add_executor(job: FedJob, target: str, path: str, tasks: list[str], args: dict[str, Any]) -> None:
    executor = Spelled(path, args)
    job._app_for(target).record(lambda plan: plan.add_executor(executor, tasks))


class Part:
    """A component for `to`, by FLARE's name and arguments. In releases before `since`, nothing is added."""

    def __init__(self, path: str, args: dict[str, Any], *, since: Release = R25) -> None:
        self.path = path
        self.args = args
        self.since = since

    def add_to_fed_job(self, job: FedJob, ctx: JobCtx) -> str:
        return add_component(
            job, ctx.target, ctx.comp_id or "component", self.path, self.args, since=self.since
        )
