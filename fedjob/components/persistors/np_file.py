"""NPFileModelPersistor: one numpy array as the model of a client-controlled workflow, last and best in a file each.

Answers ``nvflare.app_common.ccwf.comps.np_file_model_persistor``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fedjob.components.paths import resolve_path_under_root
from fedjob.components.persistor import ModelDescriptor, ModelPersistor
from fedjob.components.persistors import npy
from fedjob.components.persistors.np import load_checkpoint, load_stored
from fedjob.exchange.app_constants import AppConstants, NPConstants
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable


class NPFileModelPersistor(ModelPersistor):
    """Starts from `source_ckpt_file_full_name`, else from `model_file_name`, else from 1 to 9 in a 3 by 3 float32 array.

    The other names are files in `model_dir` of the run directory.
    """

    _EVENTS = frozenset({AppEventType.GLOBAL_BEST_MODEL_AVAILABLE})

    def __init__(
        self,
        last_global_model_file_name: str = "last_global_model.npy",
        best_global_model_file_name: str = "best_global_model.npy",
        model_dir: str = "models",
        model_file_name: str = "model.npy",
        source_ckpt_file_full_name: str | None = None,
    ) -> None:
        super().__init__()
        self.last_global_model_file_name = last_global_model_file_name
        self.best_global_model_file_name = best_global_model_file_name
        self.model_dir = model_dir
        self.model_file_name = model_file_name
        self.source_ckpt_file_full_name = source_ckpt_file_full_name
        self.default_data = np.arange(1, 10, dtype=np.float32).reshape(3, 3)

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """The model. Raises ValueError when the given checkpoint cannot be loaded."""
        data: Any = None
        if self.source_ckpt_file_full_name:
            data = load_checkpoint(self.source_ckpt_file_full_name, fl_ctx)
        if data is None:
            data = load_stored(self._path(fl_ctx, self.model_file_name))
        return _learnable(self.default_data.copy() if data is None else data)

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        self._save(model, self.last_global_model_file_name, fl_ctx)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == AppEventType.GLOBAL_BEST_MODEL_AVAILABLE:
            self._save(fl_ctx.get_prop(AppConstants.GLOBAL_MODEL), self.best_global_model_file_name, fl_ctx)

    def get_model_inventory(self, fl_ctx: FLContext) -> dict[str, ModelDescriptor]:
        """The best and the last model, as far as they were saved, by the names of their files."""
        files = (self.best_global_model_file_name, self.last_global_model_file_name)
        paths = {name.split(".")[0]: self._path(fl_ctx, name) for name in files}
        return {
            name: ModelDescriptor(name=name, location=str(path), model_format="np", props={})
            for name, path in paths.items()
            if path.is_file()
        }

    def get_model(self, model_file: str, fl_ctx: FLContext) -> ModelLearnable | None:
        """The model of the inventory with that name; None without one that can be read."""
        found = self.get_model_inventory(fl_ctx).get(model_file)
        data = load_stored(Path(found.location)) if found else None
        return None if data is None else _learnable(data)

    def _save(self, model: ModelLearnable, name: str, fl_ctx: FLContext) -> None:
        path = self._path(fl_ctx, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        npy.save(path, model[ModelLearnableKey.WEIGHTS][NPConstants.NUMPY_KEY])
        self.log_info(fl_ctx, f"saved the model to {path}")

    def _path(self, fl_ctx: FLContext, name: str) -> Path:
        root = fl_ctx.get_workspace().get_run_dir(fl_ctx.get_job_id())
        return Path(resolve_path_under_root(root, str(Path(self.model_dir) / name), "model path"))


def _learnable(data: Any) -> ModelLearnable:
    return make_model_learnable(weights={NPConstants.NUMPY_KEY: data}, meta_props={})
