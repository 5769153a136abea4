"""Read the parameters of a saved model without running any code that the file may hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fedjob.errors import ResultError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The one key under which FLARE's numpy persistor keeps its array (NPConstants.NUMPY_KEY).
NUMPY_KEY = "numpy_key"


def read_weights(path: Path) -> dict[str, NDArray[np.generic]]:
    """Parameters by name, shapes and dtypes as saved.

    Raises ResultError for a file that is missing, damaged, or of a kind we cannot read.
    """
    try:
        if path.suffix in (".npy", ".npz"):
            return _read_numpy(path)
        if path.suffix in (".pt", ".pth"):
            return _read_torch(path)
    except (OSError, ValueError, EOFError, RuntimeError) as e:
        raise ResultError(f"cannot read the model {path}: {e}") from e
    raise ResultError(f"cannot read the model {path}: only .npy, .npz, .pt and .pth files are known")


def _read_numpy(path: Path) -> dict[str, NDArray[np.generic]]:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return {NUMPY_KEY: loaded}
    with loaded:
        return {name: loaded[name] for name in loaded.files}


def _read_torch(path: Path) -> dict[str, NDArray[np.generic]]:
    import torch

    loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    # FLARE's persistor wraps the state dict: {"model": ..., "train_conf": ...}.
    state = loaded.get("model", loaded)
    return {name: torch.as_tensor(value).detach().numpy() for name, value in state.items()}
