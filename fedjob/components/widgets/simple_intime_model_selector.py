"""SimpleIntimeModelSelector: the model selector of client-controlled workflows.

Answers ``nvflare.app_common.ccwf.comps.simple_intime_model_selector``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.widgets.intime_model_selector import IntimeModelSelector
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext


class SimpleIntimeModelSelector(IntimeModelSelector):
    """As IntimeModelSelector; the result is the context's TRAINING_RESULT, since the peer is another site."""

    def _shareable(self, fl_ctx: FLContext) -> Any:
        return fl_ctx.get_prop(AppConstants.TRAINING_RESULT)

    def _findings(self, current_round: Any) -> dict[str, Any]:
        return {AppConstants.VALIDATION_RESULT: self.best_val_metric}

    def _number(self, value: Any) -> float | None:
        try:
            return float(value)  # FLARE takes infinities here
        except (TypeError, ValueError):
            return None
