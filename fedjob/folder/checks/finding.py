"""What a check finds: a code to refer to, a place to go to, a reason, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An ``error`` will not run, or not as it says, on the target release; a ``warning`` may."""

    code: str  #: e.g. ``filter-never-runs``
    severity: Severity
    place: str  #: as in a diff, e.g. ``app: client.task_result_filters[*]``
    reason: str
    remedy: str

    def lines(self) -> list[str]:
        """The finding as text."""
        return [f"{self.severity} {self.code}: {self.place}", f"  {self.reason}", f"  {self.remedy}"]


def error(code: str, place: str, reason: str, remedy: str) -> Finding:
    return Finding(code=code, severity="error", place=place, reason=reason, remedy=remedy)


def warning(code: str, place: str, reason: str, remedy: str) -> Finding:
    return Finding(code=code, severity="warning", place=place, reason=reason, remedy=remedy)
