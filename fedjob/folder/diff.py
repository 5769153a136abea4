"""What differs between two jobs, in FLARE's terms rather than in lines of JSON.

Components and workflows are matched by id, executors and filter chains by their tasks, files
by path. Order counts only where FLARE works in order: workflows, filters, plain lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from fedjob.flare import signatures
from fedjob.flare.releases import NEWEST
from fedjob.folder.body import line_changes
from fedjob.folder.change import ABSENT, Absent, Change, Words, appeared, diff_mappings, diff_values
from fedjob.folder.explain import show
from fedjob.folder.model import (
    App,
    ClientConfig,
    Component,
    ExecutorEntry,
    File,
    FilterChain,
    JobModel,
    ServerConfig,
)

#: Changed files of an app that are looked into; of more, size and hash tell enough.
_READ = 20


def diff(expected: JobModel, obtained: JobModel) -> tuple[Change, ...]:
    """Every difference in meaning; empty when the two jobs behave alike."""
    return tuple(_diff_jobs(expected, obtained))


def _diff_jobs(expected: JobModel, obtained: JobModel) -> Iterator[Change]:
    yield from diff_mappings(_meta(expected), _meta(obtained), "meta")
    old, new = ({app.name: app for app in job.apps} for job in (expected, obtained))
    for name, before, after in _pairs(old, new):
        if before is not None and after is not None:
            yield from _diff_apps(before, after)
        else:
            yield appeared(f"{name}:", _summary(before), _summary(after))


def _meta(job: JobModel) -> dict[str, Any]:
    """The meta data, sites in sorted order: FLARE treats them as sets."""
    data = job.meta.to_dict()
    data["deploy_map"] = {app: sorted(sites) for app, sites in job.meta.deploy_map.items()}
    if job.meta.mandatory_clients is not None:
        data["mandatory_clients"] = sorted(job.meta.mandatory_clients)
    return data


def _summary(app: App | None) -> Words | Absent:
    if app is None:
        return ABSENT
    parts = [("server configuration", app.server), ("client configuration", app.client)]
    words = [word for word, config in parts if config is not None]
    return Words(", ".join([*words, f"{len(app.files)} files"]))


def _diff_apps(expected: App, obtained: App) -> Iterator[Change]:
    place = f"{expected.name}: "
    for side in ("server", "client"):
        before, after = getattr(expected, side), getattr(obtained, side)
        if before is not None and after is not None:
            yield from _diff_configs(before, after, place + side)
        elif before is not after:
            yield appeared(place + side, *(c.to_dict() if c else ABSENT for c in (before, after)))
    old, new = ({file.path: file for file in app.files} for app in (expected, obtained))
    yield from _diff_files(old, new, place)


def _diff_files(old: Mapping[str, File], new: Mapping[str, File], place: str) -> Iterator[Change]:
    read = 0
    for path, before, after in _pairs(old, new):
        if before is None and after is not None:
            yield Change(kind="file added", place=place + path, obtained=_describe(after))
        elif after is None and before is not None:
            yield Change(kind="file removed", place=place + path, expected=_describe(before))
        elif before != after and before is not None and after is not None:
            read += 1
            yield Change(
                kind="file changed",
                place=place + path,
                expected=_describe(before),
                obtained=_describe(after),
                detail=line_changes(before, after) if read <= _READ else (),
            )


def _describe(file: File) -> Words:
    return Words(f"{file.size} bytes, sha256 {file.sha256[:12]}")


def _diff_configs(
    expected: ServerConfig | ClientConfig, obtained: ServerConfig | ClientConfig, place: str
) -> Iterator[Change]:
    if isinstance(expected, ServerConfig) and isinstance(obtained, ServerConfig):
        both = expected.workflows, obtained.workflows
        yield from _diff_entries(*both, f"{place}.workflows", _by_id, _diff_components, ordered=True)
    if isinstance(expected, ClientConfig) and isinstance(obtained, ClientConfig):
        entries = expected.executors, obtained.executors
        yield from _diff_entries(*entries, f"{place}.executors", _by_tasks, _diff_executors)
    components = expected.components, obtained.components
    yield from _diff_entries(*components, f"{place}.components", _by_id, _diff_components)
    for word in ("task_data_filters", "task_result_filters"):
        chains = getattr(expected, word), getattr(obtained, word)
        yield from _diff_entries(*chains, f"{place}.{word}", _by_tasks, _diff_chains)
    yield from diff_mappings(expected.extra, obtained.extra, place)


def _diff_executors(expected: ExecutorEntry, obtained: ExecutorEntry, place: str) -> Iterator[Change]:
    yield from _diff_tasks(expected.tasks, obtained.tasks, place)
    yield from _diff_components(expected.executor, obtained.executor, place)
    yield from diff_mappings(expected.extra, obtained.extra, place)


def _diff_chains(expected: FilterChain, obtained: FilterChain, place: str) -> Iterator[Change]:
    yield from _diff_tasks(expected.tasks, obtained.tasks, place)
    filters = expected.filters, obtained.filters
    yield from _diff_entries(*filters, f"{place}.filters", _by_class, _diff_components, ordered=True)
    yield from diff_mappings(expected.extra, obtained.extra, place)


def _diff_tasks(expected: Sequence[str], obtained: Sequence[str], place: str) -> Iterator[Change]:
    # FLARE >= 2.6 writes filter tasks in hash order: their order means nothing.
    if sorted(expected) != sorted(obtained):
        yield Change(
            kind="changed",
            place=f"{place}.tasks",
            expected=sorted(expected),
            obtained=sorted(obtained),
        )


def _diff_components(expected: Component, obtained: Component, place: str) -> Iterator[Change]:
    # "path" and "class_path" say the same; "name" is looked up in a table of classes.
    if (expected.key == "name") != (obtained.key == "name"):
        yield Change(
            kind="changed", place=f"{place}.{expected.key}", expected=expected.key, obtained=obtained.key
        )
    elif expected.path != obtained.path:
        moved = expected.path.rpartition(".")[2] == obtained.path.rpartition(".")[2]
        yield Change(
            kind="moved class" if moved else "changed",
            place=f"{place}.path",
            expected=expected.path,
            obtained=obtained.path,
        )
    if expected.id != obtained.id:
        yield from diff_values(expected.id, obtained.id, f"{place}.id")
    for change in diff_values(expected.args, obtained.args, f"{place}.args"):
        yield _with_default(change, expected.path, f"{place}.args.")
    yield from diff_mappings(expected.extra, obtained.extra, place)


def _with_default(change: Change, path: str, args: str) -> Change:
    """FLARE does not write an argument that has its default: say that value where nothing stands."""
    if change.kind not in ("added", "removed"):
        return change
    known = signatures.of(path, NEWEST) or {}
    parameter = known.get(change.place.removeprefix(args))
    # One that FLARE writes also when it was left alone is missing for another reason: an older release.
    if parameter is None or parameter.default is signatures.MISSING or parameter.rest != parameter.default:
        return change
    default = Words(f"not written, so FLARE's default {show(parameter.default)}")
    return replace(change, expected=default) if change.kind == "added" else replace(change, obtained=default)


T = TypeVar("T", Component, ExecutorEntry, FilterChain)


def _diff_entries(
    expected: tuple[T, ...],
    obtained: tuple[T, ...],
    place: str,
    key: Callable[[T], str],
    compare: Callable[[T, T, str], Iterator[Change]],
    *,
    ordered: bool = False,
) -> Iterator[Change]:
    """Match entries by `key`, then what is left over by position, and compare the pairs."""
    old, new = _keyed(expected, key), _keyed(obtained, key)
    shared = [k for k in old if k in new]
    if ordered and shared != [k for k in new if k in old]:
        yield Change(kind="reordered", place=place, expected=list(old), obtained=list(new))
    renamed = _partners([k for k in old if k not in new], [k for k in new if k not in old], old, new)
    for name, before in old.items():
        after = new.get(renamed.get(name, name))
        if after is not None:
            yield from compare(before, after, f"{place}[{name}]")
        else:
            yield Change(kind="removed", place=f"{place}[{name}]", expected=before.to_dict())
    for name, entry in new.items():
        if name not in old and name not in renamed.values():
            yield Change(kind="added", place=f"{place}[{name}]", obtained=entry.to_dict())


def _partners(gone: list[str], come: list[str], old: Mapping[str, T], new: Mapping[str, T]) -> dict[str, str]:
    """Entries that have no id and changed what they are known by: an executor's tasks, a filter's class."""
    pairs = zip(gone, come, strict=False)
    return {g: c for g, c in pairs if not _has_id(old[g]) and not _has_id(new[c])}


def _has_id(entry: Component | ExecutorEntry | FilterChain) -> bool:
    return isinstance(entry, Component) and entry.id is not None


def _keyed(entries: Iterable[T], key: Callable[[T], str]) -> dict[str, T]:
    """Entries by key; a second one of the same key is called ``key#2``."""
    seen: Counter[str] = Counter()
    result = {}
    for entry in entries:
        name = key(entry)
        seen[name] += 1
        result[name if seen[name] == 1 else f"{name}#{seen[name]}"] = entry
    return result


def _by_id(component: Component) -> str:
    return component.id if component.id is not None else _by_class(component)


def _by_class(component: Component) -> str:
    return component.path.rpartition(".")[2]


def _by_tasks(entry: ExecutorEntry | FilterChain) -> str:
    return ", ".join(sorted(entry.tasks))


V = TypeVar("V")


def _pairs(old: Mapping[str, V], new: Mapping[str, V]) -> Iterator[tuple[str, V | None, V | None]]:
    for name in [*old, *(k for k in new if k not in old)]:
        yield name, old.get(name), new.get(name)
