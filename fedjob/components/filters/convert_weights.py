"""ConvertWeights: turn a site's result from a model into a change of the model it was sent, or back.

Answers ``nvflare.app_common.filters.convert_weights``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.exchange.dxo import DXO, DataKind, MetaKey, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey
from fedjob.exchange.shareable import Shareable


class ConvertWeights(DXOFilter):
    """For results, at the site: the task's data in the context is the base. `direction` is one of the constants.

    Raises ValueError for another direction.
    """

    WEIGHTS_TO_DIFF = "weights_to_diff"
    DIFF_TO_WEIGHTS = "diff_to_weights"

    def __init__(self, direction: str) -> None:
        super().__init__(
            supported_data_kinds=[DataKind.WEIGHT_DIFF, DataKind.WEIGHTS], data_kinds_to_filter=None
        )
        known = (self.WEIGHTS_TO_DIFF, self.DIFF_TO_WEIGHTS)
        if direction not in known:
            raise ValueError(f"direction must be one of {known}, but got {direction!r}")
        self.direction = direction

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO | None:
        base = self._base(fl_ctx)
        if not base:
            return None
        algorithm = dxo.get_meta_prop(MetaKey.PROCESSED_ALGORITHM, None)
        if algorithm:
            self.log_info(fl_ctx, f"the result was processed by {algorithm}; it is not converted")
            return None
        to_diff = self.direction == self.WEIGHTS_TO_DIFF
        expected = DataKind.WEIGHTS if to_diff else DataKind.WEIGHT_DIFF
        if dxo.data_kind != expected:
            self.log_warning(
                fl_ctx, f"the result is of kind {dxo.data_kind}, not {expected}; it is not converted"
            )
            return None
        for name in dxo.data:
            if name in base and to_diff:
                dxo.data[name] -= base[name]
            elif name in base:
                dxo.data[name] += base[name]
        dxo.data_kind = DataKind.WEIGHT_DIFF if to_diff else DataKind.WEIGHTS
        return dxo

    def _base(self, fl_ctx: FLContext) -> dict[str, Any] | None:
        """The weights that came with the task; None where there are none to use."""
        task_data = fl_ctx.get_prop(FLContextKey.TASK_DATA, None)
        try:
            dxo = from_shareable(task_data)
        except (ValueError, TypeError, AttributeError) as e:
            self.log_error(fl_ctx, f"the task came without a DXO to convert by: {e}")
            return None
        if dxo.data_kind != DataKind.WEIGHTS or dxo.get_meta_prop(MetaKey.PROCESSED_ALGORITHM, None):
            self.log_info(fl_ctx, "the task's data are no plain weights; its result is not converted")
            return None
        weights: dict[str, Any] = dxo.data
        return weights
