"""Why a run failed, as lines: the first error first, with the user's own traceback."""

from __future__ import annotations

from fedjob.result.model import RunResult, SiteError


def failure_lines(result: RunResult) -> list[str]:
    """What went wrong, then what the run had reached, then where to look."""
    lines = [f"job {result.job!r} failed on the {result.engine} engine: {result.problems[0]}"]
    first = next((error for error in result.errors if error.traceback), None)
    if first is not None and first.traceback:
        lines += ["", f"Traceback at {_where(first)}:", *first.traceback.rstrip().splitlines()]
    if len(result.problems) > 1:
        lines += ["", "also:", *(f"  {problem}" for problem in result.problems[1:])]
    lines += ["", f"{_count(len(result.rounds), 'round')} finished, {_count(len(result.sites), 'site')}"]
    lines += [f"  {line}" for name in result.metric_names for line in _series(result, name)]
    return [*lines, f"run directory: {result.workspace}"]


def _where(error: SiteError) -> str:
    where = error.site
    if error.round is not None:
        where += f", round {error.round}"
    return f"{where}, task {error.task!r}" if error.task else where


def _series(result: RunResult, name: str) -> list[str]:
    if any(isinstance(r.metrics.get(name), (int, float)) for r in result.rounds):
        return result.metric(name).lines()
    return []


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
