"""Objects as bytes, under the names of ``nvflare.fuel.utils.fobs``.

FLARE writes a format of its own and takes only types that it knows or has a decomposer for. We pickle: files that
this module wrote are read by this module alone, and like every pickle they must come from a source you trust.
Registered decomposers are used for their types as in FLARE.
"""

# ruff: noqa: ARG001 - FLARE's functions take more than pickling needs.

from __future__ import annotations

import io
import pickle
from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")


class Decomposer(ABC):
    """Takes objects of one type apart into plain ones and puts them together again."""

    @abstractmethod
    def supported_type(self) -> type[Any]:
        """The type whose instances it takes apart; subclasses are not meant."""

    def supported_dots(self) -> list[int] | None:
        return None

    def process_datum(self, datum: Any, manager: Any) -> None:
        return None

    @abstractmethod
    def decompose(self, target: Any, manager: Any = None) -> Any: ...

    @abstractmethod
    def recompose(self, data: Any, manager: Any = None) -> Any: ...


_decomposers: dict[type[Any], Decomposer] = {}


def register(decomposer: Decomposer | type[Decomposer]) -> None:
    """Use `decomposer`, a class or an instance, for its type, unless the type has one. Raises TypeError."""
    instance = decomposer() if isinstance(decomposer, type) else decomposer
    if not isinstance(instance, Decomposer):
        raise TypeError(f"{type(instance).__name__} is no Decomposer; derive it from fobs.Decomposer")
    _decomposers.setdefault(instance.supported_type(), instance)


def register_data_classes(*data_classes: type[Any]) -> None:
    """Allow classes that pickle anyway."""


def register_enum_types(*enum_types: type[Enum]) -> None:
    """Allow enums, which pickle anyway. Raises TypeError for what is none."""
    for cls in enum_types:
        if not issubclass(cls, Enum):
            raise TypeError(f"{cls.__name__} is no Enum")


def auto_register_enum_types(enabled: bool = True) -> None:
    """Enums pickle whether this was called or not."""


def add_type_name_whitelist(*type_names: str) -> None:
    """Allow types by name; all are allowed here."""


def num_decomposers() -> int:
    return len(_decomposers)


def reset() -> None:
    """Forget the registered decomposers."""
    _decomposers.clear()


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        decomposer = _decomposers.get(type(obj))
        return NotImplemented if decomposer is None else (_recompose, (decomposer, decomposer.decompose(obj)))


def _recompose(decomposer: Decomposer, data: Any) -> Any:
    return decomposer.recompose(data)


def dump(obj: Any, stream: BinaryIO, max_value_size: int | None = None, fobs_ctx: Any = None) -> None:
    _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump(obj)


def load(stream: BinaryIO, fobs_ctx: Any = None) -> Any:
    return pickle.load(stream)


def dumps(
    obj: Any, buffer_list: bool = False, max_value_size: int | None = None, fobs_ctx: Any = None
) -> bytes:
    stream = io.BytesIO()
    dump(obj, stream)
    return stream.getvalue()


def loads(data: bytes, fobs_ctx: Any = None) -> Any:
    return pickle.loads(data)


def dumpf(obj: Any, file_path: str | Path, max_value_size: int | None = None, fobs_ctx: Any = None) -> None:
    with Path(file_path).open("wb") as stream:
        dump(obj, stream)


def loadf(file_path: str | Path, fobs_ctx: Any = None) -> Any:
    with Path(file_path).open("rb") as stream:
        return load(stream)


serialize, deserialize = dumps, loads
serialize_stream, deserialize_stream = dump, load
