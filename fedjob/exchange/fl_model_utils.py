"""FLModel to and from the other forms of a model: ``nvflare.app_common.utils.fl_model_utils``.

Conversions share parameters and metrics with what they are given; only the meta is a dict of its own.
"""

from __future__ import annotations

from typing import Any

from fedjob.errors import ExchangeError
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel, FLModelConst, MetaKey, ParamsType, check_round
from fedjob.exchange.learnable import ModelLearnable, ModelLearnableKey, make_model_learnable
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable

#: What a DXO of kind FL_MODEL holds; as in FLARE the start round is not among it.
MODEL_ATTRS = [
    FLModelConst.PARAMS_TYPE,
    FLModelConst.PARAMS,
    FLModelConst.METRICS,
    FLModelConst.OPTIMIZER_PARAMS,
    FLModelConst.CURRENT_ROUND,
    FLModelConst.TOTAL_ROUNDS,
    FLModelConst.META,
]

params_type_to_data_kind = {
    ParamsType.FULL.value: DataKind.WEIGHTS,
    ParamsType.DIFF.value: DataKind.WEIGHT_DIFF,
}
data_kind_to_params_type: dict[str, str] = {kind: name for name, kind in params_type_to_data_kind.items()}

#: Headers of a Shareable and the attributes of the FLModel that they carry.
_ROUNDS = (
    (AppConstants.START_ROUND, FLModelConst.START_ROUND),
    (AppConstants.CURRENT_ROUND, FLModelConst.CURRENT_ROUND),
    (AppConstants.NUM_ROUNDS, FLModelConst.TOTAL_ROUNDS),
)

_HEADERS_IN_META = (
    (AppConstants.VALIDATE_TYPE, MetaKey.VALIDATE_TYPE),
    (MetaKey.JOB_ID, MetaKey.JOB_ID),
    (MetaKey.SITE_NAME, MetaKey.SITE_NAME),
)

_FULL = ParamsType.FULL.value
_PARAMS_TYPES = {kind.value: kind for kind in ParamsType}


