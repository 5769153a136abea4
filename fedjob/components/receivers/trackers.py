"""Receivers of tracking services, which here keep what they would have sent: no test reaches a service.

Answers ``nvflare.app_opt.tracking.mlflow.mlflow_receiver`` and ``nvflare.app_opt.tracking.wandb.wandb_receiver``.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, TextIO

from fedjob.components.receivers.analytics import AnalyticsReceiver
from fedjob.exchange.analytics import ANALYTIC_EVENT_TYPE, AnalyticsData, AnalyticsDataType, LogWriterName
from fedjob.exchange.dxo import from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable

#: A service's plain words for one value and for several.
_ONE = {AnalyticsDataType.METRIC, AnalyticsDataType.PARAMETER}
_SEVERAL = {AnalyticsDataType.METRICS, AnalyticsDataType.PARAMETERS}


class _Tracker(AnalyticsReceiver):
    """Writes a JSON object per value, with ``site``, ``type``, ``tag``, ``value`` and ``step``, to a file in the run
    directory. The numbers are in the run's result in any case.
    """

    _SERVICE: LogWriterName
    _FILE: str
    #: Types that the service takes beside one value and several.
    _FURTHER: frozenset[AnalyticsDataType] = frozenset()

    def __init__(self, events: list[str] | None = None) -> None:
        super().__init__(events=events)
        self._file: TextIO | None = None

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError for settings with which the service would not start."""

    def initialize(self, fl_ctx: FLContext) -> None:
        self._check()
        run_dir = Path(fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id()))
        self._file = (run_dir / self._FILE).open("a", encoding="utf-8")

    def save(self, fl_ctx: FLContext, shareable: Shareable, record_origin: str) -> None:
        data = AnalyticsData.from_dxo(from_shareable(shareable), receiver=self._SERVICE)
        if data is None or self._file is None:
            return
        if data.data_type in _SEVERAL:
            values: dict[str, Any] = dict(data.value)
        elif data.data_type in _ONE | self._FURTHER:
            values = {data.tag: data.value}
        else:
            return  # as the service's receiver in FLARE does
        for tag, value in values.items():
            line = {
                "site": record_origin,
                "type": data.data_type.value,
                "tag": tag,
                "value": value,
                "step": data.step,
            }
            self._file.write(json.dumps(line, default=_plain) + "\n")
        # A line at a time, so that a run that is killed leaves what was logged.
        self._file.flush()

    def finalize(self, fl_ctx: FLContext) -> None:
        if self._file is not None:
            self._file.close()


class MLflowReceiver(_Tracker):
    """Keeps ``mlflow.jsonl`` instead of talking to `tracking_uri`. Raises ValueError for a `tracking_uri` that is no str."""

    _SERVICE = LogWriterName.MLFLOW
    _FILE = "mlflow.jsonl"
    _FURTHER = frozenset({AnalyticsDataType.TAG, AnalyticsDataType.TAGS, AnalyticsDataType.TEXT})

    def __init__(
        self,
        tracking_uri: str | None = None,
        kw_args: dict[str, Any] | None = None,
        artifact_location: str | None = None,
        events: list[str] | None = None,
        buffer_flush_time: float = 1,
    ) -> None:
        if not isinstance(tracking_uri, (str, type(None))):
            raise ValueError(f"tracking_uri must be a str or None, but got {type(tracking_uri).__name__}")
        super().__init__(events=[f"fed.{ANALYTIC_EVENT_TYPE}"] if events is None else events)
        self.tracking_uri = tracking_uri
        self.kw_args = kw_args or {}
        self.artifact_location = "artifacts" if artifact_location is None else artifact_location
        self.buff_flush_time = buffer_flush_time

    def _check(self) -> None:
        if not self.kw_args.get("experiment_name", "FLARE FL Experiment"):
            raise ValueError("MLflow's experiment_name must not be empty")
        for key in ("experiment_tags", "run_tags"):
            if not isinstance(self.kw_args.get(key, {}), dict):
                raise ValueError(f"MLflow's {key} must be a dict, but is {self.kw_args[key]!r}")


class WandBReceiver(_Tracker):
    """Keeps ``wandb.jsonl`` instead of talking to Weights & Biases, in whatever `mode`."""

    _SERVICE = LogWriterName.WANDB
    _FILE = "wandb.jsonl"

    def __init__(
        self,
        wandb_args: dict[str, Any],
        mode: str = "offline",
        events: list[str] | None = None,
        process_timeout: float = 10.0,
    ) -> None:
        super().__init__(events=events)
        self.mode = mode
        self.wandb_args = wandb_args
        self.process_timeout = process_timeout

    def _check(self) -> None:
        """FLARE sets ``group`` itself."""
        missing = [key for key in ("name", "project", "job_type") if key not in self.wandb_args]
        if missing:
            raise ValueError(f"Weights & Biases needs {', '.join(missing)} in wandb_args")


def _plain(value: Any) -> Any:
    """A number or array of numpy's as JSON has it, text for anything else."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
