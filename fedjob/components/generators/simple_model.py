"""SimpleModelShareableGenerator: for client-controlled workflows, where a model that arrives is a model of its own.

Answers ``nvflare.app_common.ccwf.comps.simple_model_shareable_generator``.
"""

from __future__ import annotations

from fedjob.components.generators.full_model import FullModelShareableGenerator
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import ModelLearnable


class SimpleModelShareableGenerator(FullModelShareableGenerator):
    """Changes are added to the context's GLOBAL_MODEL; weights make a new model."""

    def _base(self, dxo: DXO, fl_ctx: FLContext) -> ModelLearnable | None:
        return super()._base(dxo, fl_ctx) if dxo.data_kind == DataKind.WEIGHT_DIFF else ModelLearnable()
