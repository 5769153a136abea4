"""CrossSiteEval: every site's model, and the server's, on every site's data, in terms of FLModels.

Answers ``nvflare.app_common.workflows.cross_site_eval``.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from fedjob.components.persistor import ModelPersistor
from fedjob.components.workflows.model_controller import ModelController
from fedjob.exchange import fobs
from fedjob.exchange.app_constants import AppConstants, DefaultCheckpointFileName, ModelName
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils

_JSON = "cross_val_results.json"


class CrossSiteEval(ModelController):
    """Server models are looked up with the persistor by file name; without one they are files of their own.

    Writes ``cross_site_val/cross_val_results.json`` itself. Times are in seconds.
    """

    def __init__(
        self,
        *args: Any,
        cross_val_dir: str = AppConstants.CROSS_VAL_DIR,
        submit_model_timeout: int = 600,
        validation_timeout: int = 6000,
        server_models: list[str] = [DefaultCheckpointFileName.GLOBAL_MODEL],  # noqa: B006  # FLARE's default
        participating_clients: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._cross_val_dir = cross_val_dir
        self._submit_model_timeout = submit_model_timeout
        self._validation_timeout = validation_timeout
        self._server_models = server_models
        self._participating_clients = participating_clients
        self._val_results: dict[str, dict[str, Any]] = {}
        self._client_models: dict[str, str | None] = {}
        self._json_val_results: dict[str, dict[str, Any]] = {}
        self._models = Path()

    def initialize(self, fl_ctx: FLContext) -> None:  # type: ignore[override]  # the controller's
        super().initialize(fl_ctx)
        root = Path(self.get_run_dir(), self._cross_val_dir)
        self._models = root / AppConstants.CROSS_VAL_MODEL_DIR_NAME
        for folder in (self._models, root / AppConstants.CROSS_VAL_RESULTS_DIR_NAME):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        if self._participating_clients is None:
            self._participating_clients = self.sample_clients()
        for name in self._participating_clients:
            self._client_models[name] = None
            self._val_results[name] = {}

    def run(self) -> None:
        """Raises ValueError for a server model that cannot be loaded."""
        data = FLModel(params={}, meta={AppConstants.SUBMIT_MODEL_NAME: ModelName.BEST_MODEL})
        self.send_model(
            task_name=AppConstants.TASK_SUBMIT_MODEL,
            data=data,
            targets=self._participating_clients,
            timeout=self._submit_model_timeout,
            callback=self._receive_local_model_cb,
        )
        for name in self._server_models:
            self._send_validation_task(name, self._server_model(name))
        while self.get_num_standing_tasks():
            if self.is_aborted():
                return
            time.sleep(self._task_check_period)
        self.save_results()

    def _server_model(self, name: str) -> FLModel:
        try:
            if isinstance(self.persistor, ModelPersistor):
                learnable: Any = self.persistor.get_model(name, self.fl_ctx)
                return FLModelUtils.from_model_learnable(learnable)
            loaded: FLModel = fobs.loadf(name)
        except Exception as e:
            raise ValueError(f"the server model {name!r} cannot be loaded: {type(e).__name__}: {e}") from e
        return loaded

    def _receive_local_model_cb(self, model: FLModel) -> None:
        site = model.meta["client_name"]
        path = self._models / site
        fobs.dumpf(model, str(path))
        self._client_models[site] = str(path)
        self._send_validation_task(site, model)

    def _send_validation_task(self, model_name: str, model: FLModel) -> None:
        model.meta[AppConstants.MODEL_OWNER] = model_name
        self.send_model(
            task_name=AppConstants.TASK_VALIDATION,
            data=model,
            targets=self._participating_clients,
            timeout=self._validation_timeout,
            callback=self._receive_val_result_cb,
        )

    def _receive_val_result_cb(self, model: FLModel) -> None:
        site = model.meta["client_name"]
        owner = model.meta["props"].get(AppConstants.MODEL_OWNER, None)
        self.track_results(owner, site, model)
        path = self._models / f"{site}_{owner}"
        fobs.dumpf(model, str(path))
        self._val_results.setdefault(site, {})[owner] = str(path)

    def track_results(self, model_owner: str | None, data_client: str | None, val_results: FLModel) -> None:
        """Keep the metrics of one validation for the JSON file."""
        for what, value in (("model owner", model_owner), ("data site", data_client)):
            if not value:
                self.error(f"a validation result came without its {what}")
        self._json_val_results.setdefault(str(data_client), {})[str(model_owner)] = val_results.metrics

    def save_results(self) -> None:
        folder = Path(self.get_run_dir(), AppConstants.CROSS_VAL_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _JSON).write_text(json.dumps(self._json_val_results, indent=2), encoding="utf-8")
