"""NPModelLocator: numpy models in files of the server's run directory.

Answers ``nvflare.app_common.np.np_model_locator``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fedjob.components.locator import ModelLocator
from fedjob.exchange.app_constants import NPConstants
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey


class NPModelLocator(ModelLocator):
    """`model_name` is a file name, or file names by model name; relative ones are in `model_dir`.

    Raises ValueError when it is neither.
    """

    SERVER_MODEL_NAME = "server"

    def __init__(
        self, model_dir: str = "models", model_name: str | dict[str, str] | None = "server.npy"
    ) -> None:
        super().__init__()
        self.model_dir = model_dir
        if model_name is None:
            model_name = "server.npy"
        if isinstance(model_name, str):
            model_name = {self.SERVER_MODEL_NAME: model_name}
        if not isinstance(model_name, dict):
            raise ValueError(f"model_name must be a str or a dict, but got {type(model_name).__name__}")
        self.model_name = model_name

    def get_model_names(self, fl_ctx: FLContext) -> list[str]:
        return list(self.model_name)

    def locate_model(self, model_name: str, fl_ctx: FLContext) -> DXO | None:
        """The model; None, and an error in the log, when its file cannot be loaded."""
        if model_name not in self.model_name:
            return None
        run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_prop(FLContextKey.CURRENT_RUN))
        path = Path(run_dir) / self.model_dir / self.model_name[model_name]
        try:
            data = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as e:
            self.log_error(fl_ctx, f"cannot load the model {model_name!r} from {path}: {e}")
            return None
        return DXO(data_kind=DataKind.WEIGHTS, data={NPConstants.NUMPY_KEY: data}, meta={})
