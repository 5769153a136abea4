"""Where FLARE's persistors leave models in a workspace, the same on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

#: The run directory of the server.
RUN_DIR = "server/simulate_job"
_FILES = {
    "global": (
        "app_server/FL_global_model.pt",
        "models/server.npy",
        "app_server/tf_model.weights.h5",
        "FL_global_model.pt",
    ),
    "best": ("app_server/best_FL_global_model.pt",),
}


def saved_models(workspace: Path) -> Iterator[tuple[str, str]]:
    """(kind, path relative to `workspace`) of each model file that is there."""
    for kind, candidates in _FILES.items():
        for candidate in candidates:
            path = f"{RUN_DIR}/{candidate}"
            if (workspace / path).exists():
                yield kind, path
                break
