"""What a user might hand to a job."""

import enum


class Part:
    def __init__(self, value=0, other=None):
        self.value = value
        self._other = other


class Required:
    def __init__(self, value):
        self.value = value


class Lossy:
    def __init__(self, renamed=1):
        self.different = renamed


class Base:
    def __init__(self, inherited=1, **kwargs):
        self.inherited = inherited


class OnlyKwargs(Base):
    def __init__(self, own=2, **kwargs):
        super().__init__(**kwargs)
        self.own = own


class Merged(Base):
    def __init__(self, *args, own=2, inherited=5, **kwargs):
        super().__init__(inherited=inherited)
        self.own = own


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value=1):
        self.value = value


class Always:
    _always_serialize_args = ("value",)

    def __init__(self, value=1):
        self.value = value


class Colour(enum.Enum):
    RED = "red"
