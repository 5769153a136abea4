"""DXOAggregator: the weighted mean of DXOs of one kind.

Answers ``nvflare.app_common.aggregators.dxo_aggregator``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from fedjob.components.aggregators.weighted_aggregation_helper import (
    AggregationStatsKey,
    WeightedAggregationHelper,
)
from fedjob.components.roles import FLComponent
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, MetaKey
from fedjob.exchange.fl_context import FLContext

AVERAGED_KINDS = (DataKind.WEIGHT_DIFF, DataKind.WEIGHTS, DataKind.METRICS)


class DXOAggregator(FLComponent):
    """Weights are NUM_STEPS_CURRENT_ROUND of the DXO (else 1) times `aggregation_weights` of the site (else 1).

    One contribution per site and round counts, of the current round, and all processed by the same algorithm.
    """

    def __init__(
        self,
        exclude_vars: str | None = None,
        aggregation_weights: dict[str, Any] | None = None,
        expected_data_kind: str = DataKind.WEIGHT_DIFF,
        name_postfix: str = "",
        weigh_by_local_iter: bool = True,
    ) -> None:
        super().__init__()
        self.expected_data_kind = expected_data_kind
        self.aggregation_weights = aggregation_weights or {}
        self.aggregation_helper = WeightedAggregationHelper(exclude_vars, weigh_by_local_iter)
        self.warning_count: Counter[str] = Counter()
        self.warning_limit = 10
        self.processed_algorithm: Any = None
        self.last_aggregation_stats: dict[str, Any] | None = None
        self._name += name_postfix

    def reset_aggregation_helper(self) -> None:
        self.aggregation_helper.reset_stats()

    def accept(self, dxo: DXO, contributor_name: str, contribution_round: Any, fl_ctx: FLContext) -> bool:
        """Take a contribution; False, with the reason in the log, when it cannot be used."""
        problem = self._problem(dxo, contributor_name, contribution_round, fl_ctx)
        if problem:
            self.log_warning(fl_ctx, f"the contribution of {contributor_name} is not used: {problem}")
            return False
        steps = dxo.get_meta_prop(MetaKey.NUM_STEPS_CURRENT_ROUND)
        if steps is None:
            steps = self._one("NUM_STEPS_CURRENT_ROUND in the meta", contributor_name, fl_ctx)
        weight = self.aggregation_weights.get(contributor_name)
        if weight is None:
            weight = self._one("aggregation weight", contributor_name, fl_ctx)
        self.aggregation_helper.add(dxo.data, weight * float(steps), contributor_name, contribution_round)
        return True

    def aggregate(self, fl_ctx: FLContext) -> DXO:
        """The mean; all contributions are forgotten."""
        data = self.aggregation_helper.get_result()
        current = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        stats = self.aggregation_helper.last_aggregation_stats or {}
        self.last_aggregation_stats = stats | {AggregationStatsKey.ROUND: current}
        dxo = DXO(data_kind=self.expected_data_kind, data=data)
        if self.processed_algorithm is not None:
            dxo.set_meta_prop(MetaKey.PROCESSED_ALGORITHM, self.processed_algorithm)
            self.processed_algorithm = None
        return dxo

    def _problem(self, dxo: Any, site: str, contributed: Any, fl_ctx: FLContext) -> str | None:
        if not isinstance(dxo, DXO):
            return f"it is no DXO but {type(dxo).__name__}"
        if dxo.data_kind not in AVERAGED_KINDS or dxo.data_kind != self.expected_data_kind:
            return f"expected {self.expected_data_kind} but got {dxo.data_kind}"
        algorithm = dxo.get_meta_prop(MetaKey.PROCESSED_ALGORITHM)
        if algorithm is not None and self.processed_algorithm is None:
            self.processed_algorithm = algorithm
        if algorithm is not None and algorithm != self.processed_algorithm:
            return f"it was processed by {algorithm}, others by {self.processed_algorithm}"
        current = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        if contributed != current:
            return f"it is for round {contributed}, but this is round {current}"
        if dxo.data is None:
            return "it has no data"
        if any(item["contributor_name"] == site for item in self.aggregation_helper.get_history()):
            return "one of this round was used already"
        return None

    def _one(self, what: str, site: str, fl_ctx: FLContext) -> float:
        if self.warning_count[site] <= self.warning_limit:
            self.warning_count[site] += 1
            self.log_warning(fl_ctx, f"{site} has no {what}; taken as 1.0")
        return 1.0
