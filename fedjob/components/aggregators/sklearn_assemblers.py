"""Assemblers for scikit-learn: k-means from centres and counts, a support vector machine from support vectors.

Answers ``nvflare.app_opt.sklearn.kmeans_assembler`` and ``nvflare.app_opt.sklearn.svm_assembler``. scikit-learn is imported
when the first round is assembled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fedjob.components.aggregators.assembler import Assembler
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext

_KERNELS = ("linear", "poly", "rbf", "sigmoid")


class KMeansAssembler(Assembler):
    """Mini-batch k-means over the sites (Sculley, 2010). A site sends ``center`` (clusters x features) and ``count``
    (clusters), and gets the global ``center``.

    In the first round the sites' centres are clustered, without their counts; afterwards each global centre is the mean of
    all that ever was counted to it.
    """

    def __init__(self) -> None:
        super().__init__(data_kind=DataKind.WEIGHTS)
        self.center: Any = None
        self.count: Any = None
        self.n_cluster = 0

    def get_model_params(self, dxo: DXO) -> dict[str, Any]:
        return {name: dxo.data[name] for name in ("center", "count")}

    def assemble(self, data: dict[str, dict[str, Any]], fl_ctx: FLContext) -> DXO:
        if fl_ctx.get_prop(AppConstants.CURRENT_ROUND) == 0:
            self._start(list(data.values()))
        else:
            self._add(list(data.values()))
        return DXO(data_kind=self.expected_data_kind, data={"center": self.center})

    def _start(self, records: list[dict[str, Any]]) -> None:
        from sklearn.cluster import KMeans

        self.n_cluster = len(records[0]["center"])
        self.count = np.zeros(self.n_cluster)
        centers = np.concatenate([record["center"] for record in records])
        self.center = KMeans(n_clusters=self.n_cluster).fit(centers).cluster_centers_

    def _add(self, records: list[dict[str, Any]]) -> None:
        for cluster in range(self.n_cluster):
            total = self.center[cluster] * self.count[cluster]
            for record in records:
                total += record["center"][cluster] * record["count"][cluster]
                self.count[cluster] += record["count"][cluster]
            self.center[cluster] = total * (1 / self.count[cluster])


class SVMAssembler(Assembler):
    """Fits a support vector machine to the sites' support vectors, in the first round, and hands on its own.

    A site sends ``support_x`` (vectors x features) and ``support_y`` (vectors), and gets the same. Raises ValueError for an
    unknown `kernel`.
    """

    def __init__(self, kernel: str = "rbf") -> None:
        super().__init__(data_kind=DataKind.WEIGHTS)
        if kernel not in _KERNELS:
            raise ValueError(f"unsupported kernel {kernel!r}; choose one of {', '.join(_KERNELS)}")
        self.kernel = kernel
        self.support_x: Any = None
        self.support_y: Any = None

    def get_model_params(self, dxo: DXO) -> dict[str, Any]:
        return {name: dxo.data[name] for name in ("support_x", "support_y")}

    def assemble(self, data: dict[str, dict[str, Any]], fl_ctx: FLContext) -> DXO:
        if fl_ctx.get_prop(AppConstants.CURRENT_ROUND) == 0:
            self._fit(list(data.values()))
        params = {"support_x": self.support_x, "support_y": self.support_y}
        return DXO(data_kind=self.expected_data_kind, data=params)

    def _fit(self, records: list[dict[str, Any]]) -> None:
        from sklearn.svm import SVC

        x, y = (np.concatenate([record[name] for record in records]) for name in ("support_x", "support_y"))
        chosen = SVC(kernel=self.kernel).fit(x, y).support_
        self.support_x, self.support_y = x[chosen], y[chosen]
