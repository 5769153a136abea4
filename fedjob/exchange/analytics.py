"""Values that a site logs, on their way to a tracker: ``nvflare.apis.analytix`` and ``...utils.analytix_utils``."""

from __future__ import annotations

from enum import Enum
from typing import Any

from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey

ANALYTIC_EVENT_TYPE = "analytix_log_stats"


class LogWriterName(Enum):
    """The tracker whose writer was used."""

    TORCH_TB = "TORCH_TENSORBOARD"
    MLFLOW = "MLFLOW"
    WANDB = "WEIGHTS_AND_BIASES"


class TrackConst:
    """Keys of logged data and of a tracker's settings."""

    DATA_TYPE_KEY = "analytics_data_type"
    EXPERIMENT_NAME = "experiment_name"
    EXPERIMENT_TAGS = "experiment_tags"
    EXP_TAGS_KEY = "tags_key"
    GLOBAL_STEP_KEY = "global_step"
    INIT_CONFIG = "init_config"
    JOB_ID_KEY = "job_id"
    KWARGS_KEY = "analytics_kwargs"
    PATH_KEY = "path"
    PROJECT_NAME = "project_name"
    PROJECT_TAGS = "project_name"
    RUN_NAME = "run_name"
    RUN_TAGS = "run_tags"
    SITE_KEY = "site"
    TAGS_KEY = "tags_key"
    TAG_KEY = "tag_key"
    TRACKER_KEY = "tracker_key"
    TRACK_KEY = "track_key"
    TRACK_VALUE = "track_value"


class AnalyticsDataType(Enum):
    """What a logged value is; one or several of it."""

    SCALARS = "SCALARS"
    SCALAR = "SCALAR"
    IMAGE = "IMAGE"
    TEXT = "TEXT"
    LOG_RECORD = "LOG_RECORD"
    PARAMETER = "PARAMETER"
    PARAMETERS = "PARAMETERS"
    METRIC = "METRIC"
    METRICS = "METRICS"
    MODEL = "MODEL"
    TAG = "TAG"
    TAGS = "TAGS"
    INIT_DATA = "INIT_DATA"


_NUMBER = (AnalyticsDataType.SCALAR, AnalyticsDataType.METRIC)
_NUMBERS = (AnalyticsDataType.SCALARS, AnalyticsDataType.METRICS)
_DICTS = (*_NUMBERS, AnalyticsDataType.PARAMETERS, AnalyticsDataType.TAGS)

# TensorBoard's words for numbers and those of the other trackers.
_TO_METRIC = dict(zip((*_NUMBER[:1], *_NUMBERS[:1]), (_NUMBER[1], _NUMBERS[1]), strict=True))
_TO_SCALAR = {metric: scalar for scalar, metric in _TO_METRIC.items()}


class AnalyticsData:
    """One logged value. Numbers may come as 0-d arrays and tensors; they are kept as Python numbers.

    Raises TypeError when key, type, step or value do not fit each other, ValueError for a negative step.
    """

    def __init__(
        self,
        key: str,
        value: Any,
        data_type: AnalyticsDataType,
        sender: LogWriterName | None = LogWriterName.TORCH_TB,
        **kwargs: Any,
    ) -> None:
        if kwargs.get(TrackConst.GLOBAL_STEP_KEY) is not None:
            kwargs[TrackConst.GLOBAL_STEP_KEY] = _step(kwargs[TrackConst.GLOBAL_STEP_KEY])
        self.value = _checked(key, value, data_type, kwargs)
        self.tag = key
        self.data_type = data_type
        self.kwargs = kwargs
        self.sender = sender
        self.step: int | None = kwargs.get(TrackConst.GLOBAL_STEP_KEY)
        self.path: str | None = kwargs.get(TrackConst.PATH_KEY)

    def to_dxo(self) -> DXO:
        """The value as a DXO of kind ANALYTIC."""
        data = {TrackConst.TRACK_KEY: self.tag, TrackConst.TRACK_VALUE: self.value}
        if self.step is not None:
            data[TrackConst.GLOBAL_STEP_KEY] = self.step
        if self.path:
            data[TrackConst.PATH_KEY] = self.path
        if self.kwargs:
            data[TrackConst.KWARGS_KEY] = self.kwargs
        meta = {TrackConst.DATA_TYPE_KEY: self.data_type, TrackConst.TRACKER_KEY: self.sender}
        return DXO(DataKind.ANALYTIC, data, meta)

    @classmethod
    def from_dxo(cls, dxo: DXO, receiver: LogWriterName = LogWriterName.TORCH_TB) -> AnalyticsData | None:
        """The value of a DXO, in the words of `receiver`; None when its type is not known.

        Raises TypeError when `dxo` is no DXO, ValueError when it is empty.
        """
        if not isinstance(dxo, DXO):
            raise TypeError(f"a DXO is expected, not {type(dxo).__name__}")
        if not dxo.data:
            raise ValueError("the DXO is empty; it holds no logged value")
        key, value = dxo.data[TrackConst.TRACK_KEY], dxo.data[TrackConst.TRACK_VALUE]
        kwargs = dxo.data.get(TrackConst.KWARGS_KEY, {})
        step = dxo.data.get(TrackConst.GLOBAL_STEP_KEY)
        if step is not None:
            kwargs[TrackConst.GLOBAL_STEP_KEY] = step
        data_type = dxo.get_meta_prop(TrackConst.DATA_TYPE_KEY)
        sender = dxo.get_meta_prop(TrackConst.TRACKER_KEY)
        if sender is not None:
            data_type = cls.convert_data_type(data_type, sender, receiver)
        if not data_type:
            return None
        return cls(key, value, data_type, sender, **kwargs)

    @classmethod
    def convert_data_type(
        cls, sender_data_type: AnalyticsDataType, sender: LogWriterName, receiver: LogWriterName
    ) -> AnalyticsDataType:
        """`sender_data_type` in the words of `receiver`: TensorBoard says scalar, the others say metric."""
        if (sender is LogWriterName.TORCH_TB) == (receiver is LogWriterName.TORCH_TB):
            return sender_data_type
        words = _TO_METRIC if sender is LogWriterName.TORCH_TB else _TO_SCALAR
        return words.get(sender_data_type, sender_data_type)

    def __str__(self) -> str:
        return (
            f"AnalyticsData(tag: {self.tag}, value: {self.value}, data_type: {self.data_type}, "
            f"kwargs: {self.kwargs}, step: {self.step})"
        )


