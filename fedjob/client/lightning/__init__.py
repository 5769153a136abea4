"""The Client API for Lightning: ``import nvflare.client.lightning as flare``. Needs pytorch_lightning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedjob.client import (
    AnalyticsDataType,
    FLModel,
    ParamsType,
    get_config,
    get_job_id,
    get_site_name,
    init,
    is_running,
    log,
    receive,
    shutdown,
    system_info,
)
from fedjob.client.lightning import callbacks, client_logger
from fedjob.client.lightning.callbacks import patch

if TYPE_CHECKING:
    FLCallback: Any
    logger: Any

__all__ = [
    "AnalyticsDataType",
    "FLCallback",
    "FLModel",
    "ParamsType",
    "get_config",
    "get_job_id",
    "get_site_name",
    "init",
    "is_running",
    "log",
    "logger",
    "patch",
    "receive",
    "shutdown",
    "system_info",
]


def __getattr__(name: str) -> Any:
    if name == "FLCallback":
        return callbacks.FLCallback
    if name == "logger":
        return client_logger.ClientLogger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
