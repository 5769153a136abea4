"""In which order sites evaluate each other's models, a few at a time.

Answers ``nvflare.app_common.ccwf.eval_gen``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fedjob.components.checks import check_non_negative_int

Pair = tuple[str, str]


def parallel_eval_generator(
    evaluators: list[str], evaluatees: list[str], max_parallel_actions: int
) -> Iterator[list[Pair]]:
    """Batches of (evaluator, evaluatee) that can go on side by side, until every pair has had its turn.

    In a batch a site evaluates one model and sends its own to at most `max_parallel_actions` others besides.
    Raises ValueError for empty or wrong lists.
    """
    for name, sites in (("evaluators", evaluators), ("evaluatees", evaluatees)):
        given: Any = sites
        if not given or not isinstance(given, list) or not all(isinstance(s, str) for s in given):
            raise ValueError(f"{name} must be a list of site names, but are {sites!r}")
    check_non_negative_int("max_parallel_actions", max_parallel_actions)
    left = {evaluatee: list(evaluators) for evaluatee in evaluatees}
    while left:
        batch: list[Pair] = []
        for evaluatee, waiting in left.items():
            for evaluator in list(waiting):
                verdict = _verdict(batch, evaluator, evaluatee, max_parallel_actions)
                if verdict == "full":
                    break
                if verdict == "ok":
                    batch.append((evaluator, evaluatee))
                    waiting.remove(evaluator)
        left = {evaluatee: waiting for evaluatee, waiting in left.items() if waiting}
        yield batch


def _verdict(batch: list[Pair], evaluator: str, evaluatee: str, limit: int) -> str:
    """``ok``, ``full`` (no more for this evaluatee) or ``busy`` (not this evaluator)."""
    if any(evaluator == other for other, _ in batch):
        return "busy"
    sends = sum(evaluator == of for _, of in batch)
    asked = sum((evaluatee == by) + (evaluatee == of and by != of) for by, of in batch)
    if asked > limit:
        return "full"
    return "busy" if sends > limit else "ok"
