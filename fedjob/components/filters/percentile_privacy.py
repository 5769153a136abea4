"""PercentilePrivacy: send only the largest changes, and those clipped.

Answers ``nvflare.app_common.filters.percentile_privacy``; the method is that of Shokri and Shmatikov, "Privacy-preserving deep
learning", CCS 2015.
"""

from __future__ import annotations

import numpy as np

from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.exchange.dxo import DXO, DataKind, MetaKey
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class PercentilePrivacy(DXOFilter):
    """Per step (NUM_STEPS_CURRENT_ROUND), values below the `percentile` (0..100) of all absolute values become 0, and
    the others are clipped to +-`gamma`. Scalars pass. With a `gamma` <= 0 or a percentile out of range it does nothing.
    """

    def __init__(
        self, percentile: float = 10, gamma: float = 0.01, data_kinds: list[str] | None = None
    ) -> None:
        super().__init__(
            supported_data_kinds=[DataKind.WEIGHTS, DataKind.WEIGHT_DIFF],
            data_kinds_to_filter=data_kinds or [DataKind.WEIGHT_DIFF, DataKind.WEIGHTS],
        )
        self.percentile = percentile
        self.gamma = gamma

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO | None:
        if self.gamma <= 0 or not 0 <= self.percentile <= 100:
            return None
        steps = dxo.get_meta_prop(MetaKey.NUM_STEPS_CURRENT_ROUND, 1)
        per_step = {name: value / steps for name, value in dxo.data.items()}
        cutoff = np.percentile(
            np.concatenate([np.abs(v.ravel()) for v in per_step.values()]), self.percentile
        )
        for name, value in per_step.items():
            if np.ndim(value) > 0:
                value[(value > -cutoff) & (value < cutoff)] = 0.0
                per_step[name] = np.clip(value, -self.gamma, self.gamma)
        dxo.data = {name: value * steps for name, value in per_step.items()}
        return dxo
