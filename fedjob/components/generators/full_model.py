"""FullModelShareableGenerator: whole models travel; results are models or changes of them.

Answers ``nvflare.app_common.shareablegenerators.full_model_shareable_generator``.
"""

from __future__ import annotations

from fedjob.components.generator import ShareableGenerator
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, model_learnable_to_dxo
from fedjob.exchange.shareable import Shareable


class FullModelShareableGenerator(ShareableGenerator):
    """Updates the context's GLOBAL_MODEL in place: changes are added, a model's weights replace its weights."""

    def learnable_to_shareable(self, model: ModelLearnable, fl_ctx: FLContext) -> Shareable:  # type: ignore[override]
        return model_learnable_to_dxo(model).to_shareable()

    def shareable_to_learnable(self, shareable: Shareable, fl_ctx: FLContext) -> ModelLearnable:
        """The updated model.

        Raises TypeError when `shareable` is none, ValueError when it carries neither weights nor a change of them.
        """
        if not isinstance(shareable, Shareable):
            raise TypeError(f"shareable must be a Shareable, but got {type(shareable).__name__}")
        dxo = from_shareable(shareable)
        if dxo.data_kind not in {DataKind.WEIGHT_DIFF, DataKind.WEIGHTS}:
            raise ValueError(f"the result must be of kind WEIGHTS or WEIGHT_DIFF, but is {dxo.data_kind}")
        model = self._base(dxo, fl_ctx)
        if not model and dxo.data_kind == DataKind.WEIGHT_DIFF:
            self.system_panic("there is no global model to which the changes could be added", fl_ctx)
            return model  # type: ignore[return-value]  # as in FLARE: the run is over
        model = model or ModelLearnable()
        if dxo.data_kind == DataKind.WEIGHT_DIFF:
            weights = model[ModelLearnableKey.WEIGHTS]
            for name, change in (dxo.data or {}).items():
                weights[name] = weights[name] + change
        elif dxo.data:
            model[ModelLearnableKey.WEIGHTS] = dxo.data
        else:
            self.log_info(fl_ctx, "the result has no weights; the model is not updated")
        model[ModelLearnableKey.META] = dxo.get_meta_props()
        return model

    def _base(self, dxo: DXO, fl_ctx: FLContext) -> ModelLearnable | None:
        """The model to update."""
        model: ModelLearnable | None = fl_ctx.get_prop(AppConstants.GLOBAL_MODEL)
        return model
