"""The model as scripts and workflows exchange it: ``nvflare.app_common.abstract.fl_model``."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from fedjob.exchange.keys import FLMetaKey


class ParamsType(str, Enum):
    """Whether params are the model's own or what is to be added to them."""

    FULL = "FULL"
    DIFF = "DIFF"


_FULL = ParamsType.FULL


class FLModelConst:
    """The attributes of an FLModel by name."""

    CURRENT_ROUND = "current_round"
    META = "meta"
    METRICS = "metrics"
    OPTIMIZER_PARAMS = "optimizer_params"
    PARAMS = "params"
    PARAMS_TYPE = "params_type"
    START_ROUND = "start_round"
    TOTAL_ROUNDS = "total_rounds"


class MetaKey(FLMetaKey):
    """Keys of a model's meta."""


class FLModel:
    """Parameters, metrics and where in the job they belong.

    `params` is usually a dict of arrays or tensors by name; given without a type they are FULL. Rounds count from 0.
    `optimizer_params` is never sent. Raises ValueError for a type without params, for an unknown type and for
    negative rounds, TypeError when metrics or meta is no dict or a round no int.
    """

    def __init__(
        self,
        params_type: str | ParamsType | None = None,
        params: Any = None,
        optimizer_params: Any = None,
        metrics: dict[str, Any] | None = None,
        start_round: int | None = 0,
        current_round: int | None = None,
        total_rounds: int | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        if params_type is not None:
            if type(params_type) is not ParamsType:
                params_type = ParamsType(params_type)
            if params is None:
                raise ValueError(f"an FLModel with params_type {params_type.value} needs params")
        elif params is not None:
            params_type = _FULL
        if metrics is not None and type(metrics) is not dict:
            _check_dict("metrics", metrics)
        if meta is not None and type(meta) is not dict:
            _check_dict("meta", meta)
        if type(start_round) is not int or start_round < 0:
            check_round("start_round", start_round)
        if current_round is not None and (type(current_round) is not int or current_round < 0):
            check_round("current_round", current_round)
        if total_rounds is not None and (type(total_rounds) is not int or total_rounds < 0):
            check_round("total_rounds", total_rounds)
        self.params_type = params_type
        self.params = params
        self.optimizer_params = optimizer_params
        self.metrics = metrics
        self.start_round = start_round
        self.current_round = current_round
        self.total_rounds = total_rounds
        self.meta: dict[str, Any] = {} if meta is None else meta
        self._summary: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is not there: the meta of a model for which it was postponed.
        load = self.__dict__.get("_load_meta") if name == "meta" else None
        if load is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.meta = load()
        del self._load_meta
        return self.meta

    def __getstate__(self) -> dict[str, Any]:
        _ = self.meta
        return self.__dict__.copy()

    def summary(self) -> dict[str, Any]:
        """Sizes of dicts, ints and types of the rest, of what is not empty, by attribute.

        As in FLARE, an attribute that has become empty since an earlier call keeps its earlier entry.
        """
        for name in (
            FLModelConst.PARAMS,
            FLModelConst.OPTIMIZER_PARAMS,
            FLModelConst.METRICS,
            FLModelConst.META,
            FLModelConst.PARAMS_TYPE,
            FLModelConst.START_ROUND,
            FLModelConst.CURRENT_ROUND,
            FLModelConst.TOTAL_ROUNDS,
        ):
            value = getattr(self, name)
            # Arrays, which may be a user's params, have no truth value.
            if value is not None and (hasattr(value, "shape") or value):
                self._summary[name] = _brief(value)
        return self._summary

    def __repr__(self) -> str:
        return str(self.summary())

    __str__ = __repr__


def beside(model: FLModel) -> FLModel:
    """A model with the same attributes; setting one does not change the other's."""
    other = type(model).__new__(type(model))
    other.__dict__.update(model.__dict__)
    return other


def postpone_meta(model: FLModel, load: Callable[[], dict[str, Any]]) -> None:
    """Have the rest of a model's meta loaded when somebody looks at the meta; what is there keeps its place."""
    begun = model.__dict__.pop("meta")
    model.__dict__["_load_meta"] = lambda: {**begun, **load()}


def with_postponed_meta(attributes: dict[str, Any], load: Callable[[], dict[str, Any]]) -> FLModel:
    """A model of these attributes, `meta` excepted, which is loaded when somebody looks at it."""
    model = FLModel.__new__(FLModel)
    attributes["_load_meta"] = load
    model.__dict__ = attributes
    return model


def _brief(value: Any) -> Any:
    if isinstance(value, dict):
        return len(value)
    return value if isinstance(value, (ParamsType, int)) else type(value)


def _check_dict(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"{name} of an FLModel must be a dict, but is {type(value).__name__}")


def check_round(name: str, value: Any) -> None:
    """Raises TypeError or ValueError for what is no number of a round."""
    if value is None:
        return
    if not isinstance(value, int):
        raise TypeError(f"{name} of an FLModel must be an int, but is {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name} of an FLModel must not be negative, but is {value}")
