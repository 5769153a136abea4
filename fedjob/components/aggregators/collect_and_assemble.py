"""Aggregators that collect whole contributions and leave the rest to an Assembler component.

Answers ``nvflare.app_common.aggregators.collect_and_assemble_aggregator`` and ``...collect_and_assemble_model_aggregator``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.aggregator import Aggregator
from fedjob.components.aggregators.model_aggregator import ModelAggregator
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import ReservedKey, ReturnCode
from fedjob.exchange.shareable import Shareable


class CollectAndAssembleAggregator(Aggregator):
    """For ScatterAndGather. `assembler_id` is the component id of the Assembler."""

    def __init__(self, assembler_id: str) -> None:
        super().__init__()
        self.assembler_id = assembler_id
        self.assembler: Any = None

    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        """Keep a contribution; the first of each site in a round counts."""
        self.assembler = self.assembler or fl_ctx.get_engine().get_component(self.assembler_id)
        site = shareable.get_peer_prop(ReservedKey.IDENTITY_NAME, "?")
        problem, dxo = self._check(shareable, fl_ctx)
        if problem or dxo is None or dxo.data is None:
            self.log_warning(fl_ctx, f"the contribution of {site} is not used: {problem or 'it has no data'}")
            return False
        if site in self.assembler.collection:
            self.log_info(fl_ctx, f"a second contribution of {site} is not used")
            return False
        self.assembler.collection[site] = self.assembler.get_model_params(dxo)
        return True

    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        dxo: DXO = self.assembler.assemble(data=self.assembler.collection, fl_ctx=fl_ctx)
        self.assembler.reset()
        return dxo.to_shareable()

    def _check(self, shareable: Shareable, fl_ctx: FLContext) -> tuple[str | None, DXO | None]:
        """What is wrong with a contribution, and the contribution."""
        try:
            dxo = from_shareable(shareable)
        except Exception as e:
            return f"it is no DXO: {e}", None
        rc = shareable.get_return_code()
        contributed = shareable.get_cookie(AppConstants.CONTRIBUTION_ROUND)
        return (
            _wrong_code(rc)
            or _wrong_kind(dxo, self.assembler)
            or _wrong_round(contributed, fl_ctx.get_prop(AppConstants.CURRENT_ROUND))
        ), dxo


class CollectAndAssembleModelAggregator(ModelAggregator):
    """For FedAvg. `assembler_id` is the component id of the Assembler."""

    def __init__(self, assembler_id: str) -> None:
        super().__init__()
        self.assembler_id = assembler_id
        self.assembler: Any = None

    def accept_model(self, model: FLModel) -> None:
        """Keep a contribution; the first of each site in a round counts."""
        assert self.fl_ctx is not None  # START_RUN set it
        self.assembler = self.assembler or self.fl_ctx.get_engine().get_component(self.assembler_id)
        site = (model.meta or {}).get("client_name", "?")
        dxo = from_shareable(FLModelUtils.to_shareable(model))
        current = self.fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        contributed = current if model.current_round is None else model.current_round
        problem = _wrong_kind(dxo, self.assembler) or _wrong_round(contributed, current)
        if problem:
            self.warning(f"the contribution of {site} is not used: {problem}")
        elif site in self.assembler.collection:
            self.info(f"a second contribution of {site} is not used")
        else:
            self.assembler.collection[site] = self.assembler.get_model_params(dxo)

    def aggregate_model(self) -> FLModel:
        """The assembled model; an empty one when nothing was accepted."""
        if not self.assembler or self.fl_ctx is None:
            self.error("there is nothing to assemble")
            return FLModel()
        collection = self.assembler.collection
        dxo = self.assembler.assemble(data=collection, fl_ctx=self.fl_ctx)
        current = self.fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        meta = {"nr_aggregated": len(collection), "current_round": current}
        return FLModel(params=dxo.data, params_type=ParamsType.FULL, meta=meta)

    def reset_stats(self) -> None:
        if self.assembler:
            self.assembler.reset()


def _wrong_code(rc: Any) -> str | None:
    return f"its return code is {rc}" if rc and rc != ReturnCode.OK else None


def _wrong_kind(dxo: DXO, assembler: Any) -> str | None:
    expected = assembler.get_expected_data_kind()
    return f"it is of kind {dxo.data_kind}, not {expected}" if dxo.data_kind != expected else None


def _wrong_round(contributed: Any, current: Any) -> str | None:
    return f"it is for round {contributed}, but this is round {current}" if contributed != current else None
