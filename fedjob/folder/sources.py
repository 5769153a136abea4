"""Where the code that travels with a job was taken from."""

from __future__ import annotations

import os
from pathlib import Path

from fedjob.folder.model import JobModel


def source_roots(model: JobModel) -> tuple[Path, ...]:
    """The directories from which the code in ``custom/`` was taken, so that tracebacks point there."""
    roots: dict[Path, None] = {}
    for app in model.apps:
        for file in app.files:
            relative = file.path.removeprefix("custom/")
            source = os.fspath(file.source)
            if relative != file.path and source.endswith(f"{os.sep}{relative}"):
                roots[Path(source.removesuffix(relative))] = None
    return tuple(roots)
