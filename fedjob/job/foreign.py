"""Jobs that are not ours: real FLARE's FedJob and Recipe, exported by FLARE's own exporter, and job folders."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fedjob.errors import JobTypeError, ReleaseError
from fedjob.flare.releases import Release
from fedjob.job import run
from fedjob.job.api import own_job


class ForeignJob:
    """A job of real FLARE's, exported while its script ran; lives as long as this object.

    It is a path: whatever takes a job folder takes it.
    """

    def __init__(self, write: Callable[[str], Any]) -> None:
        root = Path(tempfile.mkdtemp(prefix="fedjob-"))
        weakref.finalize(self, shutil.rmtree, root, ignore_errors=True)
        write(str(root))
        self.folder = next(path.parent for path in root.glob("*/meta.json"))
        self.name = self.folder.name
        #: A number of sites, or their names: what its script would run it with.
        self.default_sites: int | tuple[str, ...] | None = None

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"<job {self.name!r} of the installed FLARE>"


def export(job: Any, dest: Path | str, release: Release | str | None = None) -> Path:
    """The job folder of `job`, below `dest`; a folder is returned as it is.

    `release` counts for our FedJob and recipes; real FLARE exports for the release that is installed, and another one is a
    ReleaseError. Raises JobTypeError for what is not a job.
    """
    if (own := own_job(job)) is not None:
        return run.export(own, Path(dest), release)
    if isinstance(job, ForeignJob):
        _refuse_other(release)
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
        installed = Release.of_version(version("nvflare"))
    except PackageNotFoundError:
        return
    if release is not None and Release.of(release) != installed:
        raise ReleaseError(
            f"this job is one of the installed FLARE {installed} and cannot be exported for {Release.of(release)}; "
            "let fedjob answer the script's imports: fedjob_shim = always, or load_script(..., shim='always')"
        )
