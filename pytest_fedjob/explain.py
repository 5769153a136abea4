"""What the session did, as lines: a simulation, a metric over the rounds, the goldens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

#: A line shows this many rounds; of more, the first and last ones.
_ROUNDS = 12


def run_line(run: dict[str, Any]) -> str:
    """One simulation on one line: ``hello: 3 rounds, 2 sites, local, 0.12 s``."""
    parts = [_count(run["rounds"], "round"), _count(run["sites"], "site"), run["engine"]]
    parts.append(f"{run['seconds']:.2f} s" if run["ran"] else "taken over from an earlier test")
    return f"{run['job']}: {', '.join(parts)}{'' if run['ok'] else ', FAILED'}"


def metric_line(name: str, values: Sequence[float], width: int) -> str:
    """``accuracy  ▁▅█  0.31 0.74 0.87``: a metric over the rounds."""
    from fedjob.result.series import sparkline

    if len(values) > _ROUNDS:
        half = _ROUNDS // 2
        numbers = f"{_numbers(values[:half])} ... {_numbers(values[-half:])}"
    else:
        numbers = _numbers(values)
    return f"{name:<{width}}  {sparkline(tuple(values))}  {numbers}"


def golden_lines(
    goldens: Iterable[dict[str, str]], orphans: Sequence[str], pruned: Sequence[str]
) -> list[str]:
    """How many goldens were equal, and by name all that were written, updated, or not used."""
    last = {golden["path"]: golden["state"] for golden in goldens}
    counts = Counter(last.values())
    states = [f"{counts[s]} {s}" for s in ("equal", "written", "updated", "differs", "missing") if counts[s]]
    lines = [f"goldens: {', '.join(states)}"] if states else []
    for state in ("written", "updated"):
        lines += [f"  {state}: {path}" for path in sorted(p for p, s in last.items() if s == state)]
    if counts["written"] or counts["updated"]:
        lines.append("  Review them and commit them.")
    lines += [f"  deleted, no test used it: {path}" for path in pruned]
    if orphans:
        lines.append(f"{_count(len(orphans), 'golden')} unused:")
        lines += [f"  {path}" for path in orphans]
        lines.append("  Delete them with a full run: pytest --fedjob-golden-prune")
    return lines


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
