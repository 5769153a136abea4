"""Where the code that travels with a job was taken from."""

from __future__ import annotations

import os
from pathlib import Path

from fedjob.folder.model import JobModel


def source_roots(model: JobModel, *others: Path) -> tuple[Path, ...]:
    """The directories in which the originals of the code in ``custom/`` are looked for, so that tracebacks point there.

    Those from which it was taken come first, then `others`. What was read from a job folder was taken from a copy, like
    the one that real FLARE exports of a user's job: that comes last.
    """
    roots: dict[Path, str] = {}
    for app in model.apps:
        for file in app.files:
            relative = file.path.removeprefix("custom/")
            source = os.fspath(file.source)
            if relative != file.path and source.endswith(f"{os.sep}{relative}"):
                roots.setdefault(Path(source.removesuffix(relative)), app.name)
    copies = [root for root, app in roots.items() if _is_copy(root, app)]
    originals = [root for root in roots if root not in copies]
    return tuple(dict.fromkeys((*originals, *others, *copies)))


def _is_copy(root: Path, app: str) -> bool:
    """Whether a directory is the ``custom/`` of an app in a job folder."""
    return root.name == "custom" and root.parent.name == app and any(root.parent.parent.glob("meta.*"))
