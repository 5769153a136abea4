"""What one app of a job will hold, for one release: objects with their final ids, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fedjob.errors import JobError, JobTypeError, ReleaseError, ResourceError
from fedjob.flare import paths
from fedjob.flare.releases import NEWEST, R26, R27, R29, Release
from fedjob.job.findings import Code, Finding
from fedjob.job.roles import plays

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A component by its name and arguments alone, for classes that only the export has to know."""

    path: str  #: FLARE's dotted path
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """A script to travel, as it was named, and where it was named: in which directory, with which sys.path."""

    name: str
    cwd: Path
    roots: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self.cwd / self.name


@dataclass(frozen=True, slots=True)
class Source:
    """A file or directory to travel to a place of the user's choice."""

    path: Path
    dest_dir: str | None
    folder: str | None  #: "custom" (also None) or "config"


@dataclass(slots=True)
class ExecutorPlan:
    tasks: list[str]
    executor: Any


@dataclass(slots=True)
class FilterPlan:
    tasks: list[str]
    filters: list[Any]


class Plan:
    """Grows by the operations that an App has on record; ids and errors are FLARE's of `release`."""

    def __init__(self, target: str, release: Release = NEWEST, *, live: bool = False) -> None:
        self.target = target
        self.release = release
        #: The release is not chosen yet: what only older releases have is let through.
        self.live = live
        self.workflows: dict[str, Any] = {}
        self.components: dict[str, Any] = {}
        self.executors: list[ExecutorPlan] = []
        self.data_filters: list[FilterPlan] = []
        self.result_filters: list[FilterPlan] = []
        self.scripts: list[Script] = []
        self.dirs: list[Path] = []
        self.sources: list[Source] = []
        self.params: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self._ids: set[str] = set()
        self._id_of: dict[int, str] = {}

    def add_component(self, obj: Any, comp_id: str | None = None) -> str:
        """Add `obj`, once however often it is given; returns its id."""
        known = self._id_of.get(id(obj))
        if known is None:
            known = self._id_of[id(obj)] = self.claim_id("component" if comp_id is None else comp_id)
            self.components[known] = obj
        return known

    def report_ignored(self, obj: Any, keywords: dict[str, Any]) -> None:
        """Note keywords of `to` for an object that takes none."""
        if keywords:
            self._report(
                "KeywordsIgnored",
                type(obj).__name__,
                f"nothing takes {', '.join(keywords)}: it is a plain component",
            )

    def _report(self, code: Code, what: str, message: str) -> None:
        self.findings.append(Finding(code=code, place=f"{self.target}: {what}", message=message))

    def add_workflow(self, controller: Any, comp_id: str | None = None) -> str:
        if not (plays(controller, paths.CONTROLLER) or isinstance(controller, Spelled)):
            raise JobTypeError(f"a workflow must be a Controller, but got {type(controller).__name__}")
        workflow_id = self.claim_id(comp_id or "controller")
        self.workflows[workflow_id] = controller
        return workflow_id

    def claim_id(self, wanted: str) -> str:
        """`wanted`, or FLARE's next one: the first number in it counts up wherever it stands, else 1 is added."""
        while wanted in self._ids:
            number = re.search(r"\d+", wanted)
            wanted = wanted.replace(number.group(), str(int(number.group()) + 1)) if number else f"{wanted}1"
        self._ids.add(wanted)
        return wanted

    def add_executor(self, executor: Any, tasks: Sequence[str] | None = None) -> None:
        """Raises JobError when a task has an executor already."""
        if not (plays(executor, paths.EXECUTOR) or isinstance(executor, Spelled)):
            raise JobTypeError(f"an executor must be an Executor, but got {type(executor).__name__}")
        wanted = self._tasks(tasks or ["*"], executor)
        for entry in self.executors:
            if taken := [task for task in wanted if task in entry.tasks]:
                raise JobError(
                    f"an executor for tasks {taken} of {self.target!r} already exists: "
                    f"{type(entry.executor).__name__}; name other tasks with tasks=[...]"
                )
        same = [e for e in self.executors if e.executor is executor]
        if same and self.release >= R29:
            same[0].tasks.extend(wanted)
        else:
            self.executors.append(ExecutorPlan(wanted, executor))

    def add_filter(self, chosen: Any, chains: list[FilterPlan], tasks: Sequence[str]) -> None:
        """Raises JobError when `tasks` overlap those of an earlier filter without being the same."""
        if not (plays(chosen, paths.FILTER) or isinstance(chosen, Spelled)):
            raise JobTypeError(f"a filter must be a Filter, but got {type(chosen).__name__}")
        wanted = list(dict.fromkeys(self._tasks(tasks, chosen)))
        if chains and self.release < R26:
            raise ReleaseError(
                f"FLARE {self.release} fails on a second filter in one direction ({self.target!r}); "
                "it takes them since 2.6"
            )
        for chain in chains:
            if set(chain.tasks) == set(wanted):
                chain.filters.append(chosen)
                return
            if overlap := [task for task in wanted if task in chain.tasks]:
                raise JobError(
                    f"cannot add {type(chosen).__name__} for tasks {wanted} of {self.target!r}: {overlap} overlap "
                    f"the filters for {chain.tasks}; use the same set of tasks or a disjoint one"
                )
        chains.append(FilterPlan(wanted, [chosen]))

    def _tasks(self, tasks: Sequence[str], owner: Any) -> list[str]:
        if isinstance(tasks, str):
            self._report(
                "TasksExploded",
                type(owner).__name__,
                f"tasks={tasks!r} is a string, so FLARE takes each letter for a task; write [{tasks!r}]",
            )
        return list(tasks)

    def add_script(self, script: Script) -> None:
        """Raises ResourceError when a relative script is not there; an absolute one may be at the site only."""
        if not script.path.exists():
            if not Path(script.name).is_absolute():
                raise ResourceError(
                    f"could not locate external script: {script.name} (looked in {script.cwd}); "
                    "give a path that exists"
                )
            self._report(
                "FileMissing",
                f"script {script.name}",
                "the file is not here and does not travel; it must be at the site already",
            )
        self.scripts.append(script)

    def add_dir(self, path: Path) -> None:
        if not path.is_dir():
            raise ResourceError(f"external resource directory {path} does not exist")
        self.dirs.append(path)

    def add_resource(self, script: Script) -> None:
        """A script or a directory. Raises JobError for anything else."""
        if script.path.is_dir():
            self.add_dir(script.path)
        elif script.path.is_file() or (Path(script.name).is_absolute() and self.release >= R27):
            self.add_script(script)
        else:
            raise JobError(
                f"cannot add resource: {script.name} is neither a file nor a directory (looked in {script.cwd}); "
                "give a path that exists"
            )

    def add_source(self, source: Source) -> None:
        if self.release < R26:
            raise ReleaseError(f"FLARE {self.release} cannot add files to an app; it can since 2.6")
        if source.folder is not None and self.release < R27:
            raise ReleaseError(
                f"FLARE {self.release} has no app_folder_type ({source.folder!r}); it came with 2.7"
            )
        self.sources.append(source)

    def add_params(self, params: dict[str, Any]) -> None:
        if self.release < R27:
            raise ReleaseError(
                f"FLARE {self.release} takes no parameters as a dict ({sorted(params)}); it does since 2.7"
            )
        self.params.update(params)


Operation = Callable[[Plan], T]
