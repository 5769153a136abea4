"""What the sites contributed to a round: kept as it was recorded, one by one for those who look at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import overload

MetricValue = float | int | bool | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one site sent back for one task of one round."""

    site: str
    task: str
    #: FLARE's return code, "OK" for an accepted result.
    rc: str
    metrics: Mapping[str, MetricValue]
    #: The weight the server gave it (``NUM_STEPS_CURRENT_ROUND``), None when the site sent none.
    weight: float | None
    #: Number of parameter entries (state-dict keys), not of elements.
    params: int
    #: Size of the reply on the wire, in bytes; for the local engine, what the arrays take and about as much as the rest does.
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Contributions to one task that differ only in site, metrics and weight: a column of each."""

    sites: Sequence[str]
    task: str
    rc: str
    metrics: Mapping[str, Sequence[MetricValue]]
    weights: Sequence[float | None]
    params: int
    bytes: int

    def __iter__(self) -> Iterator[Contribution]:
        names = tuple(self.metrics)
        for site, weight, *values in zip(self.sites, self.weights, *self.metrics.values(), strict=True):
            yield Contribution(
                site=site,
                task=self.task,
                rc=self.rc,
                metrics=dict(zip(names, values, strict=True)),
                weight=weight,
                params=self.params,
                bytes=self.bytes,
            )

    def is_finite(self) -> bool:
        """Whether no metric is infinite or not a number."""
        return all(map(_are_finite, self.metrics.values()))


def _are_finite(values: Sequence[MetricValue]) -> bool:
    try:
        return all(map(isfinite, values))  # type: ignore[arg-type]
    except (OverflowError, TypeError):  # huge integers are finite, and so is what is no number.
        return all(isfinite(v) for v in values if isinstance(v, float))


class Contributions(Sequence[Contribution]):
    """The contributions of batches, by the places of their sites in `order`; equal to a tuple of them."""

    __slots__ = ("_made", "_order", "batches")

    def __init__(self, batches: Iterable[Batch], order: Mapping[str, int]) -> None:
        self.batches = tuple(batches)
        self._order = order
        self._made: tuple[Contribution, ...] | None = None

    def _all(self) -> tuple[Contribution, ...]:
        if self._made is None:
            order = self._order
            every = [one for batch in self.batches for one in batch]
            self._made = tuple(sorted(every, key=lambda one: order.get(one.site, len(order))))
        return self._made

    @overload
    def __getitem__(self, index: int) -> Contribution: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Contribution, ...]: ...
    def __getitem__(self, index: int | slice) -> Contribution | tuple[Contribution, ...]:
        return self._all()[index]

    def __len__(self) -> int:
        return sum(len(batch.sites) for batch in self.batches)

    def __iter__(self) -> Iterator[Contribution]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Contributions, tuple)):
            return NotImplemented
        return self._all() == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # its metrics are dicts.

    def __repr__(self) -> str:
        return repr(self._all())
