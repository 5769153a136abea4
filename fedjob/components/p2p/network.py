"""Who is whose neighbour in a peer-to-peer job, and what its algorithm is told besides.

Answers ``nvflare.app_opt.p2p.types``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


class _Described:
    """A dataclass whose ``__dict__`` is its fields as plain data, what is nested in them as well.

    FLARE exports and sends what stands there. It is a copy: to set an entry of it changes nothing.
    """

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return {own.name: _plain(getattr(self, own.name)) for own in fields(self)}  # type: ignore[arg-type]

    def __reduce__(self) -> tuple[Any, ...]:
        # By default a copy would be filled through its ``__dict__``.
        return type(self), tuple(getattr(self, own.name) for own in fields(self))  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, _Described):
        return value.__dict__
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _made(cls: type[T], given: Any) -> Any:
    """`given` if it is an object; one of `cls` if it is the dict that a job folder has in its place."""
    if not isinstance(given, dict):
        return given
    try:
        return cls(**given)
    except TypeError as error:
        wanted = [own.name for own in fields(cls)]  # type: ignore[arg-type]
        raise TypeError(f"{given} describes no {cls.__name__} ({error}); its fields are {wanted}") from error


@dataclass
class Neighbor(_Described):
    """A site that another one exchanges values with; `weight` is its share in the other one's mean."""

    id: int | str
    weight: float | None = None


@dataclass
class Node(_Described):
    """A site, by the name that it has in the run, and its neighbours."""

    id: int | str | None = None
    neighbors: list[Neighbor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.neighbors = [_made(Neighbor, each) for each in self.neighbors]


@dataclass
class Network(_Described):
    """The sites of a job."""

    nodes: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes = [_made(Node, each) for each in self.nodes]


@dataclass
class Config(_Described):
    """What the server knows: the network, and in `extra` what every site's algorithm is told (``iterations`` and so on)."""

    network: Network
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network = _made(Network, self.network)


@dataclass
class LocalConfig(_Described):
    """What one site knows of the network."""

    neighbors: list[Neighbor]
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.neighbors = [_made(Neighbor, each) for each in self.neighbors]
