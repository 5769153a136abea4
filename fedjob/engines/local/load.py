"""From a frozen app configuration to live components.

Does what FLARE's configurators do: builds nested ``{"path", "args"}`` objects inside out, fills in
``{VARIABLES}``, skips what is disabled, and collects every component that listens to events in the
order in which it was built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

from fedjob.errors import FolderError, NameUnknown
from fedjob.flare import described, names
from fedjob.folder.model import App, ClientConfig, Component, FilterChain, ServerConfig

_CLASS_KEYS = ("path", "class_path", "name")
#: Types of arguments that stand for themselves.
_PLAIN = frozenset({bool, float, int, type(None)})
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: Which way data and results pass a party, where a filter chain does not say so itself.
_DIRECTIONS = {("server", "data"): "out", ("server", "result"): "in"}
_DIRECTIONS |= {("client", "data"): "in", ("client", "result"): "out"}


@dataclass(slots=True)
class LoadedApp:
    """The components of a server or site, built and wired by id."""

    components: dict[str, Any] = field(default_factory=dict)
    #: Everything that takes events, in build order.
    handlers: list[Any] = field(default_factory=list)
    #: The server's workflows by id, in order.
    workflows: dict[str, Any] = field(default_factory=dict)
    #: A site's executors with the task names (or ``*`` patterns) they answer.
    executors: list[tuple[tuple[str, ...], Any]] = field(default_factory=list)
    #: Filters by (task, "data" or "result", "in" or "out"): FLARE looks them up by the exact name.
    filters: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)
    #: What else stands in the configuration.
    params: dict[str, Any] = field(default_factory=dict)

    def executor_for(self, task: str) -> Any:
        """The executor of a task: exact names first, then ``*`` patterns in order; None if there is none."""
        for tasks, executor in self.executors:
            if task in tasks:
                return executor
        for tasks, executor in self.executors:
            # The usual pattern by itself: for any other a regular expression is compiled.
            if any(pattern == "*" or ("*" in pattern and fnmatchcase(task, pattern)) for pattern in tasks):
                return executor
        return None


def load_server(app: App, variables: Mapping[str, str]) -> LoadedApp:
    """Build a server app. Raises FolderError, which names the place, for what cannot be built."""
    config = app.server
    place = f"{app.name}/config/config_fed_server"
    if config is None or not config.workflows:
        raise FolderError(f"app {app.name!r} has no workflow for the server", place=place)
    builder = _Builder(place, variables, config.extra)
    for index, workflow in enumerate(config.workflows):
        where = f"workflows[{index}]"
        controller = builder.build(workflow, where)
        builder.add(workflow.id or f"controller{index or ''}", controller, where)
        builder.app.workflows[workflow.id or f"controller{index or ''}"] = controller
    builder.common("server", config)
    return builder.app


def load_client(app: App, variables: Mapping[str, str]) -> LoadedApp:
    """Build a client app. Raises FolderError, which names the place, for what cannot be built."""
    config = app.client
    place = f"{app.name}/config/config_fed_client"
    if config is None or not config.executors:
        raise FolderError(f"app {app.name!r} has no executor for its sites", place=place)
    builder = _Builder(place, variables, config.extra)
    taken: set[str] = set()
    for index, entry in enumerate(config.executors):
        where = f"executors[{index}]"
        if twice := taken & set(entry.tasks):
            raise FolderError(f"task {min(twice)!r} has more than one executor", place=f"{place}: {where}")
        taken |= set(entry.tasks)
        builder.app.executors.append((entry.tasks, builder.build(entry.executor, f"{where}.executor")))
    builder.common("client", config)
    return builder.app


def build_component(config: Mapping[str, Any], place: str, handlers: list[Any] | None = None) -> Any:
    """Build one object from ``{"path", "args"}``; for code that calls the engine's `build_component`."""
    builder = _Builder(place, {}, {})
    # Who asks for it has it built, also where a configuration marks it as data.
    component = builder.value({k: v for k, v in config.items() if k != "config_type"}, "")
    if handlers is not None:
        handlers.extend(builder.app.handlers)
    return component


