"""Go through a job's components, each with the place that a diff would name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fedjob.folder.model import App, Component, JobModel

Side = Literal["server", "client"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A component and where it stands."""

    app: App
    side: Side
    role: Literal["workflow", "component", "executor", "filter", "nested"]
    place: str
    component: Component


def spots(model: JobModel) -> Iterator[Spot]:
    """Every component of every app, nested ones after the one that holds them."""
    for app in model.apps:
        for spot in _of_app(app):
            yield spot
            yield from _nested(spot, spot.component.args, f"{spot.place}.args")


def strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every string inside a JSON value, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(inner, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from strings(inner, f"{place}[{i}]")


def configured(model: JobModel) -> Iterator[tuple[str, str]]:
    """Every string of a job's meta and configurations, with its place."""
    yield from strings(model.meta.to_dict(), "meta")
    for spot in spots(model):
        if spot.role != "nested":
            yield from strings(spot.component.args, f"{spot.place}.args")
    for app in model.apps:
        for side, config in (("server", app.server), ("client", app.client)):
            if config is not None:
                yield from strings(config.extra, f"{app.name}: {side}")


def _of_app(app: App) -> Iterator[Spot]:
    if app.server is not None:
        here = f"{app.name}: server"
        for c in app.server.workflows:
            yield _spot(app, "server", "workflow", f"{here}.workflows[{c.id}]", c)
        yield from _common(app, "server")
    if app.client is not None:
        here = f"{app.name}: client"
        for entry in app.client.executors:
            name = ", ".join(sorted(entry.tasks))
            yield _spot(app, "client", "executor", f"{here}.executors[{name}]", entry.executor)
        yield from _common(app, "client")


def _common(app: App, side: Side) -> Iterator[Spot]:
    config = app.server if side == "server" else app.client
    if config is None:
        return
    here = f"{app.name}: {side}"
    for c in config.components:
        yield _spot(app, side, "component", f"{here}.components[{c.id}]", c)
    for word in ("task_data_filters", "task_result_filters"):
        for chain in getattr(config, word):
            name = ", ".join(sorted(chain.tasks))
            for c in chain.filters:
                label = c.path.rpartition(".")[2]
                yield _spot(app, side, "filter", f"{here}.{word}[{name}].filters[{label}]", c)


def _spot(app: App, side: Side, role: Any, place: str, component: Component) -> Spot:
    return Spot(app=app, side=side, role=role, place=place, component=component)


def _nested(spot: Spot, value: Any, place: str) -> Iterator[Spot]:
    """Arguments that FLARE builds as objects: a mapping with a class, unless it says it is a dict."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            here = f"{place}.{key}"
            if isinstance(inner, Mapping) and (component := _as_component(inner)) is not None:
                yield _spot(spot.app, spot.side, "nested", here, component)
            yield from _nested(spot, inner, here)
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from _nested(spot, inner, f"{place}[{i}]")


def _as_component(value: Mapping[str, Any]) -> Component | None:
    path = value.get("path", value.get("class_path"))
    if not isinstance(path, str) or "." not in path or value.get("config_type") == "dict":
        return None
    args = value.get("args", {})
    return Component(path=path, args=dict(args) if isinstance(args, Mapping) else {})
