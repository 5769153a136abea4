"""InTimeAccumulateWeightedAggregator: the weighted mean of contributions, summed as they come.

Answers ``nvflare.app_common.aggregators.intime_accumulate_model_aggregator``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.aggregator import Aggregator
from fedjob.components.aggregators.dxo_aggregator import AVERAGED_KINDS, DXOAggregator
from fedjob.components.aggregators.weighted_aggregation_helper import AggregationStatsKey
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReservedKey, ReturnCode
from fedjob.exchange.shareable import Shareable

#: Under this key is the aggregator of contributions that are no collections.
_SINGLE = ""
_SUMS = (
    AggregationStatsKey.KEYS_AGGREGATED,
    AggregationStatsKey.KEYS_SEEN,
    AggregationStatsKey.FULLY_MATCHED_KEYS,
    AggregationStatsKey.PARTIALLY_MATCHED_KEYS,
    AggregationStatsKey.SKIPPED_KEYS,
)


class InTimeAccumulateWeightedAggregator(Aggregator):
    """`expected_data_kind` is a kind, or kinds by key for contributions that are collections of DXOs.

    `exclude_vars` is a regular expression, or one per key; `aggregation_weights` are by site, or by key and site.
    When the run starts it raises ValueError for kinds it cannot average and for keys left out.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(
        self,
        exclude_vars: str | dict[str, str] | None = None,
        aggregation_weights: dict[str, Any] | None = None,
        expected_data_kind: Any = DataKind.WEIGHT_DIFF,
        weigh_by_local_iter: bool = True,
    ) -> None:
        super().__init__()
        self.exclude_vars: Any = exclude_vars
        self.aggregation_weights: Any = aggregation_weights
        self.expected_data_kind: Any = expected_data_kind
        self._weigh_by_local_iter = weigh_by_local_iter
        self.dxo_aggregators: dict[str, DXOAggregator] = {}

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._initialize()

    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        """Take a contribution; False, with the reason in the log, when it cannot be used."""
        site = shareable.get_peer_prop(ReservedKey.IDENTITY_NAME, "?")
        try:
            dxo = from_shareable(shareable)
        except Exception:
            self.log_exception(fl_ctx, f"the contribution of {site} is no DXO")
            return False
        rc = shareable.get_return_code()
        if dxo.data_kind not in {*AVERAGED_KINDS, DataKind.COLLECTION} or (rc and rc != ReturnCode.OK):
            self.log_warning(
                fl_ctx, f"the contribution of {site} is not used: kind {dxo.data_kind}, return code {rc}"
            )
            return False
        parts = {key: dxo if key == _SINGLE else dxo.data.get(key) for key in self.dxo_aggregators}
        usable = {key: part for key, part in parts.items() if isinstance(part, DXO)}
        if len(usable) < len(parts):
            self.log_warning(fl_ctx, f"{site} sent no DXO for {sorted(parts.keys() - usable.keys())}")
        contributed = shareable.get_cookie(AppConstants.CONTRIBUTION_ROUND)
        return bool(usable) and all(
            self.dxo_aggregators[key].accept(part, site, contributed, fl_ctx) for key, part in usable.items()
        )

    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        """The mean, as a collection where collections were expected; publishes AGGREGATION_STATS."""
        results: dict[str, DXO] = {}
        for key, aggregator in self.dxo_aggregators.items():
            results[key] = aggregator.aggregate(fl_ctx)
            if key == _SINGLE:
                break
        self._publish_stats(fl_ctx)
        if _SINGLE in results:
            return results[_SINGLE].to_shareable()
        return DXO(data_kind=DataKind.COLLECTION, data=results).to_shareable()

    def _initialize(self) -> None:
        kinds, excluded, weights = self.expected_data_kind, self.exclude_vars, self.aggregation_weights or {}
        self.expected_data_kind = kinds if isinstance(kinds, dict) else {_SINGLE: kinds}
        keys = self.expected_data_kind
        wrong = {k: v for k, v in keys.items() if v not in AVERAGED_KINDS}
        if wrong:
            raise ValueError(f"expected_data_kind must be one of {AVERAGED_KINDS}, but got {wrong}")
        for key in keys:
            self._check_excluded(excluded, key)
        if isinstance(next(iter(weights.values()), None), dict) and (left := set(keys) - set(weights)):
            raise ValueError(f"aggregation_weights by key must have every key; missing are {sorted(left)}")
        per_key = isinstance(excluded, dict)
        self.exclude_vars = {k: excluded[k] if per_key else excluded for k in keys}
        self.aggregation_weights = {k: weights.get(k, weights) for k in keys}
        self.dxo_aggregators = {
            k: DXOAggregator(
                exclude_vars=self.exclude_vars[k],
                aggregation_weights=self.aggregation_weights[k],
                expected_data_kind=kind,
                name_postfix=k,
                weigh_by_local_iter=self._weigh_by_local_iter,
            )
            for k, kind in keys.items()
        }

    @staticmethod
    def _check_excluded(excluded: Any, key: str) -> None:
        if isinstance(excluded, dict) and key not in excluded:
            raise ValueError(
                f"exclude_vars by key must have every key of expected_data_kind; missing is {key!r}"
            )
        value = excluded[key] if isinstance(excluded, dict) else excluded
        if value and not isinstance(value, str):
            raise ValueError(f"exclude_vars must be a regular expression, but got {type(value).__name__}")

    def _publish_stats(self, fl_ctx: FLContext) -> None:
        all_stats = [s for a in self.dxo_aggregators.values() if (s := a.last_aggregation_stats)]
        if not all_stats:
            return
        contributors = {c for s in all_stats for c in s[AggregationStatsKey.CONTRIBUTORS]}
        combined = dict(all_stats[0]) | {key: sum(s[key] for s in all_stats) for key in _SUMS}
        combined[AggregationStatsKey.CONTRIBUTORS] = sorted(contributors)
        combined[AggregationStatsKey.ACCEPTED_CONTRIBUTIONS] = len(contributors)
        fl_ctx.set_prop(AppConstants.AGGREGATION_STATS, combined, private=True, sticky=False)


class AccumulateWeightedAggregator(InTimeAccumulateWeightedAggregator):
    """The former name."""
