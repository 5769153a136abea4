import enum

from ..sibling import SIBLING


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Level(str, enum.Enum):
    LOW = "low"
    HIGH = "high"


class Part:
    def __init__(self, mode=Mode.FAST, level=Level.LOW, part=None):
        self.mode = mode
        self.level = level
        self._part = part
