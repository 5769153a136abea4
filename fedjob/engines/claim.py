"""What in a workspace belongs to a run: a later run in the same place replaces that, and touches nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from fedjob.errors import RequestError

#: Lists what a run has made.
_MARK = ".fedjob-run.json"


def claim(workspace: Path, names: Sequence[str]) -> None:
    """Make `names` in `workspace` ours: what an earlier run has left is removed, this one's is on its list.

    RequestError if any of them is there and no run made it.
    """
    try:
        workspace.mkdir(parents=True)
    except FileExistsError:
        ours = _ours(workspace)
        _refuse(workspace, [name for name in names if name not in ours and os.path.lexists(workspace / name)])
        for name in ours:
            _remove(workspace / name)
    (workspace / _MARK).write_text(json.dumps(list(names)))


def require_own(workspace: Path) -> None:
    """For a run that clears its workspace: RequestError if there is anything in it that no run made."""
    if workspace.is_dir():
        ours = _ours(workspace) | {_MARK}
        _refuse(workspace, sorted(entry.name for entry in workspace.iterdir() if entry.name not in ours))


def own_all(workspace: Path) -> None:
    """All that is in `workspace` is of the run that has just ended."""
    made = sorted(entry.name for entry in workspace.iterdir())
    (workspace / _MARK).write_text(json.dumps(made))


def _ours(workspace: Path) -> set[str]:
    try:
        listed: Iterable[str] = json.loads((workspace / _MARK).read_text())
    except (OSError, ValueError):
        return set()
    # Whatever the list says, nothing outside of the workspace.
    return {name for name in listed if Path(name).name == name and name not in {"", ".."}}


def _refuse(workspace: Path, foreign: Sequence[str]) -> None:
    if foreign:
        raise RequestError(
            f"workspace {workspace} already holds {foreign[0]!r}, which no run of fedjob made; "
            "it is left untouched: choose an empty directory, or remove it yourself"
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
