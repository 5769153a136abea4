"""IntimeModelSelector: find out, during training, in which round the global model was best.

Answers ``nvflare.app_common.widgets.intime_model_selector``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fedjob.components.roles import Widget
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, MetaKey, from_shareable
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey
from fedjob.exchange.shareable import Shareable

_MODEL_KINDS = (DataKind.WEIGHT_DIFF, DataKind.WEIGHTS, DataKind.COLLECTION)


class IntimeModelSelector(Widget):
    """Averages the metric that each site measured on the global model it was sent.

    A greater mean than ever before fires GLOBAL_BEST_MODEL_AVAILABLE; the context then holds VALIDATION_RESULT and
    METRICS_SELECTION_INFO. Round 0 does not count: what it measures has not been aggregated yet.
    `validation_metric_name` is the key in a result's meta, `key_metric` the one in it if it holds a dict;
    `negate_key_metric` is for metrics that are better when smaller. Weights are NUM_STEPS_CURRENT_ROUND if
    `weigh_by_local_iter`, times `aggregation_weights` of the site.
    """

    _EVENTS = frozenset(
        {
            EventType.START_RUN,
            AppEventType.ROUND_STARTED,
            AppEventType.BEFORE_CONTRIBUTION_ACCEPT,
            AppEventType.BEFORE_AGGREGATION,
        }
    )

    def __init__(
        self,
        weigh_by_local_iter: bool = False,
        aggregation_weights: dict[str, float] | None = None,
        validation_metric_name: str = MetaKey.INITIAL_METRICS,
        key_metric: str = "val_accuracy",
        negate_key_metric: bool = False,
    ) -> None:
        super().__init__()
        self.weigh_by_local_iter = weigh_by_local_iter
        self.aggregation_weights = aggregation_weights or {}
        self.validation_metric_name = validation_metric_name
        self.key_metric = key_metric
        self.negate_key_metric = negate_key_metric
        self.val_metric = self.best_val_metric = -math.inf
        self.raw_val_metric: float | None = None
        self.best_raw_val_metric: float | None = None
        if not negate_key_metric and _looks_lower_is_better(key_metric):
            self.logger.warning(
                "the key metric %r looks like one that is better when smaller, but greater values win here; "
                "set negate_key_metric=True (or key_metric_mode='min')",
                key_metric,
            )
        self._reset_stats()

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type in {EventType.START_RUN, AppEventType.ROUND_STARTED}:
            self._reset_stats()
        elif event_type == AppEventType.BEFORE_CONTRIBUTION_ACCEPT:
            self._before_accept(fl_ctx)
        elif event_type == AppEventType.BEFORE_AGGREGATION:
            self._before_aggregate(fl_ctx)

    def _reset_stats(self) -> None:
        self.validation_metric_weighted_sum = 0.0
        self.raw_validation_metric_weighted_sum = 0.0
        self.validation_metric_sum_of_weights = 0.0

    def _before_accept(self, fl_ctx: FLContext) -> bool:
        """Take the metric of one result; whether there was one to take."""
        site = fl_ctx.get_peer_context().get_identity_name(default="?")
        dxo = self._model(self._shareable(fl_ctx), site, fl_ctx)
        return dxo is not None and self.note(site, dxo.meta or {}, fl_ctx)

    def note(self, site: str, meta: dict[str, Any], fl_ctx: FLContext | None) -> bool:
        """Take the metric in the meta of a model that `site` has sent; whether there was one to take."""
        raw = self._metric(meta, site, fl_ctx)
        if raw is None:
            return False
        metric = -1.0 * raw if self.negate_key_metric else raw
        steps = meta.get(MetaKey.NUM_STEPS_CURRENT_ROUND, 1.0) if self.weigh_by_local_iter else 1.0
        weight = steps * self.aggregation_weights.get(site, 1.0)
        self.log_info(fl_ctx, f"validation metric of {site}: {metric}, with weight {weight}")
        self.validation_metric_weighted_sum += metric * weight
        self.raw_validation_metric_weighted_sum += raw * weight
        self.validation_metric_sum_of_weights += weight
        return True

    def note_stack(self, sites: Sequence[str], meta: Mapping[str, Any]) -> None:
        """`note` for many sites; `meta` holds all of their values by name, and by name again where it is a dict."""
        names = (self.validation_metric_name, MetaKey.NUM_STEPS_CURRENT_ROUND)
        wanted = [(name, meta[name]) for name in names if name in meta]
        for at, site in enumerate(sites):
            own = {
                name: {inner: v[at] for inner, v in values.items()} if type(values) is dict else values[at]
                for name, values in wanted
            }
            self.note(site, own, None)

    def _shareable(self, fl_ctx: FLContext) -> Any:
        """The result to judge by."""
        return fl_ctx.get_peer_context().get_prop(FLContextKey.SHAREABLE)

    def _model(self, shareable: Shareable, site: str, fl_ctx: FLContext) -> DXO | None:
        """What the site sent, if it counts for this round."""
        try:
            dxo = from_shareable(shareable)
        except Exception as e:
            self.log_exception(fl_ctx, f"{site} sent no DXO: {e}")
            return None
        current = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        if dxo.data_kind not in _MODEL_KINDS or dxo.data is None or current == 0:
            return None
        contributed = shareable.get_cookie(AppConstants.CONTRIBUTION_ROUND)
        if contributed != current:
            self.log_warning(
                fl_ctx, f"{site} sent a result for round {contributed} in round {current}; it is not used"
            )
            return None
        return dxo

    def _metric(self, meta: dict[str, Any], site: str, fl_ctx: FLContext | None) -> float | None:
        value = meta.get(self.validation_metric_name)
        if isinstance(value, dict) and self.key_metric not in value:
            self.log_warning(fl_ctx, f"{site} sent no metric {self.key_metric!r}, only {list(value)}")
            return None
        if isinstance(value, dict):
            value = value[self.key_metric]
        elif value is None:
            self.log_warning(fl_ctx, f"{site} sent no metrics")
            return None
        number = self._number(value)
        if number is None:
            self.log_warning(fl_ctx, f"the metric {value!r} of {site} is not a finite number; it is not used")
        return number

    def _before_aggregate(self, fl_ctx: FLContext) -> bool:
        """Judge the round; whether there was anything to judge by."""
        if self.validation_metric_sum_of_weights == 0:
            return False
        self.val_metric = self.validation_metric_weighted_sum / self.validation_metric_sum_of_weights
        self.raw_val_metric = self.raw_validation_metric_weighted_sum / self.validation_metric_sum_of_weights
        if self.val_metric > self.best_val_metric:
            self.best_val_metric = self.val_metric
            self.best_raw_val_metric = self.raw_val_metric
            self._announce(fl_ctx)
        self._reset_stats()
        return True

    def _announce(self, fl_ctx: FLContext) -> None:
        current = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        self.log_info(
            fl_ctx, f"the best validation metric so far is that of round {current}: {self.best_val_metric}"
        )
        for key, value in self._findings(current).items():
            fl_ctx.set_prop(key, value, private=True, sticky=False)
        self.fire_event(AppEventType.GLOBAL_BEST_MODEL_AVAILABLE, fl_ctx)

    def _findings(self, current_round: Any) -> dict[str, Any]:
        """What the context holds while GLOBAL_BEST_MODEL_AVAILABLE is fired."""
        return {
            AppConstants.VALIDATION_RESULT: self.best_val_metric,
            AppConstants.METRICS_SELECTION_INFO: self._selection_info(current_round),
        }

    def _number(self, value: Any) -> float | None:
        """A metric as a number; None when it cannot be used."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        return number if math.isfinite(number) else None

    def _selection_info(self, current_round: Any) -> dict[str, Any]:
        name = type(self).__name__
        return {
            "source": name,
            "metric_source": self.validation_metric_name,
            "key_metric": {
                "name": self.key_metric,
                "mode": "min" if self.negate_key_metric else "max",
                "mode_source": f"{name}.negate_key_metric",
            },
            "best_round": current_round,
            "best_metrics": {self.key_metric: self.best_raw_val_metric},
        }


class IntimeModelSelectionHandler(IntimeModelSelector):
    """The selector's former name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger.warning("IntimeModelSelectionHandler is now called IntimeModelSelector")


def _looks_lower_is_better(name: str) -> bool:
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    if "neg" in words:  # the author turned it round already
        return False
    short = {"bce", "ce", "cer", "mae", "mse", "nll", "perplexity", "ppl", "rmse", "wer"}
    return "loss" in name.lower() or "err" in name.lower() or not words.isdisjoint(short)
