"""One figure of ours, what stands beside it, and what it was meant to reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A limit that our figure is to stay within."""

    limit: float
    #: Whether the figure must be at least the limit; otherwise at most.
    least: bool = False

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    def text(self, unit: str) -> str:
        return f"{'≥' if self.least else '≤'} {self.limit:g} {unit}"


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure of somebody else's for the same work, or why there is none."""

    name: str
    value: float | None
    #: The row's unit if not given.
    unit: str | None = None
    why: str | None = None

    def text(self, unit: str) -> str:
        if self.value is None:
            return f"{self.name}: {self.why or 'no figure'}"
        return f"{self.name} {figure(self.value)} {self.unit or unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    ours: float
    unit: str
    beside: tuple[Beside, ...] = ()
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None if there is none."""
        return None if self.target is None else self.target.met_by(self.ours)

    def cells(self) -> tuple[str, str, str, str, str]:
        """What, ours, beside, target, met, as text."""
        return (
            self.what,
            f"{figure(self.ours)} {self.unit}",
            ", ".join(b.text(self.unit) for b in self.beside),
            self.target.text(self.unit) if self.target else "",
            {None: "", True: "yes", False: "NO"}[self.met],
        )


HEAD = ("what", "ours", "beside it", "target", "met")


def figure(value: float) -> str:
    """Three digits, never as a power of ten."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}".rstrip("0").rstrip(".") or "0"


def plain(rows: Iterable[Row]) -> str:
    """The table for a terminal. What stands beside has a line of its own below, lest lines become too long."""
    lines = [
        (HEAD[0], HEAD[1], HEAD[3], HEAD[4], ""),
        *((c[0], c[1], c[3], c[4], c[2]) for c in (r.cells() for r in rows)),
    ]
    widths = [max(len(line[n]) for line in lines) for n in range(4)]
    shown = []
    for line in lines:
        cells = (line[0].ljust(widths[0]), line[1].rjust(widths[1]), line[2].rjust(widths[2]), line[3])
        shown.append("  ".join(cells).rstrip())
        if line[4]:
            shown.append(f"    {line[4]}")
    return "\n".join(shown)


def markdown(rows: Iterable[Row]) -> str:
    """The table for a page."""
    lines = [HEAD, ("---", "---:", "---", "---:", "---"), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
