"""Words of a script's exchange settings: ``nvflare.client.config``."""

from __future__ import annotations

from enum import Enum
from typing import Any


class ExchangeFormat(str, Enum):
    """What parameters are, in the script or on the way to the server."""

    RAW = "raw"  #: whatever they are; never converted
    PYTORCH = "pytorch"
    NUMPY = "numpy"
    KERAS_LAYER_WEIGHTS = "keras_layer_weights"


class TransferType(str, Enum):
    """Whether the server gets the script's parameters or their difference from those received."""

    FULL = "FULL"
    DIFF = "DIFF"


_FULL = TransferType.FULL.value


class ConfigKey:
    """Keys of the dict that `get_config` returns."""

    CUDA_EMPTY_CACHE = "cuda_empty_cache"
    EVAL_TASK_NAME = "eval_task_name"
    EXCHANGE_FORMAT = "exchange_format"
    LAUNCH_ONCE = "launch_once"
    MEMORY_GC_ROUNDS = "memory_gc_rounds"
    SERVER_EXPECTED_FORMAT = "server_expected_format"
    SUBMIT_MODEL_TASK_NAME = "submit_model_task_name"
    TASK_EXCHANGE = "TASK_EXCHANGE"
    TASK_NAME = "TASK_NAME"
    TRAIN_TASK_NAME = "train_task_name"
    TRAIN_WITH_EVAL = "train_with_eval"
    TRANSFER_TYPE = "transfer_type"


def normalize_exchange_format(value: Any, name: str) -> ExchangeFormat:
    """`value` as an ExchangeFormat. Raises ValueError, which calls it `name`."""
    try:
        return ExchangeFormat(value)
    except (TypeError, ValueError):
        known = ", ".join(f.value for f in ExchangeFormat)
        raise ValueError(f"{name} is {value!r}; formats are {known}") from None


class ClientConfig:
    """Reads a script's settings, with FLARE's value for what is not set."""

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        self.config: dict[str, Any] = {} if config is None else config

    def get_config(self) -> dict[str, Any]:
        return self.config

    def _exchange(self, key: str, default: str) -> Any:
        return self.config.get(ConfigKey.TASK_EXCHANGE, {}).get(key, default)

    def get_exchange_format(self) -> Any:
        return self._exchange(ConfigKey.EXCHANGE_FORMAT, "")

    def get_server_expected_format(self) -> Any:
        return self._exchange(ConfigKey.SERVER_EXPECTED_FORMAT, ExchangeFormat.NUMPY)

    def get_transfer_type(self) -> Any:
        return self._exchange(ConfigKey.TRANSFER_TYPE, _FULL)

    def get_train_task(self) -> Any:
        return self._exchange(ConfigKey.TRAIN_TASK_NAME, "")

    def get_eval_task(self) -> Any:
        return self._exchange(ConfigKey.EVAL_TASK_NAME, "")

    def get_submit_model_task(self) -> Any:
        return self._exchange(ConfigKey.SUBMIT_MODEL_TASK_NAME, "")
