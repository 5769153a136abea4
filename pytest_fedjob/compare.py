"""``assert result == other``: which metrics differ, where, and by how much."""

from __future__ import annotations

import sys


def compare_results(left: object, right: object) -> list[str] | None:
    """Lines for two results that are not equal; None for anything else."""
    # Values can only be results when their module has been imported already.
    if "fedjob.result" not in sys.modules:
        return None
    from fedjob.folder.explain import change_lines
    from fedjob.golden.metrics import compare, to_tree
    from fedjob.result import RunResult

    if not (isinstance(left, RunResult) and isinstance(right, RunResult)):
        return None
    lines = [f"run of {left.job!r} == run of {right.job!r}"]
    for change in compare(to_tree(right), to_tree(left))[:20]:
        lines += change_lines(change)
    for word in ("engine", "status", "errors", "problems", "best_round", "models", "traffic"):
        if getattr(left, word) != getattr(right, word):
            lines += [
                f"  {word}",
                f"    expected: {getattr(right, word)}",
                f"    obtained: {getattr(left, word)}",
            ]
    return lines
