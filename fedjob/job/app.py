"""The apps of a job, as records of what was added: the release is chosen when the job is exported.

An operation is carried out at once on a plan for the newest release, which gives the ids and errors a user
sees, and again on a fresh plan for whatever release is exported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fedjob.errors import JobTypeError
from fedjob.flare.releases import Release
from fedjob.job.plan import Operation, Plan, Script, Source, Spelled
from fedjob.job.roles import plays

T = TypeVar("T")


class FedApp:
    """What goes to one target. Method names are FLARE's."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._live = Plan(target, live=True)
        self._record: list[Operation[Any]] = []

    def record(self, operation: Operation[T]) -> T:
        """Carry `operation` out and keep it for later plans; one that raises is not kept."""
        result = operation(self._live)
        self._record.append(operation)
        return result

    @contextmanager
    def temporarily(self, operation: Operation[Any]) -> Iterator[None]:
        """Within the block, `operation` is on record."""
        self.record(operation)
        try:
            yield
        finally:
            self._record = [kept for kept in self._record if kept is not operation]
            self._live = Plan(self.target, live=True)
            for kept in self._record:
                kept(self._live)

    def plan(self, release: Release) -> Plan:
        """All that was added, as `release` takes it. Raises ReleaseError for what it does not have."""
        plan = Plan(self.target, release)
        for operation in self._record:
            operation(plan)
        return plan

    def add_component(self, component: Any, comp_id: str | None = None) -> str:
        return self.record(lambda plan: plan.add_component(component, comp_id))

    def add_task_result_filter(self, tasks: list[str], task_filter: Any) -> None:
        self.record(lambda plan: plan.add_filter(task_filter, plan.result_filters, tasks))

    def add_task_data_filter(self, tasks: list[str], task_filter: Any) -> None:
        self.record(lambda plan: plan.add_filter(task_filter, plan.data_filters, tasks))

    def add_external_script(self, ext_script: str) -> None:
        script = _script(ext_script)
        self.record(lambda plan: plan.add_script(script))

    def add_external_dir(self, ext_dir: str) -> None:
        path = Path.cwd() / ext_dir
        self.record(lambda plan: plan.add_dir(path))

    def add_resources(self, resources: list[str]) -> None:
        for name in resources:
            self._add_resource(_script(name))

    def _add_resource(self, script: Script) -> None:
        self.record(lambda plan: plan.add_resource(script))

    def add_file_source(
        self, src_path: str, dest_dir: str | None = None, app_folder_type: str | None = None
    ) -> None:
        source = Source(Path.cwd() / src_path, dest_dir, app_folder_type)
        self.record(lambda plan: plan.add_source(source))

    def add_params(self, args: dict[str, Any]) -> None:
        """Top-level keys for the app's configuration."""
        if not isinstance(args, dict):
            raise JobTypeError(f"parameters of a job must be a dict, but got {type(args).__name__}")
        self.record(lambda plan: plan.add_params(args))


class ClientApp(FedApp):
    def add_executor(self, executor: Any, tasks: list[str] | None = None) -> None:
        self.record(lambda plan: plan.add_executor(executor, tasks))


class ServerApp(FedApp):
    def runs(self, path: str) -> bool:
        """Whether a workflow is a `path`, FLARE's dotted path of a controller."""
        found = self._live.workflows.values()
        return any(w.path == path if isinstance(w, Spelled) else plays(w, path) for w in found)

    def add_controller(self, controller: Any, id: str | None = None) -> str:
        return self.record(lambda plan: plan.add_workflow(controller, id))


def _script(name: Any) -> Script:
    if not isinstance(name, str):
        raise JobTypeError(f"cannot add resource: it must be a str, but got {type(name).__name__}")
    return Script(name, Path.cwd(), tuple(sys.path))
