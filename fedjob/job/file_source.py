"""FileSource: any file or directory to travel with an app, as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.errors import JobError

_FOLDERS = ("custom", "config")


class FileSource:
    """Goes to ``custom/`` or ``config/``, below `dest_dir`; a directory's content goes there, not the directory.

    Raises JobError for a path that is not there, an unknown folder, an absolute `dest_dir`.
    """

    def __init__(
        self, src_path: str, dest_dir: str | None = None, app_folder_type: str | None = None
    ) -> None:
        if app_folder_type and app_folder_type not in _FOLDERS:
            raise JobError(
                f"invalid app_folder_type {app_folder_type!r}: choose one of {', '.join(_FOLDERS)}"
            )
        if not Path(src_path).exists():
            raise JobError(f"src_path {src_path} does not exist")
        if dest_dir and not isinstance(dest_dir, str):
            raise JobError(f"dest_dir must be a str, but got {type(dest_dir).__name__}")
        if dest_dir and Path(dest_dir).is_absolute():
            raise JobError(
                f"dest_dir {dest_dir} must not be absolute: it is a place below custom/ or config/"
            )
        self.src_path = src_path
        self.dest_dir = dest_dir
        self.app_folder_type = app_folder_type

    def add_to_fed_job(self, job: Any, ctx: Any, **kwargs: Any) -> None:
        job.check_kwargs(args_to_check=kwargs, args_expected={})
        job.add_file_source(
            src_path=self.src_path, dest_dir=self.dest_dir, app_folder_type=self.app_folder_type, ctx=ctx
        )
