"""A Lightning logger that sends metrics to the server: ``nvflare.app_opt.lightning.loggers.client_logger``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from fedjob.client.tracking import MLflowWriter
from fedjob.flare.releases import NEWEST

_log = logging.getLogger(__name__)


class _Sender:
    """Logs what Lightning logs, as MLflow's writer would; `prefix` goes in front of names, with a hyphen."""

    LOGGER_JOIN_CHAR = "-"

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix
        self._writer = MLflowWriter()

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        _log.warning("hyperparameters are not sent")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        prefix = f"{self._prefix}{self.LOGGER_JOIN_CHAR}" if self._prefix else ""
        self._writer.log_metrics({f"{prefix}{name}": value for name, value in metrics.items()}, step)

    def finalize(self, status: str = "success") -> None:
        """Nothing is held back."""

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Checkpoints stay at the site."""

    @property
    def save_dir(self) -> str | None:
        return None

    @property
    def name(self) -> str | None:
        return "nvflare"

    @property
    def version(self) -> str | None:
        return f"{NEWEST}.0"


if TYPE_CHECKING:
    ClientLogger: Any


@cache
def _made() -> Any:
    from pytorch_lightning.loggers.logger import Logger

    return type("ClientLogger", (_Sender, Logger), {"__module__": __name__, "__doc__": _Sender.__doc__})


def __getattr__(name: str) -> Any:
    if name != "ClientLogger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _made()
