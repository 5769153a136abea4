"""Jobs that are not ours: real FLARE's FedJob and Recipe, exported by FLARE's own exporter, and job folders."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fedjob.errors import JobTypeError, ReleaseError
from fedjob.flare.releases import Release
from fedjob.job import run
from fedjob.job.api import FedJob


def export(job: Any, dest: Path | str, release: Release | str | None = None) -> Path:
    """The job folder of `job`, below `dest`; a folder is returned as it is.

    `release` counts for our FedJob; real FLARE exports for the release that is installed, and another one is a
    ReleaseError. Raises JobTypeError for what is not a job.
    """
    if isinstance(job, FedJob):
        return run.export(job, Path(dest), release)
    if isinstance(job, (str, os.PathLike)):
        return Path(job)
    inner = getattr(job, "_job", job)
    write = getattr(job, "export_job", None) or getattr(job, "export", None)
    name = getattr(inner, "name", None)
    if write is None or not isinstance(name, str):
        raise JobTypeError(
            f"{type(job).__name__} is not a job: give a FedJob, a Recipe, or the path of a job folder"
        )
    _refuse_other(release)
    write(str(dest))
    return Path(dest) / name


def _refuse_other(release: Release | str | None) -> None:
    try:
        installed = Release.of(version("nvflare"))
    except PackageNotFoundError:
        return
    if release is not None and Release.of(release) != installed:
        raise ReleaseError(
            f"this job is one of the installed FLARE {installed} and cannot be exported for {Release.of(release)}"
        )
