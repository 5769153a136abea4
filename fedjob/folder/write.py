"""Write a job folder in FLARE's bytes, built beside its place and swapped in whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import Any, BinaryIO

from fedjob.errors import FolderError, ForeignFolder
from fedjob.folder.model import App, File, JobModel
from fedjob.folder.read import CLIENT, SERVER

_CHUNK = 1 << 20


def write(model: JobModel, root: Path | str) -> Path:
    """Write `model` to ``root/<job name>`` and return that folder.

    An earlier export of the same job is replaced in one step, and is back in place if the
    step fails. Raises `ForeignFolder` when anything else is in the way, and `FolderError` when a
    file's bytes are no longer those the model describes.
    """
    root = Path(root)
    target = root / model.meta.name
    refuse_foreign(target, model.meta.name)
    root.mkdir(parents=True, exist_ok=True)
    built = _new_directory(root, model.meta.name)
    try:
        _fill(model, built)
        _swap(built, target)
    except BaseException:
        shutil.rmtree(built, ignore_errors=True)
        raise
    return target


def dump(data: dict[str, Any]) -> bytes:
    """A configuration in the bytes that FLARE's exporter writes (``json.dumps(indent=4)``, no final newline)."""
    return json.dumps(data, indent=4).encode("ascii")


def refuse_foreign(target: Path, name: str) -> None:
    """Raise `ForeignFolder` unless `target` is free, empty, or an export of the job called `name`."""
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise ForeignFolder(f"{target} is in the way and is not a job folder; move it or export elsewhere")
    entries = sorted(entry.name for entry in target.iterdir())
    if entries and (_name_of(target) != name or (strange := _strange(target, entries))):
        reason = (
            f"it holds {strange!r}" if _name_of(target) == name else f"it is not an export of job {name!r}"
        )
        raise ForeignFolder(f"{target} is in the way and {reason}; move it or export elsewhere")


def _name_of(target: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        name = json.loads((target / "meta.json").read_bytes()).get("name")
        return name if isinstance(name, str) else None
    return None


def _strange(target: Path, entries: list[str]) -> str | None:
    """The first entry that no export makes: exports hold meta.json and app folders only."""
    for entry in entries:
        is_app = (target / entry / "config").is_dir() and not (target / entry).is_symlink()
        if entry != "meta.json" and not is_app:
            return entry
    return None


def _new_directory(root: Path, name: str) -> Path:
    """A directory of nobody else's beside the place of the job."""
    while True:
        folder = _aside(root, name)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder


def _aside(root: Path, name: str) -> Path:
    return root / f".{name}-{secrets.token_hex(4)}"


def _fill(model: JobModel, folder: Path) -> None:
    (folder / "meta.json").write_bytes(dump(model.meta.to_dict()))
    for app in model.apps:
        _build_app(app, folder / app.name)


def _build_app(app: App, folder: Path) -> None:
    folder.mkdir()
    (folder / "config").mkdir()
    for stem, config in ((SERVER, app.server), (CLIENT, app.client)):
        if config is not None:
            (folder / f"{stem}.json").write_bytes(dump(config.to_dict()))
    made = {folder, folder / "config"}
    for file in app.files:
        target = folder / file.path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        _copy(file, target)


def _copy(file: File, target: Path) -> None:
    if not file.source.is_file():
        raise FolderError(f"{file.source} is gone; export the job again")
    digest = hashlib.sha256()
    with file.source.open("rb") as source, _created(target, file) as sink:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            sink.write(chunk)
        mode, fresh = (stat.S_IMODE(os.fstat(stream.fileno()).st_mode) for stream in (source, sink))
    if digest.hexdigest() != file.sha256:
        raise FolderError(f"{file.source} changed while the job was being exported; export again")
    if mode != fresh:
        target.chmod(mode)


def _created(target: Path, file: File) -> BinaryIO:
    try:
        return target.open("xb")
    except FileExistsError:
        raise FolderError(f"two files want the place {file.path!r}") from None


def _swap(built: Path, target: Path) -> None:
    if not target.exists():
        built.rename(target)
        return
    replaced = _aside(target.parent, target.name)
    target.rename(replaced)
    try:
        built.rename(target)
    except BaseException:
        replaced.rename(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)
