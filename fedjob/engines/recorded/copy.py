"""Copy a job folder and add our recorder to the copy; the user's folder stays as it is."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection
from pathlib import Path

from fedjob.engines.request import ALL_SITES, SERVER
from fedjob.folder.model import App, Component, File, JobModel
from fedjob.folder.read import read
from fedjob.folder.write import write

RECORDER_ID = "fedjob_recorder"
_RECORDER_FILE = Path(__file__).with_name("fedjob_recorder.py")


def copy_with_recorder(
    folder: Path, root: Path, events: Path | str, started: float | None, *, only: Collection[str] = ()
) -> Path:
    """Write the job under `root` with the recorder in its server app; returns the new job folder.

    The recorder appends to `events`; a relative one lies in the server's run directory. It counts seconds from
    `started` (since the epoch), from the job's own start if that is None. `only`: the sites that an app for all is
    deployed to, where not all of them are to take part.
    """
    model = read(folder)
    component = Component(
        id=RECORDER_ID,
        path=f"{_RECORDER_FILE.stem}.Recorder",
        args={"events_path": str(events), "started": started},
        extra={},
    )
    apps = tuple(_with(a, component) if _is_server_app(model, a) else a for a in model.apps)
    meta = model.meta
    if only:
        deploy_map = {
            app: (SERVER, *only) if ALL_SITES in sites else sites for app, sites in meta.deploy_map.items()
        }
        meta = dataclasses.replace(meta, deploy_map=deploy_map)
    return write(dataclasses.replace(model, meta=meta, apps=apps), root)


def _is_server_app(model: JobModel, app: App) -> bool:
    return app.server is not None and bool({SERVER, ALL_SITES} & set(model.meta.deploy_map.get(app.name, ())))


def _with(app: App, component: Component) -> App:
    assert app.server is not None
    data = _RECORDER_FILE.read_bytes()
    file = File(
        path=f"custom/{_RECORDER_FILE.name}",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        source=_RECORDER_FILE,
    )
    server = dataclasses.replace(app.server, components=(*app.server.components, component))
    return dataclasses.replace(app, server=server, files=(*app.files, file))
