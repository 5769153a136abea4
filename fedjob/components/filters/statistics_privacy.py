"""StatisticsPrivacyFilter: applies privacy cleansers to a site's statistics.

Answers ``nvflare.app_common.filters.statistics_privacy_filter``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.components.statistics.cleansers import StatisticsPrivacyCleanser
from fedjob.exchange import fobs
from fedjob.exchange.app_constants import StatisticsConstants as StC
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class StatisticsPrivacyFilter(DXOFilter):
    """`result_cleanser_ids` are component ids; those that nothing defines are ignored, as in FLARE.

    Raises ValueError when one is of another class.
    """

    def __init__(self, result_cleanser_ids: list[str]) -> None:
        super().__init__(
            supported_data_kinds=[DataKind.STATISTICS], data_kinds_to_filter=[DataKind.STATISTICS]
        )
        self.result_cleanser_ids = result_cleanser_ids

    def get_cleansers(
        self, result_checker_ids: list[str], fl_ctx: FLContext
    ) -> list[StatisticsPrivacyCleanser]:
        found: list[Any] = [fl_ctx.get_engine().get_component(i) for i in result_checker_ids]
        for component_id, cleanser in zip(result_checker_ids, found, strict=True):
            if cleanser and not isinstance(cleanser, StatisticsPrivacyCleanser):
                raise ValueError(
                    f"component {component_id!r} must be a StatisticsPrivacyCleanser, but is {type(cleanser).__name__}"
                )
        return [c for c in found if c]

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO:
        cleansers = self.get_cleansers(self.result_cleanser_ids, fl_ctx)
        return self.filter_stats_statistics(dxo, fl_ctx.get_identity_name(), cleansers)

    def filter_stats_statistics(
        self, dxo: DXO, client_name: str, filters: list[StatisticsPrivacyCleanser]
    ) -> DXO:
        result = dxo.data
        if StC.STATISTICS_TASK_KEY not in result:
            return dxo  # the reply to the handshake before the first pass
        task = result[StC.STATISTICS_TASK_KEY]
        statistics, changed = fobs.loads(result[task]), False
        for cleanser in filters:
            statistics, modified = cleanser.apply(statistics, client_name)
            changed = changed or modified
        if not changed:
            return dxo
        result[task] = fobs.dumps(statistics)
        return DXO(data_kind=DataKind.STATISTICS, data=result)
