"""The gate: a run in which something got lost must not exit 0.

With xdist, a worker that breaks may take its queued tests along, and pytest still exits 0. The
controller therefore counts: every collected test must have been reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence


class Gate:
    """Counts what was to run and what did; lives in the controller, or in the only process."""

    def __init__(self) -> None:
        self.collected: set[str] = set()
        self.finished: set[str] = set()
        self.internal_errors = 0
        self.federated: set[str] = set()  #: collected tests that use fedjob
        self.ran: set[str] = set()  #: tests that use fedjob and really ran

    def add_report(self, report: pytest.TestReport, *, federated: bool) -> None:
        if report.when == "teardown":
            self.finished.add(report.nodeid)
        if federated:
            self.federated.add(report.nodeid)
            if report.when == "call" and not report.skipped:
                self.ran.add(report.nodeid)

    def problems(self, session: pytest.Session) -> list[str]:
        """Why this run cannot be trusted; empty when it can."""
        found = []
        if self.internal_errors:
            found.append(f"{_count(self.internal_errors, 'internal error')} of pytest or a plugin")
        lost = sorted(self.collected - self.finished)
        if lost and not _stopped_early(session):
            found.append(f"{_count(len(lost), 'test')} collected but never finished: {_some(lost)}")
        if self.federated and not self.ran:
            found.append(
                f"{_count(len(self.federated), 'federated test')} selected, but none ran: all were skipped"
            )
        return found


def _stopped_early(session: pytest.Session) -> bool:
    """The user asked for it (-x, --maxfail, Ctrl-C) or pytest says so already."""
    return bool(session.shouldstop or session.shouldfail) or session.exitstatus not in {
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    }


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
