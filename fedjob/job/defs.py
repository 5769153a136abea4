"""The words of a job's description: targets, filter directions, frameworks."""

from __future__ import annotations

from enum import Enum

SERVER = "server"
ALL_SITES = "@ALL"


class JobTargetType:
    SERVER = "server"
    CLIENT = "client"

    @classmethod
    def get_target_type(cls, target: str) -> str:
        """SERVER for exactly ``"server"``, else CLIENT."""
        return cls.SERVER if target == SERVER else cls.CLIENT


class FilterType:
    TASK_RESULT = "TASK_RESULT"
    TASK_DATA = "TASK_DATA"


class FrameworkType(str, Enum):
    """What a training script keeps its parameters in."""

    RAW = "raw"
    NUMPY = "numpy"
    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"


class PipeConnectType(str, Enum):
    """How the pipe to an external process is connected, up to FLARE 2.8."""

    VIA_ROOT = "via_root"
    VIA_CP = "via_cp"
    VIA_RELAY = "via_relay"
