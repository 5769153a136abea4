"""The terminal summary: each simulation with its metrics over the rounds, then the goldens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_fedjob import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_fedjob.session import Controller


def write_summary(reporter: pytest.TerminalReporter, controller: Controller) -> None:
    """Write the section, if there is anything to say; with ``-q`` only what needs attention."""
    lines = list(_lines(controller, quiet=reporter.verbosity < 0))
    if lines:
        reporter.write_sep("=", "fedjob")
        for line in lines:
            reporter.write_line(line)
    for problem in controller.problems:
        reporter.write_line(f"fedjob: this run does not count: {problem}", red=True, bold=True)


def _lines(controller: Controller, *, quiet: bool) -> Iterator[str]:
    if not quiet:
        yield from _run_lines(controller)
    lines = explain.golden_lines(controller.goldens, controller.unused, controller.pruned)
    if not quiet or len(lines) > 1:
        yield from lines


def _run_lines(controller: Controller) -> Iterator[str]:
    test = None
    for nodeid, run in sorted(controller.runs, key=lambda pair: pair[0]):
        if nodeid != test:
            yield nodeid
            test = nodeid
        yield f"  {explain.run_line(run)}"
        width = max((len(name) for name in run["metrics"]), default=0)
        for name, values in run["metrics"].items():
            yield f"    {explain.metric_line(name, values, width)}"
        for finding in run["findings"]:
            yield f"    check found {finding}"