class FLModelUtils:
    """The conversions, under FLARE's names."""

    @staticmethod
    def to_shareable(fl_model: FLModel) -> Shareable:
        """The model as a task or result: params as WEIGHTS or WEIGHT_DIFF, metrics alone as METRICS.

        Metrics beside params become ``initial_metrics`` of the meta: they tell how the received model did.
        Raises ValueError for a model with neither.
        """
        meta = fl_model.meta or {}
        dxo = _to_dxo(fl_model)
        dxo.meta.update(meta)
        shareable = dxo.to_shareable()
        headers = shareable[ReservedHeaderKey.HEADERS]
        if (number := fl_model.start_round) is not None:
            headers[AppConstants.START_ROUND] = number
        if (number := fl_model.current_round) is not None:
            headers[AppConstants.CURRENT_ROUND] = number
        if (number := fl_model.total_rounds) is not None:
            headers[AppConstants.NUM_ROUNDS] = number
        if MetaKey.VALIDATE_TYPE in meta:
            shareable.set_header(AppConstants.VALIDATE_TYPE, meta[MetaKey.VALIDATE_TYPE])
        return shareable

    @staticmethod
    def from_shareable(shareable: Shareable, fl_ctx: FLContext | None = None) -> FLModel:  # noqa: ARG004
        """The model of a task or result. Raises ValueError when there is no DXO in it.

        A request to submit a model holds none: its FLModel has only ``submit_model_name`` in the meta.
        """
        headers = shareable.get(ReservedHeaderKey.HEADERS) or {}
        if not isinstance(headers, dict):
            shareable.get_header("")  # which says what is wrong.
        name = headers.get(AppConstants.SUBMIT_MODEL_NAME)
        request = FLModel(meta={MetaKey.SUBMIT_MODEL_NAME: name}) if name else None
        model = request or _model(from_shareable(shareable))
        for header, key in _HEADERS_IN_META:
            if (value := headers.get(header)) is not None:
                model.meta[key] = value
        for header, attribute in _ROUNDS:
            value = headers.get(header)
            if type(value) is not int or value < 0:
                check_round(attribute, value)
            setattr(model, attribute, value)
        return model

    @staticmethod
    def to_dxo(fl_model: FLModel) -> DXO:
        """The model's attributes as a DXO of kind FL_MODEL."""
        values = {name: getattr(fl_model, name, None) for name in MODEL_ATTRS}
        return DXO(DataKind.FL_MODEL, {name: value for name, value in values.items() if value is not None})

    @staticmethod
    def from_dxo(dxo: DXO) -> FLModel:
        """The model of a DXO of kind FL_MODEL. Raises ValueError for another kind."""
        if dxo.data_kind != DataKind.FL_MODEL or not isinstance(dxo.data, dict):
            raise ValueError(f"a DXO of kind {DataKind.FL_MODEL.value} is expected, not {dxo!r}")
        names = (*MODEL_ATTRS, FLModelConst.START_ROUND)
        return FLModel(**{name: dxo.data.get(name) for name in names})

    @staticmethod
    def to_model_learnable(fl_model: FLModel) -> ModelLearnable:
        return make_model_learnable(weights=fl_model.params, meta_props=fl_model.meta)

    @staticmethod
    def from_model_learnable(model_learnable: ModelLearnable) -> FLModel:
        return FLModel(
            params_type=ParamsType.FULL,
            params=model_learnable[ModelLearnableKey.WEIGHTS],
            meta=model_learnable[ModelLearnableKey.META],
        )

    @staticmethod
    def get_meta_prop(model: FLModel, key: str, default: Any = None) -> Any:
        """An entry of the model's meta. Raises TypeError when `model` is no FLModel."""
        _check(model)
        return model.meta.get(key, default) if model.meta else default

    @staticmethod
    def set_meta_prop(model: FLModel, key: str, value: Any) -> None:
        """Set an entry of the model's meta. Raises TypeError when `model` is no FLModel."""
        _check(model)
        model.meta[key] = value

    @staticmethod
    def get_configs(model: FLModel) -> Any:
        return FLModelUtils.get_meta_prop(model, MetaKey.CONFIGS)

    @staticmethod
    def update_model(model: FLModel, model_update: FLModel, replace_meta: bool = True) -> FLModel:
        """Bring `model` up to date, in place: FULL params replace its params, DIFF is added key by key.

        Raises ExchangeError, a RuntimeError, when `model` is not FULL or the update has no params.
        """
        if model.params_type != ParamsType.FULL:
            kind = model.params_type.value if model.params_type else "without params"
            raise ExchangeError(f"only a FULL model can be updated; this one is {kind}")
        if replace_meta:
            model.meta = model_update.meta
        else:
            model.meta.update(model_update.meta)
        model.metrics = model_update.metrics
        if model_update.params_type == ParamsType.FULL:
            model.params = model_update.params
        elif model_update.params_type == ParamsType.DIFF:
            for name, change in model_update.params.items():
                model.params[name] = model.params[name] + change
        else:
            raise ExchangeError("the update has no params; give it FULL or DIFF ones")
        return model


def _to_dxo(model: FLModel) -> DXO:
    if model.params is None:
        if model.metrics is None:
            raise ValueError(
                "the FLModel has neither params nor metrics; give it one of them before it is sent"
            )
        return DXO(DataKind.METRICS, model.metrics)
    if model.params_type is None:
        model.params_type = ParamsType.FULL
    meta = {} if model.metrics is None else {MetaKey.INITIAL_METRICS: model.metrics}
    kind = _FULL if model.params_type is ParamsType.FULL else ParamsType(model.params_type).value
    return DXO(params_type_to_data_kind[kind], model.params, meta)


def _model(dxo: DXO) -> FLModel:
    meta = dict(dxo.meta)
    if dxo.data_kind == DataKind.METRICS:
        return FLModel(metrics=dxo.data, meta=meta)
    # Any other kind is taken for full params, as in FLARE.
    kind = data_kind_to_params_type.get(dxo.data_kind, ParamsType.FULL.value)
    return FLModel(_PARAMS_TYPES[kind], dxo.data, metrics=meta.get(MetaKey.INITIAL_METRICS), meta=meta)


def _check(model: Any) -> None:
    if not isinstance(model, FLModel):
        raise TypeError(f"an FLModel is expected, not {type(model).__name__}")
