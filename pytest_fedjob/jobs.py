"""Whatever a test calls a job, as a JobModel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedjob.folder.model import JobModel


def to_model(job: Any, release: str | None, scratch: Path) -> JobModel:
    """`job` may be a FedJob, a job folder's path, a JobModel, or a real FLARE FedJob or Recipe.

    FLARE's own objects are exported into `scratch` by FLARE's exporter.
    Raises `FolderError` for a folder that is no job, and `JobTypeError` for anything else.
    """
    from fedjob.errors import JobTypeError
    from fedjob.folder.model import JobModel
    from fedjob.folder.read import read

    if isinstance(job, JobModel):
        return job
    if isinstance(job, (str, os.PathLike)):
        return read(Path(job))
    freeze = getattr(job, "freeze", None)
    if callable(freeze):
        model = freeze(release)
        if isinstance(model, JobModel):
            return model
    if (
        type(job).__module__.partition(".")[0] == "nvflare"
        or hasattr(job, "export_job")
        or hasattr(job, "export")
    ):
        from fedjob.job import foreign

        return read(foreign.export(job, scratch))
    raise JobTypeError(
        f"{type(job).__name__} is not a job; give a FedJob, a Recipe, or the path of a job folder"
    )
