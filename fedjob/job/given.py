"""Whatever a caller gives as a job, as a JobModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.flare.releases import Release
from fedjob.folder.model import JobModel
from fedjob.folder.read import read
from fedjob.job import foreign
from fedjob.job.api import FedJob


def to_model(job: Any, release: Release | str | None, scratch: Path) -> JobModel:
    """`job` may be a FedJob, a job folder's path, a JobModel, or real FLARE's FedJob or Recipe.

    FLARE's own objects are exported into `scratch` by FLARE's exporter. Raises FolderError for a
    folder that is no job, JobTypeError for anything else.
    """
    if isinstance(job, JobModel):
        return job
    if isinstance(job, FedJob):
        return job.freeze(release)
    return read(foreign.export(job, scratch, release))
