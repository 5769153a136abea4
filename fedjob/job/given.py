"""Whatever a caller gives as a job, as a JobModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.flare.releases import Release
from fedjob.folder.model import JobModel
from fedjob.folder.read import read
from fedjob.job import foreign
from fedjob.job.api import own_job


def to_model(job: Any, release: Release | str | None, scratch: Path) -> JobModel:
    """`job` may be a FedJob, a recipe, a job folder's path, a JobModel, or real FLARE's FedJob or Recipe.

    FLARE's own objects are exported into `scratch` by FLARE's exporter. Raises FolderError for a
    folder that is no job, JobTypeError for anything else.
    """
    if isinstance(job, JobModel):
        return job
    if (own := own_job(job)) is not None:
        return own.freeze(release)
    return read(foreign.export(job, scratch, release))