class _Builder:
    def __init__(self, place: str, variables: Mapping[str, str], params: Mapping[str, Any]) -> None:
        self.app = LoadedApp(params=dict(params))
        self._place = place
        self._variables = variables
        self._referring: list[str] = []

    def common(self, side: str, config: ServerConfig | ClientConfig) -> None:
        for index, component in enumerate(config.components):
            if not component.extra.get("disabled"):
                where = f"components[{index}]"
                self.add(component.id or f"component{index or ''}", self.build(component, where), where)
        self._filters(side, "data", config.task_data_filters)
        self._filters(side, "result", config.task_result_filters)

    def add(self, component_id: str, component: Any, where: str) -> None:
        if component_id in self.app.components:
            raise self._fault(f"the id {component_id!r} is used twice", where)
        self.app.components[component_id] = component

    def _filters(self, side: str, kind: str, chains: Iterable[FilterChain]) -> None:
        for index, chain in enumerate(chains):
            where = f"task_{kind}_filters[{index}]"
            built = [self.build(f, f"{where}.filters[{i}]") for i, f in enumerate(chain.filters)]
            direction = str(chain.extra.get("direction", _DIRECTIONS[side, kind])).lower()
            for task in chain.tasks:
                for way in ("in", "out") if direction == "inout" else (direction,):
                    if (task, kind, way) in self.app.filters:
                        raise self._fault(f"task {task!r} has two filter chains", where)
                    self.app.filters[task, kind, way] = built

    def build(self, component: Component, where: str) -> Any:
        if component.extra.get("disabled"):
            raise self._fault("a disabled workflow, executor or filter cannot be left out", where)
        known = _known.get(id(component))
        if known is None:
            if not names.is_flare(component.path) or not all(map(_is_plain, component.args.values())):
                return self._construct(component.path, component.args, where)
            if len(_known) >= _MANY:
                _known.clear()
            known = _known[id(component)] = component, self._resolve(component.path, where)
        return self._made(component.path, known[1], component.args, where)

    def value(self, value: Any, where: str) -> Any:
        """An argument as its component gets it."""
        if isinstance(value, str):
            whole = _VARIABLE.fullmatch(value.strip())
            return self._referred(whole[1], where) if whole else _VARIABLE.sub(self._filled_in, value)
        if isinstance(value, (list, tuple)):
            return [self.value(v, f"{where}[{i}]") for i, v in enumerate(value)]
        if isinstance(value, dict):
            key = next((k for k in _CLASS_KEYS if isinstance(value.get(k), str)), None)
            if key is not None and value.get("config_type") != "dict" and _is_class_path(value[key]):
                return self._construct(value[key], value.get("args") or {}, where)
            return {k: self.value(v, f"{where}.{k}") for k, v in value.items()}
        return value

    def _referred(self, name: str, where: str) -> Any:
        """What a string that is a reference and nothing else stands for, of whatever type; None, as in FLARE, if unknown."""
        if name in self._referring:
            raise self._fault(f"{{{name}}} refers to itself", where)
        self._referring.append(name)
        try:
            return self.value(self._variable(name), where)
        finally:
            self._referring.pop()

    def _variable(self, name: str) -> Any:
        """What ``{name}`` refers to: one of the party's own, or what stands on the configuration's top level."""
        return self._variables[name] if name in self._variables else self.app.params.get(name)

    def _filled_in(self, reference: re.Match[str]) -> str:
        value = self._variable(reference[1])
        return str(value) if isinstance(value, (str, int, float)) else reference[0]

    def _construct(self, path: str, args: Mapping[str, Any], where: str) -> Any:
        cls = self._resolve(path, where)
        given = {k: v if _is_plain(v) else self.value(v, f"{where}.args.{k}") for k, v in args.items()}
        return self._made(path, cls, given, where)

    def _made(self, path: str, cls: Any, given: Mapping[str, Any], where: str) -> Any:
        try:
            component = cls(**given)
        except Exception as e:
            raise self._fault(
                f"{path} cannot be built with the arguments {sorted(given) or 'none'}: {type(e).__name__}: {e}",
                where,
            ) from e
        if hasattr(component, "handle_event"):
            self.app.handlers.append(component)
        return component

    def _resolve(self, path: str, where: str) -> Any:
        if names.is_flare(path):
            return self._resolve_flare(path, where)
        module, _, attribute = path.rpartition(".")
        try:
            return getattr(import_module(module), attribute)
        except NameUnknown as e:
            raise self._fault(f"{path} uses {e}", where) from e
        except Exception as e:
            raise self._fault(f"the class {path} cannot be loaded: {type(e).__name__}: {e}", where) from e

    def _resolve_flare(self, path: str, where: str) -> Any:
        try:
            return names.load(path)
        except NameUnknown as e:
            known = "FLARE has it, but " if described.find(path) is not None else ""
            raise self._fault(
                f'{known}the local engine cannot run {path}; run this job with engine="simulator"', where
            ) from e

    def _fault(self, message: str, where: str) -> FolderError:
        return FolderError(message, place=f"{self._place}: {where}")


#: The classes of components of ours, in whose arguments nothing is to be filled in: thousands of sites have one and the same.
#: By their ids, each with itself, so that no other gets its id.
_known: dict[int, tuple[Component, Any]] = {}
_MANY = 256


def _is_plain(value: Any) -> bool:
    """Whether an argument is what its component gets."""
    return type(value) in _PLAIN or (type(value) is str and "{" not in value)


def _is_class_path(text: str) -> bool:
    return "." in text and all(part.isidentifier() for part in text.split("."))
