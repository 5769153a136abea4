"""NPModelPersistor: one numpy array as the global model, in ``models/server.npy`` of the server's run directory.

Answers ``nvflare.app_common.np.np_model_persistor``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fedjob.components.paths import resolve_path_under_root
from fedjob.components.persistor import ModelPersistor
from fedjob.components.persistors import npy
from fedjob.exchange.app_constants import NPConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, WorkspaceConstants
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable

#: The model when nothing is given.
_DEFAULT = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


class NPModelPersistor(ModelPersistor):
    """Starts from `source_ckpt_file_full_name`, else from the file of an earlier run, else from `model` (as float32)."""

    def __init__(
        self,
        model_dir: str = "models",
        model_name: str = "server.npy",
        model: list[Any] | None = None,
        source_ckpt_file_full_name: str | None = None,
    ) -> None:
        super().__init__()
        self.model_dir = model_dir
        self.model_name = model_name
        self.model: Any = model
        self.source_ckpt_file_full_name = source_ckpt_file_full_name

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """The model. Raises ValueError when the given checkpoint cannot be loaded, RuntimeError without a job id."""
        data: Any = None
        if self.source_ckpt_file_full_name:
            data = load_checkpoint(self.source_ckpt_file_full_name, fl_ctx)
        if data is None:
            data = self._stored(fl_ctx)
        if data is None:
            data = np.array(_DEFAULT if self.model is None else self.model, dtype=np.float32)
        self.logger.info("the initial model is %s", data)  # which formats it only if somebody reads it.
        return make_model_learnable(weights={NPConstants.NUMPY_KEY: data}, meta_props={})

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        root = fl_ctx.get_workspace().get_result_root(_job_id(fl_ctx))
        path = Path(resolve_path_under_root(root, self._relative(), "model path"))
        path.parent.mkdir(parents=True, exist_ok=True)
        npy.save(path, model[ModelLearnableKey.WEIGHTS][NPConstants.NUMPY_KEY])
        self.log_info(fl_ctx, f"saved the model to {path}")

    def _relative(self) -> str:
        return str(Path(self.model_dir) / self.model_name)

    def _stored(self, fl_ctx: FLContext) -> Any:
        root = fl_ctx.get_workspace().get_run_dir(_job_id(fl_ctx))
        return load_stored(Path(resolve_path_under_root(root, self._relative(), "model path")))


def load_checkpoint(name: str, fl_ctx: FLContext) -> Any:
    """The array in a file that the user names; a relative path is one in the app's custom folder.

    Raises ValueError when it cannot be loaded.
    """
    path = Path(name)
    if not path.is_absolute():
        path = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT), WorkspaceConstants.CUSTOM_FOLDER_NAME, path)
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as e:
        raise ValueError(f"cannot load the model checkpoint {path}: {e}") from e


def load_stored(path: Path) -> Any:
    """The array of an earlier run; None if there is none that can be read."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None


def _job_id(fl_ctx: FLContext) -> Any:
    job_id = fl_ctx.get_job_id()
    if job_id is None:
        raise RuntimeError("the context has no job id")
    return job_id
