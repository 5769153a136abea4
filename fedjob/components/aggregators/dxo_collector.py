"""DXOCollector: an aggregator that hands on all contributions as one collection.

Answers ``nvflare.app_common.aggregators.dxo_collector``.
"""

from __future__ import annotations

from fedjob.components.aggregator import Aggregator
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class DXOCollector(Aggregator):
    """The result is a DXO of kind COLLECTION, by site."""

    def __init__(self) -> None:
        super().__init__()
        self.dxos: dict[str, DXO] = {}

    def reset(self, fl_ctx: FLContext) -> None:
        self.dxos = {}

    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        """Keep a contribution; a site's later one replaces its earlier one."""
        try:
            dxo = from_shareable(shareable)
        except Exception:
            self.log_exception(fl_ctx, "the contribution is no DXO")
            return False
        site = fl_ctx.get_peer_context().get_identity_name()
        if not site:
            self.log_error(fl_ctx, "the contribution's context does not name its site")
            return False
        self.dxos[site] = dxo
        return True

    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        return DXO(data_kind=DataKind.COLLECTION, data=self.dxos).to_shareable()
