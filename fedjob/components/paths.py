"""Where a component may write.

Answers ``nvflare.app_common.utils.file_utils``.
"""

from __future__ import annotations

import os
from pathlib import Path


def resolve_path_under_root(root_dir: str, relative_path: str, path_name: str = "path") -> str:
    """The real path of `relative_path` below `root_dir`, links followed.

    Raises TypeError for anything but strings, ValueError when the path is absolute or leads outside.
    """
    for name, value in (("root_dir", root_dir), (path_name, relative_path)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be str, but got {type(value).__name__}")
    if Path(relative_path).is_absolute():
        raise ValueError(f"{path_name} {relative_path!r} must be relative to {root_dir}")
    root = os.path.realpath(root_dir)
    full = os.path.realpath(Path(root) / relative_path)
    if os.path.commonpath([root, full]) != root:
        raise ValueError(f"{path_name} {relative_path!r} must stay inside {root}")
    return full


def get_file_format(input_path: str) -> str:
    """The format that a file's name tells, e.g. ``json``; ``csv`` without an extension."""
    return get_ext_format(get_file_ext(input_path))


def get_file_ext(input_path: str) -> str:
    """A file name's extension without the dot."""
    return Path(input_path).suffix.removeprefix(".")


def get_ext_format(ext: str | None) -> str:
    """The format for an extension; ``csv`` for none."""
    return (ext or "").strip().removeprefix(".") or "csv"
