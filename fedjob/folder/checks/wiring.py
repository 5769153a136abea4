"""How the parts of a job find each other: ids, tasks, filters."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator

from fedjob.flare import paths, signatures
from fedjob.flare.releases import R29, Release
from fedjob.folder.checks.finding import Finding, error, warning
from fedjob.folder.checks.walk import Spot, spots
from fedjob.folder.model import App, ClientConfig, Component, JobModel, ServerConfig

#: Arguments that hold another component's id.
_REFERENCE = re.compile(
    r"(^|_)(persistor|aggregator|generator|locator|formatter|pipe|launcher|learner|comparator|selector|filter|"
    r"receiver|relay|converter|trainer)_id\Z"
)


def check(model: JobModel, release: Release) -> Iterator[Finding]:
    for app in model.apps:
        for side, config in (("server", app.server), ("client", app.client)):
            if config is not None:
                yield from _ids(config, f"{app.name}: {side}")
                yield from _filters(config, f"{app.name}: {side}")
        if app.client is not None:
            yield from _executors(app.client, f"{app.name}: client", release)
    everything = list(spots(model))
    for spot in everything:
        yield from _references(spot)
    yield from _tasks(model, everything, release)


def _ids(config: ServerConfig | ClientConfig, place: str) -> Iterator[Finding]:
    ids = [c.id for c in _identified(config) if c.id is not None]
    for name in (name for name, n in Counter(ids).items() if n > 1):
        yield error(
            "id-twice", place, f"the id {name!r} is given twice", "give each component an id of its own"
        )


def _identified(config: ServerConfig | ClientConfig) -> Iterator[Component]:
    yield from config.components
    if isinstance(config, ServerConfig):
        yield from config.workflows


def _filters(config: ServerConfig | ClientConfig, place: str) -> Iterator[Finding]:
    for word in ("task_data_filters", "task_result_filters"):
        chains = getattr(config, word)
        for chain in (chain for chain in chains if not chain.filters):
            yield error(
                "filter-chain-empty",
                f"{place}.{word}[{', '.join(sorted(chain.tasks))}]",
                "FLARE refuses a chain without a filter",
                "delete the chain, or put a filter into it",
            )
        tasks = Counter(task for chain in chains for task in chain.tasks)
        for task in (task for task, n in tasks.items() if n > 1):
            yield error(
                "filter-chain-twice",
                f"{place}.{word}[{task}]",
                f"two chains filter the task {task!r}; FLARE refuses that",
                "put the filters into one chain",
            )
        if "*" in tasks:
            yield error(
                "filter-never-runs",
                f"{place}.{word}[*]",
                "FLARE looks filters up by the exact name of the task; '*' (the default) is no wildcard there",
                "name the tasks: tasks=['train']",
            )


def _executors(config: ClientConfig, place: str, release: Release) -> Iterator[Finding]:
    tasks = Counter(task for entry in config.executors for task in entry.tasks)
    for task in (task for task, n in tasks.items() if n > 1):
        yield error(
            "executor-twice",
            f"{place}.executors[{task}]",
            f"two executors answer the task {task!r}",
            "let one of them answer it",
        )
    for entry in config.executors:
        if not entry.tasks:
            yield error(
                "tasks-empty", f"{place}.executors[]", "an executor answers no task", "name its tasks, or '*'"
            )
    clients = [entry for entry in config.executors if entry.executor.path == paths.CLIENT_API]
    if release >= R29 and len(clients) > 1:
        yield error(
            "client-api-twice",
            f"{place}.executors",
            f"{len(clients)} ClientAPIExecutors in one app; FLARE {release} allows one",
            "let one script answer all tasks, or send the scripts to different sites",
        )


def _references(spot: Spot) -> Iterator[Finding]:
    config = spot.app.server if spot.side == "server" else spot.app.client
    known = {c.id for c in _identified(config)} if config else set()
    for name, value in spot.component.args.items():
        if _REFERENCE.search(name) and isinstance(value, str) and value and value not in known:
            names = ", ".join(sorted(i for i in known if i)) or "none"
            yield error(
                "id-undefined",
                f"{spot.place}.args.{name}",
                f"the {spot.side} of this app has no component {value!r}; it has: {names}",
                "add the component, or correct the id",
            )


def _tasks(model: JobModel, everything: list[Spot], release: Release) -> Iterator[Finding]:
    """Tasks that a workflow sends and no executor of some client app answers."""
    clients = [app for app in model.apps if app.client is not None and app.client.executors]
    for spot in everything:
        if spot.role != "workflow":
            continue
        for word, task in _sent(spot.component, release):
            deaf = [app.name for app in clients if not _answers(app, task)]
            if deaf:
                yield error(
                    "task-unanswered",
                    f"{spot.place}.args.{word}",
                    f"the workflow sends the task {task!r}, which no executor answers in {', '.join(deaf)}",
                    f"give an executor there tasks=['{task}']",
                )


def _sent(workflow: Component, release: Release) -> Iterator[tuple[str, str]]:
    """The task names of a workflow of FLARE's: given, or by default."""
    parameters = signatures.of(workflow.path, release) or {}
    for name, parameter in parameters.items():
        if name.endswith("task_name") and not name.startswith("end_"):
            task = workflow.args.get(name, parameter.default)
            if isinstance(task, str) and task:
                yield name, task


def _answers(app: App, task: str) -> bool:
    entries = app.client.executors if app.client else ()
    return any(fnmatch.fnmatchcase(task, pattern) for entry in entries for pattern in entry.tasks)


def advise(model: JobModel) -> Iterator[Finding]:
    """What works, but not as it looks."""
    for spot in spots(model):
        if spot.component.extra.get("disabled") is True:
            yield warning(
                "component-disabled",
                spot.place,
                "FLARE skips this component: it says disabled: true",
                "delete it, or the word, if that is not meant",
            )
