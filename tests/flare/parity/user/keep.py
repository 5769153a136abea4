"""A persistor that keeps every model the workflow saves, as JSON in the run's directory."""

import json
import os

import numpy as np
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.abstract.model import ModelLearnable, ModelLearnableKey, make_model_learnable
from nvflare.app_common.abstract.model_persistor import ModelPersistor
from nvflare.app_common.app_constant import AppConstants
from nvflare.app_common.app_event_type import AppEventType


class Keep(ModelPersistor):
    def __init__(self, integers: bool = False) -> None:
        super().__init__()
        self.integers = integers
        self._saved = 0

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == AppEventType.GLOBAL_BEST_MODEL_AVAILABLE:
            self._write("best_model.json", fl_ctx.get_prop(AppConstants.GLOBAL_MODEL), fl_ctx)

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        weights = {"body.w": np.zeros((2, 2), np.float32), "head.b": np.full(3, 2.0)}
        if self.integers:
            weights["body.seen"] = np.array(0)
        return make_model_learnable(weights, {"from": "keep"})

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        self._write(f"model_{self._saved}.json", model, fl_ctx)
        self._saved += 1

    def get_model(self, model_file: str, fl_ctx: FLContext) -> ModelLearnable:
        return self.load_model(fl_ctx)

    def _write(self, name, model, fl_ctx):
        run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        weights = {
            k: [str(np.asarray(v).dtype), np.asarray(v).tolist()]
            for k, v in model[ModelLearnableKey.WEIGHTS].items()
        }
        meta = sorted(model.get(ModelLearnableKey.META) or {})
        with open(os.path.join(run_dir, name), "w") as f:
            json.dump({"weights": weights, "meta": meta}, f)
