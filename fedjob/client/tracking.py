"""Writers that log to the server under the names of well-known trackers: ``nvflare.client.tracking``.

They need `init` first. The values get to the server when the job has a ConvertToFedEvent widget, and into files
when it has a receiver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedjob.client import api
from fedjob.client.api import APIContext
from fedjob.exchange.analytics import AnalyticsDataType, LogWriterName, TrackConst


class _Writer:
    _name: LogWriterName

    def __init__(self, ctx: APIContext | None = None) -> None:
        self.ctx = api.get_context(ctx)

    def _send(self, data_type: AnalyticsDataType, key: str, value: Any, **kwargs: Any) -> None:
        api.log(key, value, data_type, ctx=self.ctx, writer=self._name, **kwargs)


class SummaryWriter(_Writer):
    """TensorBoard's writer, as far as FLARE has it: scalars."""

    _name = LogWriterName.TORCH_TB

    def add_scalar(self, tag: str, scalar: float, global_step: int | None = None, **kwargs: Any) -> None:
        self._send(AnalyticsDataType.SCALAR, tag, scalar, global_step=global_step, **kwargs)

    def add_scalars(
        self, tag: str, scalars: Mapping[str, float], global_step: int | None = None, **kwargs: Any
    ) -> None:
        self._send(AnalyticsDataType.SCALARS, tag, scalars, global_step=global_step, **kwargs)

    def flush(self) -> None:
        """Nothing is held back."""


class WandBWriter(_Writer):
    """Weights & Biases' ``log``."""

    _name = LogWriterName.WANDB

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._send(AnalyticsDataType.METRICS, "metrics", metrics, global_step=step)


class MLflowWriter(_Writer):
    """MLflow's fluent functions."""

    _name = LogWriterName.MLFLOW

    def log_param(self, key: str, value: Any) -> None:
        self._send(AnalyticsDataType.PARAMETER, key, value)

    def log_params(self, values: Mapping[str, Any]) -> None:
        self._send(AnalyticsDataType.PARAMETERS, "params", values)

    def log_metric(self, key: str, value: float, step: int | None = None) -> None:
        self._send(AnalyticsDataType.METRIC, key, value, global_step=step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._send(AnalyticsDataType.METRICS, "metrics", metrics, global_step=step)

    def log_text(self, text: str, artifact_file_path: str) -> None:
        self._send(AnalyticsDataType.TEXT, "text", text, **{TrackConst.PATH_KEY: artifact_file_path})

    def set_tag(self, key: str, tag: Any) -> None:
        self._send(AnalyticsDataType.TAG, key, tag)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._send(AnalyticsDataType.TAGS, "tags", tags)
