"""Read a job folder, whoever wrote it: FLARE 2.5-2.9, fedjob, or a person."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NoReturn

from fedjob.errors import FolderError
from fedjob.folder.fields import document, mapping, plain
from fedjob.folder.model import App, ClientConfig, File, JobModel, Meta, ServerConfig
from fedjob.folder.yaml_text import parse_yaml

#: FLARE's search order (ConfigFormat.config_ext_formats): the first that exists counts.
EXTENSIONS = (".json", ".conf", ".yml", ".yaml")
SERVER, CLIENT = "config/config_fed_server", "config/config_fed_client"

_CHUNK = 1 << 20


def read(folder: Path | str) -> JobModel:
    """The job in `folder`. Raises `FolderError` that names the exact place of what is wrong."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a directory; a job folder holds meta.json and one folder per app")
    meta_file = _find(folder, "meta")
    if meta_file is None:
        raise FolderError(f"{folder} is not a job folder: it has no meta.json")
    meta = Meta.from_dict(load(meta_file, meta_file.name), document(meta_file.name))
    return JobModel(meta=meta, apps=tuple(_read_app(folder, name) for name in _app_names(folder, meta)))


def load(path: Path, place: str) -> dict[str, Any]:
    """The object in a ``.json``, ``.yml`` or ``.conf`` file; `place` is the file's name in messages."""
    try:
        source = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FolderError(f"not UTF-8 text (byte {error.start})", place=place) from error
    if path.suffix == ".json":
        return mapping(_parse_json(source, place), document(place))
    parse = _parse_hocon if path.suffix == ".conf" else _parse_yaml
    return mapping(plain(parse(source, place), document(place)), document(place))


def hash_file(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 (hex) of a file, in constant memory."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _find(folder: Path, stem: str) -> Path | None:
    return next((path for ext in EXTENSIONS if (path := folder / f"{stem}{ext}").is_file()), None)


def _app_names(folder: Path, meta: Meta) -> list[str]:
    """Deployed apps, then any other directory that has a ``config`` folder."""
    for name in meta.deploy_map:
        if not (folder / name).is_dir():
            raise FolderError(f"the job has no app folder {name!r}", place=f"meta.json: deploy_map.{name}")
    others = {p.parent.name for p in folder.glob("*/config") if p.is_dir()} - meta.deploy_map.keys()
    return [*meta.deploy_map, *sorted(others)]


def _read_app(folder: Path, name: str) -> App:
    root = folder / name
    server, client = _find(root, SERVER), _find(root, CLIENT)
    files = _files(root, folder.resolve(), skip={server, client})
    return App(
        name=name,
        server=None if server is None else ServerConfig.from_dict(*_config(folder, server)),
        client=None if client is None else ClientConfig.from_dict(*_config(folder, client)),
        files=tuple(files),
    )


def _config(folder: Path, path: Path) -> tuple[dict[str, Any], str]:
    place = path.relative_to(folder).as_posix()
    return load(path, place), document(place)


def _files(root: Path, tree: Path, skip: set[Path | None]) -> list[File]:
    found: list[File] = []
    for directory, subdirectories, names in os.walk(root):
        for name in subdirectories:
            if (link := Path(directory, name)).is_symlink():
                raise FolderError(
                    "symbolic link to a directory", place=link.relative_to(root.parent).as_posix()
                )
        paths = (Path(directory, name) for name in names)
        found.extend(_file(path, root, tree) for path in paths if path not in skip)
    return found


def _file(path: Path, root: Path, tree: Path) -> File:
    place = path.relative_to(root.parent).as_posix()
    if path.is_symlink() and not path.resolve().is_relative_to(tree):
        raise FolderError(f"symbolic link out of the job folder, to {path.resolve()}", place=place)
    if not path.is_file():
        raise FolderError("not a regular file", place=place)
    size, sha256 = hash_file(path)
    return File(path=path.relative_to(root).as_posix(), size=size, sha256=sha256, source=path.absolute())


def _parse_json(source: str, place: str) -> object:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FolderError(f"key {twice!r} stands twice in one object", place=place)
        return result

    try:
        return json.loads(source, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise FolderError(
            f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})", place=place
        ) from error
    except RecursionError as error:
        raise FolderError("nested too deeply to be a configuration", place=place) from error


def _parse_yaml(source: str, place: str) -> object:
    import yaml

    try:
        return parse_yaml(source)
    except yaml.YAMLError as error:
        raise FolderError(f"not YAML: {' '.join(str(error).split())}", place=place) from error
    except RecursionError as error:
        raise FolderError("nested too deeply to be a configuration", place=place) from error


def _parse_hocon(source: str, place: str) -> object:
    try:
        from pyhocon import ConfigFactory
    except ImportError as error:
        raise FolderError("HOCON needs pyhocon: pip install 'pytest-fedjob[hocon]'", place=place) from error
    try:
        return ConfigFactory.parse_string(source).as_plain_ordered_dict()
    except Exception as error:
        _refuse_hocon(error, place)


def _refuse_hocon(error: Exception, place: str) -> NoReturn:
    raise FolderError(f"not HOCON: {' '.join(str(error).split())}", place=place) from error
