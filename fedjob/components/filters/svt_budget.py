"""The privacy budget of the sparse vector technique: how epsilon is divided, and what was spent.

Used by SVTPrivacy. The default split is that of Lyu, Su and Li, "Understanding the sparse vector technique for differential
privacy", VLDB 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

SVT_PRIVACY_BUDGET = "svt_privacy_budget"
SVT_PRIVACY_ACCOUNTANT = "svt_privacy_accountant"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """The three parts of one call's epsilon: for the noisy threshold, for the comparisons, for the released values."""

    threshold: float
    query: float
    release: float

    @property
    def total(self) -> float:
        return self.threshold + self.query + self.release


def divide(
    *,
    epsilon: float,
    n_upload: int,
    noise_var: float,
    threshold: float | None,
    query: float | None,
    release: float | None,
) -> Budget:
    """The budget for `n_upload` values. Raises ValueError when a part is not positive or they do not add up."""
    for name, value in (
        ("epsilon", epsilon),
        ("epsilon_threshold", threshold),
        ("epsilon_query", query),
        ("epsilon_release", release),
    ):
        if value is not None and value <= 0:
            raise ValueError(f"{name} must be > 0, but got {value}")
    if threshold is None and query is None:
        threshold = float(epsilon) / (1.0 + float((2.0 * n_upload) ** (2.0 / 3.0)))
    if threshold is None:
        threshold = float(epsilon) - float(query or 0.0)
    if query is None:
        query = float(epsilon) - float(threshold)
    if (
        threshold <= 0
        or query <= 0
        or not math.isclose(threshold + query, epsilon, rel_tol=1e-5, abs_tol=1e-8)
    ):
        raise ValueError(
            f"epsilon_threshold and epsilon_query must be > 0 and add up to epsilon = {epsilon}, "
            f"but are {threshold} and {query}"
        )
    if release is None:
        if noise_var <= 0:
            raise ValueError(f"noise_var must be > 0 without epsilon_release, but got {noise_var}")
        release = float(n_upload) * float(noise_var)
    return Budget(threshold=float(threshold), query=float(query), release=float(release))


class Accountant:
    """Adds up what calls spent: pure differential privacy, delta 0."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.ledger: list[dict[str, Any]] = []

    def record(self, budget: Budget, *, round_number: Any, n_upload: int, passes: int, scalars: bool) -> None:
        """One call; `scalars` says that scalars passed without noise."""
        self.spent += budget.total
        entry = {
            **_HEAD,
            "round": round_number,
            "epsilon_total": budget.total,
            "epsilon_threshold": budget.threshold,
            "epsilon_query": budget.query,
            "epsilon_release": budget.release,
            "n_upload": n_upload,
            "acceptance_passes": passes,
            "has_scalar_passthrough": scalars,
        }
        if scalars:
            entry["note"] = "scalar passthrough is not noise-protected by the SVT accountant."
        self.ledger.append(entry)

    def total(self) -> dict[str, Any]:
        """The sum so far, as it travels with the result of the last call."""
        last = self.ledger[-1]
        total = {**_HEAD, "epsilon_total": self.spent, "calls": len(self.ledger)}
        if last["round"] is not None:
            total["latest_round"] = last["round"]
        if last["has_scalar_passthrough"]:
            total["note"] = "scalar passthrough is not included in the SVT accountant guarantee."
        return total


_HEAD: dict[str, Any] = {"accountant": "pure_dp_sum", "scope": "filter-level", "delta": 0.0}
