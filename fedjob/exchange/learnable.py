"""The model as server components hold it: ``nvflare.app_common.abstract.learnable`` and ``...abstract.model``."""

from __future__ import annotations

from typing import Any, cast

from fedjob.exchange import fobs
from fedjob.exchange.dxo import DXO, DataKind


class Learnable(dict[str, Any]):
    """Whatever a job learns."""

    def is_empty(self) -> bool:
        return False

    def to_bytes(self) -> bytes:
        return fobs.dumps(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Learnable:
        return cast("Learnable", fobs.loads(data))


class ModelLearnableKey:
    """The two entries of a ModelLearnable."""

    META = "meta"
    WEIGHTS = "weights"


class ModelLearnable(Learnable):
    """Weights and their meta."""

    def is_empty(self) -> bool:
        return not self.get(ModelLearnableKey.WEIGHTS)


def validate_model_learnable(model_learnable: Any) -> str:
    """What is wrong with a ModelLearnable; empty when nothing is."""
    if not isinstance(model_learnable, ModelLearnable):
        return f"a ModelLearnable is expected, not {type(model_learnable).__name__}"
    for key in (ModelLearnableKey.WEIGHTS, ModelLearnableKey.META):
        if key not in model_learnable:
            return f"the ModelLearnable has no {key}"
    return ""


def make_model_learnable(weights: Any, meta_props: Any) -> ModelLearnable:
    learnable = ModelLearnable()
    learnable[ModelLearnableKey.WEIGHTS] = weights
    learnable[ModelLearnableKey.META] = meta_props
    return learnable


def model_learnable_to_dxo(ml: ModelLearnable) -> DXO:
    """The weights as a DXO of kind WEIGHTS, sharing weights and meta. Raises ValueError."""
    if error := validate_model_learnable(ml):
        raise ValueError(error)
    return DXO(DataKind.WEIGHTS, ml[ModelLearnableKey.WEIGHTS], ml[ModelLearnableKey.META])
