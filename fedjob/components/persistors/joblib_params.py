"""JoblibModelParamPersistor: parameters of a scikit-learn model, as a joblib file in the server's app directory.

Answers ``nvflare.app_opt.sklearn.joblib_model_param_persistor``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.components.persistor import ModelPersistor
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable

_PATH = "model_path"


class JoblibModelParamPersistor(ModelPersistor):
    """Starts from `model_path` (absolute), else from the file of an earlier run, else from `initial_params`.

    Saves after the last round only, as FLARE does.
    """

    def __init__(
        self,
        initial_params: dict[str, Any] | None = None,
        save_name: str = "model_param.joblib",
        model_path: str | None = None,
    ) -> None:
        super().__init__()
        self.initial_params = initial_params or {}
        self.save_name = save_name
        self.model_path = model_path

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """The parameters. Raises ValueError for a bad `model_path`, or when nothing gives any."""
        import joblib

        # FLARE takes the path from among the parameters too.
        given = self.model_path or self.initial_params.get(_PATH)
        if given:
            path = Path(given)
            if not path.is_absolute() or not path.exists():
                raise ValueError(f"{_PATH} must be the absolute path of a file that exists, not {given!r}")
            return make_model_learnable(weights=joblib.load(path), meta_props={})
        saved = self._save_path(fl_ctx)
        if saved.exists():
            return make_model_learnable(weights=joblib.load(saved), meta_props={})
        params = {key: value for key, value in self.initial_params.items() if key != _PATH}
        if not params:
            raise ValueError(f"there are no model parameters; give initial_params or {_PATH}")
        return make_model_learnable(weights=params, meta_props={})

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        """Save after the last round; after each where nothing says how many there are, as after an aggregator's of the user."""
        if not model:
            return
        rounds = fl_ctx.get_prop(AppConstants.NUM_ROUNDS)
        if rounds is None or fl_ctx.get_prop(AppConstants.CURRENT_ROUND) == rounds - 1:
            import joblib

            path = self._save_path(fl_ctx)
            path.parent.mkdir(parents=True, exist_ok=True)
            joblib.dump(model[ModelLearnableKey.WEIGHTS], path, compress=1)
            self.log_info(fl_ctx, f"saved the model to {path}")

    def _save_path(self, fl_ctx: FLContext) -> Path:
        return Path(fl_ctx.get_prop(FLContextKey.APP_ROOT), self.save_name)
