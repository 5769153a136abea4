"""Writers that executors and learners log with, under the names of well-known trackers.

Answers ``nvflare.app_common.tracking.log_writer`` and the writers of ``nvflare.app_opt.tracking``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from fedjob.components.receivers.analytics import AnalyticsSender
from fedjob.components.roles import FLComponent
from fedjob.exchange.analytics import ANALYTIC_EVENT_TYPE, AnalyticsDataType, LogWriterName
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext


class LogWriter(FLComponent, ABC):
    """Logs through a sender: its own, or the component `metrics_sender_id`, without which the run cannot go on."""

    _EVENTS = frozenset({EventType.ABOUT_TO_START_RUN})

    def __init__(self, event_type: str = ANALYTIC_EVENT_TYPE, metrics_sender_id: str | None = None) -> None:
        super().__init__()
        self.event_type = event_type
        self.metrics_sender_id = metrics_sender_id
        self.sender: Any = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type != EventType.ABOUT_TO_START_RUN:
            return
        engine = fl_ctx.get_engine()
        if not self.metrics_sender_id:
            self.sender = AnalyticsSender(self.event_type, self.get_writer_name())
            self.sender.engine = engine
            return
        self.sender = engine.get_component(self.metrics_sender_id)
        if self.sender is None:
            self.system_panic(f"there is no component {self.metrics_sender_id!r} to log through", fl_ctx)
        else:
            self.sender.writer = self.get_writer_name()

    def write(
        self,
        tag: str,
        value: Any,
        data_type: AnalyticsDataType,
        global_step: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.sender.add(tag=tag, value=value, data_type=data_type, global_step=global_step, **kwargs)

    @abstractmethod
    def get_writer_name(self) -> LogWriterName:
        """In which tracker's terms values are meant."""

    def get_default_metric_data_type(self) -> AnalyticsDataType:
        return AnalyticsDataType.METRICS


class TBWriter(LogWriter):
    """TensorBoard's writer, as far as FLARE has it: scalars."""

    def __init__(self, event_type: str = ANALYTIC_EVENT_TYPE) -> None:
        super().__init__(event_type)

    def get_writer_name(self) -> LogWriterName:
        return LogWriterName.TORCH_TB

    def get_default_metric_data_type(self) -> AnalyticsDataType:
        return AnalyticsDataType.SCALARS

    def add_scalar(self, tag: str, scalar: float, global_step: int | None = None, **kwargs: Any) -> None:
        self.write(tag, scalar, AnalyticsDataType.SCALAR, global_step, **kwargs)

    def add_scalars(
        self, tag: str, scalars: Mapping[str, float], global_step: int | None = None, **kwargs: Any
    ) -> None:
        self.write(tag, scalars, AnalyticsDataType.SCALARS, global_step, **kwargs)

    def flush(self) -> None:
        """Nothing is held back."""


class MLflowWriter(LogWriter):
    """MLflow's fluent functions."""

    def __init__(self, event_type: str = ANALYTIC_EVENT_TYPE) -> None:
        super().__init__(event_type)

    def get_writer_name(self) -> LogWriterName:
        return LogWriterName.MLFLOW

    def log_param(self, key: str, value: Any) -> None:
        self.write(key, value, AnalyticsDataType.PARAMETER)

    def log_params(self, values: Mapping[str, Any]) -> None:
        self.write("params", values, AnalyticsDataType.PARAMETERS)

    def log_metric(self, key: str, value: float, step: int | None = None) -> None:
        self.write(key, value, AnalyticsDataType.METRIC, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.write("metrics", metrics, AnalyticsDataType.METRICS, step)

    def log_text(self, text: str, artifact_file_path: str) -> None:
        self.write("text", text, AnalyticsDataType.TEXT, path=artifact_file_path)

    def set_tag(self, key: str, tag: Any) -> None:
        self.write(key, tag, AnalyticsDataType.TAG)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self.write("tags", tags, AnalyticsDataType.TAGS)


class WandBWriter(LogWriter):
    """Weights & Biases' ``log``."""

    def __init__(self, event_type: str = ANALYTIC_EVENT_TYPE) -> None:
        super().__init__(event_type)

    def get_writer_name(self) -> LogWriterName:
        return LogWriterName.WANDB

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.write("metrics", metrics, AnalyticsDataType.METRICS, step)
