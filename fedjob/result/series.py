"""One metric over the rounds of a run, printable and assertable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from fedjob.errors import ResultError

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float] | tuple[float, ...]) -> str:
    """Draw `values` with one glyph each, lowest to highest; ``?`` where a value is not finite."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return "?" * len(values)
    low, high = min(finite), max(finite)
    # Halves, and a quotient first: the difference of two huge floats of opposite sign overflows, or twice that does.
    half_span = high / 2 - low / 2
    most = len(_BARS) - 1 if half_span else 0
    return "".join(
        _BARS[round((v / 2 - low / 2) / (half_span or 1.0) * most)] if math.isfinite(v) else "?"
        for v in values
    )


#: Values that a series shows from each end when it is long.
_ENDS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one metric, by round.

    `by_round` maps the 0-based round number (FLARE's, so a `start_round` is honoured) to the
    value the server aggregated, or to the value one site reported when the series was asked
    for with ``site=``. `by_site` holds each site's own series of the same metric.
    """

    name: str
    by_round: Mapping[int, float]
    by_site: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    site: str | None = None
    greater_is_better: bool = True

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(self.by_round.values())

    @property
    def first(self) -> float:
        return self.values[0]

    @property
    def last(self) -> float:
        return self.values[-1]

    @property
    def best(self) -> float:
        """The best value over the rounds: the largest, or the smallest when smaller is better.

        Which it is comes from the run's key metric, or from ``result.metric(name, best="min")``.
        """
        return max(self.values) if self.greater_is_better else min(self.values)

    def at(self, round: int, site: str | None = None) -> float:
        """The value of one round, aggregated or as one site reported it.

        Raises ResultError when the round or the site has no such value.
        """
        __tracebackhide__ = True
        values = self.by_round if site is None else self._of_site(site)
        if round not in values:
            who = f" at {site}" if site else ""
            raise ResultError(
                f"metric {self.name!r}{who} has no round {round}; it has rounds {sorted(values)}"
            )
        return values[round]

    def increases(self, tolerance: float = 0.0) -> bool:
        """True when no value falls below the one before it by more than `tolerance`, and the last is above the first.

        A series of fewer than two rounds cannot increase, nor can one with a NaN.
        """
        return self._climbs(self.values, tolerance)

    def decreases(self, tolerance: float = 0.0) -> bool:
        """True when no value rises above the one before it by more than `tolerance`, and the last is below the first."""
        return self._climbs(tuple(-v for v in self.values), tolerance)

    def __len__(self) -> int:
        return len(self.by_round)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)

    def __repr__(self) -> str:
        # On one line, which is how pytest shows it in an assertion.
        shown = _numbers(self.by_round).split()
        if len(shown) > 2 * _ENDS:
            shown[_ENDS:-_ENDS] = ["…"]
        return " ".join([self._head(), *shown])

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _head(self) -> str:
        rounds = f"rounds {min(self.by_round)}-{max(self.by_round)}" if self.by_round else "no rounds"
        return " ".join(filter(None, (self.name, sparkline(self.values), f"({rounds})")))

    def lines(self) -> list[str]:
        """The series as a small table: the aggregated values, then each site's."""
        rows = [(self.site or "all sites", self.by_round), *self.by_site.items()]
        width = max(len(label) for label, _ in rows)
        return [self._head(), *(f"  {label:<{width}}  {_numbers(values)}" for label, values in rows)]

    def _of_site(self, site: str) -> Mapping[int, float]:
        __tracebackhide__ = True
        if site not in self.by_site:
            raise ResultError(
                f"site {site!r} reported no metric {self.name!r}; sites that did: {sorted(self.by_site)}"
            )
        return self.by_site[site]

    @staticmethod
    def _climbs(values: tuple[float, ...], tolerance: float) -> bool:
        steps_hold = all(after >= before - tolerance for before, after in pairwise(values))
        return len(values) > 1 and steps_hold and values[-1] > values[0]


def _numbers(values: Mapping[int, float]) -> str:
    return " ".join(f"{v:.4g}" for v in values.values())
