"""The workspace of a run, laid out as FLARE's simulator lays out its own.

``<ws>/server/simulate_job/app_server`` and ``<ws>/<site>/simulate_job/app_<site>`` are copies of the apps,
``meta.json`` stands beside each; in isolation `shared` the sites of an app have one copy.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedjob.engines.claim import claim
from fedjob.engines.request import ALL_SITES, SERVER, Isolation
from fedjob.folder.model import JobModel

JOB_ID = "simulate_job"
EVENTS = "events.jsonl"
_APPS = ".fedjob-apps"
#: Bytes; a larger file is copied by the system, without coming into this process.
_AT_ONCE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where each of the run's parties lives."""

    workspace: Path
    #: Where an app folder really is, for those that several sites have in common, by site.
    shared: Mapping[str, str] = field(default_factory=dict)

    def app(self, name: str) -> Path:
        """The app folder of the server or of a site."""
        return Path(self.app_dir(name))

    def app_dir(self, name: str) -> str:
        """`app` as a plain string, which for thousands of sites is cheaper."""
        return f"{self.home_dir(name)}/{JOB_ID}/app_{name}"

    def home(self, name: str) -> Path:
        """The working directory of the server or of a site."""
        return self.workspace / name

    def home_dir(self, name: str) -> str:
        """`home` as a plain string."""
        return f"{self.workspace}/{name}"

    def custom(self, name: str) -> Path:
        """The folder of user code; one and the same for sites that have their app in common."""
        return self.source(name) / "custom"

    def source(self, name: str) -> Path:
        """Where the files of a site's app are, whether its home is made or not."""
        return Path(self.source_dir(name))

    def source_dir(self, name: str) -> str:
        """`source` as a plain string."""
        return self.shared.get(name) or self.app_dir(name)

    def settle(self, name: str) -> None:
        """Make the home of a site that has its app in common with others.

        Left to the workers, and there until it is needed: there may be ten thousand, and a directory costs 0.1 ms.
        """
        home = self.home_dir(name)
        run = f"{home}/{JOB_ID}"
        if name in self.shared and not os.path.isdir(run):  # noqa: PTH112 - plain strings are cheaper.
            os.makedirs(run)  # noqa: PTH103
            os.symlink(self.shared[name], f"{run}/app_{name}")  # noqa: PTH211
            _furnish(home)

    def lobby(self, name: str) -> Path:
        """Where the sites of the worker whose first site is `name` stand until they have a home."""
        return self.workspace / _APPS / ".lobby" / name

    @property
    def events(self) -> Path:
        return self.workspace / EVENTS


def lay_out(
    folder: Path, model: JobModel, sites: Sequence[str], workspace: Path, isolation: Isolation
) -> Layout:
    """Fill `workspace` for a run of `folder`; RequestError if something in it is not ours to replace."""
    workspace = workspace.resolve()
    claim(workspace, (SERVER, *sites, EVENTS, _APPS))
    meta = json.dumps(_meta(folder, model, sites), indent=4).encode()
    _own(folder, model, (SERVER, *(sites if isolation != "shared" else ())), workspace, meta)
    shared = _share(folder, model, sites, workspace) if isolation == "shared" else {}
    return Layout(workspace=workspace, shared=shared)


def apps_of(model: JobModel, names: Iterable[str]) -> dict[str, str | None]:
    """The app deployed to each of the server and the sites; None if the job has none for it."""
    own: dict[str, str] = {}
    for app, targets in model.meta.deploy_map.items():
        for target in targets:
            own.setdefault(target, app)
    others = own.get(ALL_SITES)
    return {name: own.get(name, others) for name in names}


def _own(folder: Path, model: JobModel, names: Sequence[str], workspace: Path, meta: bytes) -> None:
    """A home with a copy of its app for each of the server and the sites."""
    copies: dict[str | None, list[str]] = {}
    for name, app in apps_of(model, names).items():
        home = f"{workspace}/{name}"
        target = f"{home}/{JOB_ID}/app_{name}"
        os.makedirs(target)  # noqa: PTH103
        _furnish(home)
        _write(f"{home}/{JOB_ID}/meta.json", meta)
        copies.setdefault(app, []).append(target)
    for app, targets in copies.items():
        if app is not None:
            _copy(f"{folder}/{app}", targets)


def _copy(source: str, targets: Sequence[str]) -> None:
    """Copy what is in a directory into each of some others, reading it once."""
    with os.scandir(source) as entries:
        for entry in entries:
            places = [f"{target}/{entry.name}" for target in targets]
            if entry.is_dir():
                for place in places:
                    os.mkdir(place)  # noqa: PTH102
                _copy(entry.path, places)
            elif entry.stat().st_size <= _AT_ONCE:
                data = Path(entry.path).read_bytes()
                for place in places:
                    _write(place, data)
            else:
                for place in places:
                    shutil.copyfile(entry.path, place)


def _write(path: str, data: bytes) -> None:
    with open(path, "xb", buffering=0) as file:  # noqa: PTH123
        file.write(data)


def _furnish(home: str) -> None:
    """What FLARE's Workspace insists on."""
    for directory in ("startup", "local"):
        os.mkdir(f"{home}/{directory}")  # noqa: PTH102


def _share(folder: Path, model: JobModel, sites: Sequence[str], workspace: Path) -> dict[str, str]:
    """One copy of each app for all of its sites: thousands of sites have a home each, and a link."""
    names = apps_of(model, sites)
    shared = {app: f"{workspace}/{_APPS}/{app or 'none'}" for app in dict.fromkeys(names.values())}
    for app, target in shared.items():
        os.makedirs(target)  # noqa: PTH103
        if app is not None:
            _copy(f"{folder}/{app}", [target])
    return {site: shared[app] for site, app in names.items()}


def _meta(folder: Path, model: JobModel, sites: Sequence[str]) -> dict[str, Any]:
    return {
        **model.meta.to_dict(),
        "job_id": JOB_ID,
        "job_folder_name": folder.name,
        "byoc": any(file.path.startswith("custom/") for app in model.apps for file in app.files),
        "job_clients": list(sites),
    }
