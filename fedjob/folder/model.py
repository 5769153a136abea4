"""The job as frozen data that equals its folder: no I/O, no component classes.

``from_dict(data, place)`` validates while it builds and names the exact place of a fault;
``to_dict`` inverts it in FLARE's own key order. Keys that are not ours are kept in `extra`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from fedjob.errors import FolderError
from fedjob.folder.fields import (
    check_name,
    deploy_map,
    each,
    fault,
    inside,
    mapping,
    optional,
    required,
    text,
    text_or_none,
    texts,
    whole,
)

#: The only dialect that FLARE's configurators accept.
FORMAT_VERSION = 2

ClassKey = Literal["path", "class_path", "name"]
_CLASS_KEYS: tuple[ClassKey, ...] = ("path", "class_path", "name")


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """An object that FLARE builds: ``{"id", "path", "args"}``."""

    id: str | None = None  #: None for executors and filters, which have no id
    path: str  #: dotted class path
    args: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    key: ClassKey = "path"  #: the word under which the class is named in the file

    @classmethod
    def from_dict(cls, data: object, place: str) -> Component:
        rest = mapping(data, place)
        key = next((k for k in _CLASS_KEYS if k in rest), None)
        if key is None:
            raise fault("missing required value", inside(place, "path"))
        return cls(
            id=optional(rest, "id", place, text_or_none, None),
            path=required(rest, key, place, text),
            args=optional(rest, "args", place, mapping, {}),
            key=key,
            extra=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        own: dict[str, Any] = {} if self.id is None else {"id": self.id}
        return {**own, self.key: self.path, "args": self.args, **self.extra}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorEntry:
    """An executor of a client app and the tasks it answers."""

    tasks: tuple[str, ...]
    executor: Component
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: object, place: str) -> ExecutorEntry:
        rest = mapping(data, place)
        return cls(
            tasks=required(rest, "tasks", place, texts),
            executor=required(rest, "executor", place, Component.from_dict),
            extra=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        return {"tasks": list(self.tasks), "executor": self.executor.to_dict(), **self.extra}


@dataclass(frozen=True, kw_only=True, slots=True)
class FilterChain:
    """The filters that run, in order, on the data or results of some tasks."""

    tasks: tuple[str, ...]
    filters: tuple[Component, ...]
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: object, place: str) -> FilterChain:
        rest = mapping(data, place)
        return cls(
            tasks=required(rest, "tasks", place, texts),
            filters=required(rest, "filters", place, each(Component.from_dict)),
            extra=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        return {"tasks": list(self.tasks), "filters": _dicts(self.filters), **self.extra}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerConfig:
    """``config_fed_server.json``."""

    format_version: int = FORMAT_VERSION
    workflows: tuple[Component, ...] = ()
    components: tuple[Component, ...] = ()
    task_data_filters: tuple[FilterChain, ...] = ()
    task_result_filters: tuple[FilterChain, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: object, place: str) -> ServerConfig:
        rest = mapping(data, place)
        return cls(
            workflows=optional(rest, "workflows", place, _components, ()),
            **_common(rest, place),
            extra=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "format_version": self.format_version,
            "workflows": _dicts(self.workflows),
            "components": _dicts(self.components),
            "task_data_filters": _dicts(self.task_data_filters),
            "task_result_filters": _dicts(self.task_result_filters),
            **self.extra,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientConfig:
    """``config_fed_client.json``."""

    format_version: int = FORMAT_VERSION
    executors: tuple[ExecutorEntry, ...] = ()
    components: tuple[Component, ...] = ()
    task_data_filters: tuple[FilterChain, ...] = ()
    task_result_filters: tuple[FilterChain, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: object, place: str) -> ClientConfig:
        rest = mapping(data, place)
        return cls(
            executors=optional(rest, "executors", place, each(ExecutorEntry.from_dict), ()),
            **_common(rest, place),
            extra=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "format_version": self.format_version,
            "executors": _dicts(self.executors),
            "components": _dicts(self.components),
            "task_data_filters": _dicts(self.task_data_filters),
            "task_result_filters": _dicts(self.task_result_filters),
            **self.extra,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of an app that is not one of its two configurations."""

    path: str  #: posix, relative to the app folder, e.g. ``custom/src/net.py``
    size: int  #: bytes
    sha256: str  #: hex
    source: Path = field(compare=False)  #: where the bytes are now
    text: str | None = field(default=None, compare=False)  #: the content, where a golden holds it

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or PurePosixPath(self.path).is_absolute() or ".." in parts:
            raise FolderError(
                f"file path {self.path!r} leaves its app; use a path relative to the app folder"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """One app folder: configurations and the files beside them (kept sorted by path)."""

    name: str
    server: ServerConfig | None = None
    client: ClientConfig | None = None
    files: tuple[File, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "app")
        object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda file: file.path)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Meta:
    """``meta.json``."""

    name: str
    resource_spec: dict[str, Any] = field(default_factory=dict)
    min_clients: int = 1
    deploy_map: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mandatory_clients: tuple[str, ...] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "job")

    @classmethod
    def from_dict(cls, data: object, place: str) -> Meta:
        rest = mapping(data, place)
        return cls(
            name=required(rest, "name", place, text),
            resource_spec=optional(rest, "resource_spec", place, mapping, {}),
            min_clients=optional(rest, "min_clients", place, whole, 1),
            deploy_map=required(rest, "deploy_map", place, deploy_map),
            mandatory_clients=optional(rest, "mandatory_clients", place, texts, None),
            extra=rest,
        )

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "name": self.name,
            "resource_spec": self.resource_spec,
            "min_clients": self.min_clients,
            "deploy_map": {app: list(sites) for app, sites in self.deploy_map.items()},
        }
        if self.mandatory_clients is not None:
            data["mandatory_clients"] = list(self.mandatory_clients)
        return {**data, **self.extra}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobModel:
    """A whole job folder; apps stand in the order of the deploy map, undeployed ones last."""

    meta: Meta
    apps: tuple[App, ...] = ()

    def __post_init__(self) -> None:
        rank = {name: i for i, name in enumerate(self.meta.deploy_map)}
        apps = sorted(self.apps, key=lambda app: (rank.get(app.name, len(rank)), app.name))
        object.__setattr__(self, "apps", tuple(apps))

    def app(self, name: str) -> App:
        """The app called `name`; raises `FolderError` when there is none."""
        for app in self.apps:
            if app.name == name:
                return app
        raise FolderError(
            f"the job has no app {name!r}; it has {', '.join(a.name for a in self.apps) or 'none'}"
        )

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the content: equal for equal jobs, in any process."""
        content = {"meta": self.meta.to_dict(), "apps": {app.name: _content(app) for app in self.apps}}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _content(app: App) -> dict[str, Any]:
    return {
        "server": app.server and app.server.to_dict(),
        "client": app.client and app.client.to_dict(),
        "files": [[file.path, file.size, file.sha256] for file in app.files],
    }


def _dicts(items: tuple[Component, ...] | tuple[ExecutorEntry, ...] | tuple[FilterChain, ...]) -> list[Any]:
    return [item.to_dict() for item in items]


_components = each(Component.from_dict)
_chains = each(FilterChain.from_dict)
_NO_COMPONENTS: tuple[Component, ...] = ()
_NO_CHAINS: tuple[FilterChain, ...] = ()


def _common(rest: dict[str, Any], place: str) -> dict[str, Any]:
    return {
        "format_version": required(rest, "format_version", place, _version),
        "components": optional(rest, "components", place, _components, _NO_COMPONENTS),
        "task_data_filters": optional(rest, "task_data_filters", place, _chains, _NO_CHAINS),
        "task_result_filters": optional(rest, "task_result_filters", place, _chains, _NO_CHAINS),
    }


def _version(value: object, place: str) -> int:
    if whole(value, place) == FORMAT_VERSION:
        return FORMAT_VERSION
    raise fault(f"unsupported format_version {value} (FLARE reads {FORMAT_VERSION})", place)
