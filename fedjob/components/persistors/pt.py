"""PTFileModelPersistor: the global PyTorch model, in files of the server's app folder.

Answers ``nvflare.app_opt.pt.file_model_persistor``.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import OrderedDict
from pathlib import Path
from typing import Any

from fedjob.components.building import instantiate_class
from fedjob.components.persistor import ModelDescriptor, ModelPersistor
from fedjob.components.persistors.pt_checkpoint import PTModelPersistenceFormatManager
from fedjob.exchange.app_constants import AppConstants, DefaultCheckpointFileName, EnvironmentKey
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, WorkspaceConstants
from fedjob.exchange.learnable import ModelLearnable

#: In the app's folder.
_ENVIRONMENT = "config/environment.json"


class PTFileModelPersistor(ModelPersistor):
    """Starts from a checkpoint (`source_ckpt_file_full_name`, else the one that the app's environment file names),
    else from `model`.

    `model` is a torch module, a component id, or ``{"path", "args"}``. The model is saved every round as
    `global_model_file_name`, and as `best_global_model_file_name` when the selector finds it to be the best so far.
    What cannot be loaded ends the run.
    """

    _EVENTS = frozenset({EventType.START_RUN, AppEventType.GLOBAL_BEST_MODEL_AVAILABLE})

    def __init__(
        self,
        exclude_vars: str | None = None,
        model: Any = None,
        global_model_file_name: str = DefaultCheckpointFileName.GLOBAL_MODEL,
        best_global_model_file_name: str = DefaultCheckpointFileName.BEST_GLOBAL_MODEL,
        source_ckpt_file_full_name: str | None = None,
        filter_id: str | None = None,
        load_weights_only: bool = True,
        allow_numpy_conversion: bool = True,
        load_device: str | None = None,
    ) -> None:
        super().__init__(filter_id=filter_id)
        self.exclude_vars = re.compile(exclude_vars) if exclude_vars else None
        self.model = model
        self.global_model_file_name = global_model_file_name
        self.best_global_model_file_name = best_global_model_file_name
        self.source_ckpt_file_full_name = source_ckpt_file_full_name
        self.load_weights_only = load_weights_only
        self._allow_numpy_conversion = allow_numpy_conversion
        self.load_device = load_device
        self.log_dir: str | None = None
        self.ckpt_preload_path: str | None = None
        self.persistence_manager: PTModelPersistenceFormatManager | None = None
        self.default_train_conf: dict[str, Any] | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._initialize(fl_ctx)
        elif event_type == AppEventType.GLOBAL_BEST_MODEL_AVAILABLE:
            model = fl_ctx.get_prop(AppConstants.GLOBAL_MODEL)
            if model:
                self._manager(fl_ctx).update(model)
            self.save_model_file(str(self._folder() / self.best_global_model_file_name))

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """The model to start from; None when the run was ended for want of one."""
        data = self._load_data(fl_ctx)
        if data is None:
            return None  # type: ignore[return-value]  # as in FLARE: the run is over
        if self.model:
            self.default_train_conf = {"train": {"model": type(self.model).__name__}}
        self.persistence_manager = self._new_manager(data)
        return self.persistence_manager.to_model_learnable(self.exclude_vars)

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        self._manager(fl_ctx).update(model)
        self.save_model_file(str(self._folder() / self.global_model_file_name))

    def save_model_file(self, save_path: str) -> None:
        """Write the current checkpoint; a reader sees the old file or the new one, never half of it."""
        import torch

        assert self.persistence_manager is not None  # loading the model made it
        target = Path(save_path)
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            with beside.open("xb") as file:
                torch.save(self.persistence_manager.to_persistence_dict(), file)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)

    def get_model(self, model_file: str, fl_ctx: FLContext) -> ModelLearnable | None:
        """A stored model; None when there is no such file or it cannot be read."""
        found = self.get_model_inventory(fl_ctx).get(model_file)
        return self._get_model_from_location(found.location, fl_ctx) if found else None

    def get_model_inventory(self, fl_ctx: FLContext) -> dict[str, ModelDescriptor]:
        source = self.source_ckpt_file_full_name
        inventory = {}
        if source and Path(source).exists():
            inventory[Path(source).name] = self._describe(source, source, {"source": "initial_ckpt"}, fl_ctx)
        for name in (self.global_model_file_name, self.best_global_model_file_name):
            location = self._folder() / name
            if location.exists():
                inventory[Path(name).name] = self._describe(name, str(location), {}, fl_ctx)
        return inventory

    def _describe(
        self, name: str, location: str, props: dict[str, Any], fl_ctx: FLContext
    ) -> ModelDescriptor:
        return ModelDescriptor(name, location, self._manager(fl_ctx).get_persist_model_format(), props)

    def _get_model_from_location(self, location: str, fl_ctx: FLContext) -> ModelLearnable | None:
        import torch

        try:
            data = torch.load(location, map_location="cpu", weights_only=self.load_weights_only)
            return self._new_manager(data).to_model_learnable(self.exclude_vars)
        except Exception:
            self.log_exception(fl_ctx, f"cannot load the checkpoint {location}")
            return None

    def _manager(self, fl_ctx: FLContext) -> PTModelPersistenceFormatManager:
        if not self.persistence_manager:
            self.load_model(fl_ctx)
        assert self.persistence_manager is not None
        return self.persistence_manager

    def _new_manager(self, data: dict[str, Any]) -> PTModelPersistenceFormatManager:
        return PTModelPersistenceFormatManager(
            data,
            default_train_conf=self.default_train_conf,
            allow_numpy_conversion=self._allow_numpy_conversion,
        )

    def _folder(self) -> Path:
        assert self.log_dir is not None  # START_RUN set it
        return Path(self.log_dir)

    def _initialize(self, fl_ctx: FLContext) -> None:
        app_root = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT))
        if not self._read_environment(app_root, fl_ctx):
            return
        log_dir = fl_ctx.get_prop(AppConstants.LOG_DIR)
        self.log_dir = str(app_root / log_dir if log_dir else app_root)
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        preload = fl_ctx.get_prop(AppConstants.CKPT_PRELOAD_PATH)
        if preload:
            self.ckpt_preload_path = str(app_root / preload)
        problem = self._build_model(fl_ctx)
        if problem:
            self.system_panic(problem, fl_ctx)

    def _read_environment(self, app_root: Path, fl_ctx: FLContext) -> bool:
        """Take over the folder and file that the app's environment file names; False when it is unreadable."""
        path = app_root / _ENVIRONMENT
        if not path.exists():
            return True
        try:
            env = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            self.system_panic(f"cannot read the environment file {path}", fl_ctx)
            return False
        if folder := env.get(EnvironmentKey.CHECKPOINT_DIR):
            fl_ctx.set_prop(AppConstants.LOG_DIR, folder, private=True, sticky=True)
        if (name := env.get(EnvironmentKey.CHECKPOINT_FILE_NAME)) is not None:
            fl_ctx.set_prop(AppConstants.CKPT_PRELOAD_PATH, name, private=True, sticky=True)
        return True

    def _build_model(self, fl_ctx: FLContext) -> str | None:
        """Make `model` a torch module; gives what is wrong with it."""
        what, required = "the model", True
        if isinstance(self.model, dict):
            path = self.model.get("path")
            if not path:
                return "a model given as a dict must name its class as 'path'"
            what = f"the model's class {path}"
            try:
                self.model = instantiate_class(path, self.model.get("args", {}))
            except Exception as e:
                return f"cannot build the model {path}: {e}"
        elif isinstance(self.model, str):
            what = f"the model component {self.model!r}"
            self.model = fl_ctx.get_engine().get_component(self.model)
            if not self.model:
                return f"cannot find {what}"
        else:
            required = bool(self.model)
        if not required:
            return None
        import torch

        if isinstance(self.model, torch.nn.Module):
            return None
        return f"{what} must be a torch.nn.Module, but is {type(self.model).__name__}"

    def _load_data(self, fl_ctx: FLContext) -> dict[str, Any] | None:
        source = self._source(fl_ctx)
        try:
            if source is not None:
                return self._read(source)
            state: dict[str, Any] = self.model.state_dict() if self.model is not None else OrderedDict()
        except Exception as e:
            what = (
                f"cannot load the model checkpoint {source}"
                if source
                else "cannot get the model's state_dict"
            )
            self.log_exception(fl_ctx, what)
            self.system_panic(f"{what}: {e}", fl_ctx)
            return None
        return state

    def _source(self, fl_ctx: FLContext) -> str | None:
        if not self.source_ckpt_file_full_name:
            return self.ckpt_preload_path
        # A relative path is one in the app's custom folder.
        custom = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT), WorkspaceConstants.CUSTOM_FOLDER_NAME)
        return str(custom / self.source_ckpt_file_full_name)

    def _read(self, source: str) -> dict[str, Any]:
        import torch

        if not Path(source).exists():
            raise FileNotFoundError(f"there is no file {source}")
        device = torch.device(self.load_device or ("cuda:0" if torch.cuda.is_available() else "cpu"))
        loaded: dict[str, Any] = torch.load(source, map_location=device, weights_only=self.load_weights_only)
        return loaded