def create_analytic_dxo(
    tag: str,
    value: Any,
    data_type: AnalyticsDataType,
    writer: LogWriterName = LogWriterName.TORCH_TB,
    **kwargs: Any,
) -> DXO:
    """A logged value as a DXO. Raises what AnalyticsData raises."""
    return AnalyticsData(tag, value, data_type, writer, **kwargs).to_dxo()


def send_analytic_dxo(
    comp: Any,
    dxo: DXO,
    fl_ctx: FLContext,
    event_type: str = ANALYTIC_EVENT_TYPE,
    fire_fed_event: bool = False,
) -> None:
    """Fire an event with the DXO, from component `comp`: at this site, or across to the others.

    Raises TypeError when an argument is none of these.
    """
    if not callable(getattr(comp, "fire_fed_event", None)):
        raise TypeError(f"a component fires events, and {type(comp).__name__} is none")
    if not isinstance(dxo, DXO):
        raise TypeError(f"a DXO is expected, not {type(dxo).__name__}")
    if not isinstance(fl_ctx, FLContext):
        raise TypeError(f"an FLContext is expected, not {type(fl_ctx).__name__}")
    shareable = dxo.to_shareable()
    fl_ctx.set_prop(FLContextKey.EVENT_DATA, shareable, private=True, sticky=False)
    if fire_fed_event:
        comp.fire_fed_event(event_type=event_type, event_data=shareable, fl_ctx=fl_ctx)
    else:
        comp.fire_event(event_type=event_type, fl_ctx=fl_ctx)


def _checked(key: Any, value: Any, data_type: Any, kwargs: dict[str, Any]) -> Any:
    """The value, with its numbers as Python numbers."""
    for name, given, wanted in (
        ("tag", key, str),
        ("data_type", data_type, AnalyticsDataType),
        ("path", "" if kwargs.get(TrackConst.PATH_KEY) is None else kwargs[TrackConst.PATH_KEY], str),
    ):
        if not isinstance(given, wanted):
            raise TypeError(f"{name} must be {wanted.__name__}, but is {type(given).__name__}")
    if data_type in _NUMBER:
        return _number(key, value)
    if data_type in _DICTS and not isinstance(value, dict):
        raise TypeError(
            f"{key!r} logs {data_type.value}, so its value must be a dict, not {type(value).__name__}"
        )
    if data_type in _NUMBERS:
        return {name: _number(f"{key}/{name}", number) for name, number in value.items()}
    if data_type is AnalyticsDataType.TEXT and not isinstance(value, str):
        raise TypeError(f"{key!r} logs TEXT, so its value must be a str, not {type(value).__name__}")
    return value


def _step(step: Any) -> int:
    found = _number(TrackConst.GLOBAL_STEP_KEY, step)
    if not isinstance(found, int):
        raise TypeError(f"{TrackConst.GLOBAL_STEP_KEY} must be an int, but is {type(step).__name__}")
    if found < 0:
        raise ValueError(f"{TrackConst.GLOBAL_STEP_KEY} must not be negative, but is {found}")
    return found


def _number(name: str, value: Any) -> int | float:
    """`value`, a number or a 0-d array or tensor of one, as a Python number. Raises TypeError."""
    if isinstance(value, (int, float)):
        return value
    item = getattr(value, "item", None)
    shape = getattr(value, "shape", None)
    try:
        found = item() if callable(item) and (shape is None or tuple(shape) == ()) else None
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, (int, float)):
        raise TypeError(f"{name!r} must be one number, but is {type(value).__name__}")
    return found
