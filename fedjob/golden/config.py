"""A job's folder as golden text, and back."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedjob.errors import FolderError, GoldenError
from fedjob.folder.body import body
from fedjob.folder.fields import mapping, optional, required, text, text_or_none, whole
from fedjob.folder.model import App, ClientConfig, File, JobModel, Meta, ServerConfig
from fedjob.golden.canonical import dump, load

#: The format of golden files; a file of another format is refused, never guessed at.
FORMAT = 1

HEADINGS = {
    "job": "# What this job's folder must hold. Accept a change: pytest --fedjob-golden=update\n",
    "result": "# What this run's metrics must be. Accept a change: pytest --fedjob-golden=update\n",
}

_TASKED = ("executors", "task_data_filters", "task_result_filters")
#: Lists that a golden leaves out when they are empty.
_SPARSE = ("workflows", "components", *_TASKED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a golden says of itself."""

    kind: str  #: ``job`` or ``result``
    release: str | None = None  #: FLARE release that the export was made for
    normalised: tuple[str, ...] = ()  #: normalisers that changed something

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"golden": FORMAT, "kind": self.kind}
        if self.release is not None:
            data["release"] = self.release
        if self.normalised:
            data["normalised"] = list(self.normalised)
        return data


def to_tree(model: JobModel, bodies: Sequence[str] = ()) -> dict[str, Any]:
    """The job as plain data: meta data, then configuration and files by app.

    Files whose path matches one of `bodies` (``custom/*.py``) come with their text.
    """
    return {"meta": model.meta.to_dict(), "apps": {app.name: _app_tree(app, bodies) for app in model.apps}}


def from_tree(tree: Mapping[str, Any]) -> JobModel:
    """Invert `to_tree`; the files' bytes are nowhere, only their sizes and hashes are known."""
    meta = Meta.from_dict(tree["meta"], "meta")
    apps = mapping(tree["apps"], "apps")
    return JobModel(meta=meta, apps=tuple(_app(name, mapping(data, name)) for name, data in apps.items()))


def write_text(tree: Mapping[str, Any], header: Header) -> str:
    """The whole file: heading, header, content."""
    return HEADINGS[header.kind] + dump({**header.to_dict(), **tree})


def read_text(source: str, place: str, kind: str) -> tuple[Header, dict[str, Any]]:
    """Header and content of a golden file.

    Raises `GoldenError`, with the file's name and a way out, when it is empty, broken, of
    another format or of another kind.
    """
    data = load(source, place)
    if data is None:
        raise GoldenError(f"golden {place} is empty; restore or update it")
    if not isinstance(data, dict) or "golden" not in data:
        raise GoldenError(f"{place} is not a golden: it has no 'golden: {FORMAT}' line; restore or update it")
    if data.pop("golden") != FORMAT:
        raise GoldenError(
            f"golden {place} has another format than {FORMAT}; update it, or use the fedjob that wrote it"
        )
    header = Header(
        kind=str(data.pop("kind", "")),
        release=data.pop("release", None),
        normalised=tuple(data.pop("normalised", ())),
    )
    if header.kind != kind:
        raise GoldenError(
            f"golden {place} is of a {header.kind or 'nameless kind'}, not of a {kind}; give it another name"
        )
    return header, data


def read_model(tree: Mapping[str, Any], place: str) -> JobModel:
    """The job in a golden's content; raises `GoldenError` that names the place of what is wrong."""
    try:
        return from_tree(tree)
    except FolderError as error:
        raise GoldenError(f"golden {place} is not valid: {error}; restore or update it") from None
    except KeyError as error:
        raise GoldenError(f"golden {place} is not valid: it has no {error}; restore or update it") from None


def _app_tree(app: App, bodies: Sequence[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for side, config in (("server", app.server), ("client", app.client)):
        if config is not None:
            tree[side] = {
                k: _by_task(v) if k in _TASKED and k not in config.extra else v
                for k, v in config.to_dict().items()
                if v or k not in _SPARSE or k in config.extra
            }
    if app.files:
        tree["files"] = {file.path: _file_tree(file, bodies) for file in app.files}
    return tree


def _file_tree(file: File, bodies: Sequence[str]) -> dict[str, Any]:
    tree = {"size": file.size, "sha256": file.sha256}
    wanted = any(fnmatch.fnmatchcase(file.path, pattern) for pattern in bodies)
    words = body(file) if wanted else None
    return tree if words is None else {**tree, "text": words}


def _by_task(entries: Any) -> Any:
    """Sort the tasks of executors and filter chains: FLARE >= 2.6 writes them in hash order."""
    if not isinstance(entries, list):
        return entries
    return [
        {**e, "tasks": sorted(e["tasks"])} if isinstance(e, dict) and "tasks" in e else e for e in entries
    ]


def _app(name: str, data: dict[str, Any]) -> App:
    return App(
        name=name,
        server=optional(data, "server", name, ServerConfig.from_dict, _NO_SERVER),
        client=optional(data, "client", name, ClientConfig.from_dict, _NO_CLIENT),
        files=optional(data, "files", name, _files, ()),
    )


_NO_SERVER: ServerConfig | None = None
_NO_CLIENT: ClientConfig | None = None


def _files(value: object, place: str) -> tuple[File, ...]:
    return tuple(_file(path, mapping(entry, place), place) for path, entry in mapping(value, place).items())


def _file(path: str, entry: dict[str, Any], place: str) -> File:
    return File(
        path=path,
        size=required(entry, "size", place, whole),
        sha256=required(entry, "sha256", place, text),
        source=Path(path),
        text=optional(entry, "text", place, text_or_none, None),
    )
