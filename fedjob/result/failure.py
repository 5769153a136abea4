"""Why a run failed, as lines: the first error first, with the user's own traceback."""

from __future__ import annotations

from fedjob.result.model import RunResult, SiteError


def failure_lines(result: RunResult) -> list[str]:
    """What went wrong, then what the run had reached, then where to look."""
    cause = next((e for e in result.errors if e.traceback), next(iter(result.errors), None))
    head = _sentence(cause) if cause else result.problems[0]
    lines = [f"job {result.job!r} failed on the {result.engine} engine: {head}"]
    if cause is not None and cause.traceback:
        lines += ["", *cause.traceback.rstrip().splitlines()]
    others = [problem for problem in result.problems if problem not in _said(result, cause)]
    if others:
        lines += ["", "also:", *(f"  {problem}" for problem in others)]
    lines += ["", f"{_count(len(result.rounds), 'round')} finished, {_count(len(result.sites), 'site')}"]
    lines += [f"  {line}" for name in result.metric_names for line in _series(result, name)]
    return [*lines, f"run directory: {result.workspace}"]


def _sentence(error: SiteError) -> str:
    return str(error).splitlines()[0]


def _said(result: RunResult, cause: SiteError | None) -> set[str]:
    """Problems that repeat the cause, or say no more than that there is one."""
    if cause is None:
        return {result.problems[0]}
    bare = f"the run ended as {result.status!r}"
    return {_sentence(cause), bare, f"{bare}: {cause.message}"}


def _series(result: RunResult, name: str) -> list[str]:
    if any(isinstance(r.metrics.get(name), (int, float)) for r in result.rounds):
        return result.metric(name).lines()
    return []


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
