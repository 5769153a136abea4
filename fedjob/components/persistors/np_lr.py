"""LRModelPersistor: the weights of a logistic regression.

Answers ``nvflare.app_common.workflows.lr.np_persistor``.
"""

from __future__ import annotations

import numpy as np

from fedjob.components.persistors.np import NPModelPersistor


class LRModelPersistor(NPModelPersistor):
    """Starts, without a checkpoint and an earlier run, from zeros of shape (`n_features` + 1, 1), the intercept among them."""

    def __init__(
        self,
        model_dir: str = "models",
        model_name: str = "weights.npy",
        n_features: int = 13,
        source_ckpt_file_full_name: str | None = None,
    ) -> None:
        super().__init__(
            model_dir=model_dir, model_name=model_name, source_ckpt_file_full_name=source_ckpt_file_full_name
        )
        self.n_features = n_features
        self.model = np.zeros((n_features + 1, 1), dtype=np.float32)
