"""The server's side of softmax regression: where the global model starts and where it is kept."""

import os

import numpy as np
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.abstract.model import ModelLearnable, ModelLearnableKey, make_model_learnable
from nvflare.app_common.abstract.model_persistor import ModelPersistor


class SoftmaxPersistor(ModelPersistor):
    """Starts from zeros and saves the global model as one .npz file in the run's directory."""

    def __init__(self, features: int = 64, classes: int = 10, file_name: str = "softmax.npz") -> None:
        super().__init__()
        self.features = features
        self.classes = classes
        self.file_name = file_name

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        weights = np.zeros((self.features, self.classes))
        return make_model_learnable({"weights": weights, "bias": np.zeros(self.classes)}, {})

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        np.savez(os.path.join(run_dir, self.file_name), **model[ModelLearnableKey.WEIGHTS])
