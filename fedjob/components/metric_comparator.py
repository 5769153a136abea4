"""The metric comparator's role: an order on metric values.

Answers ``nvflare.app_common.abstract.metric_comparator.MetricComparator``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any


class MetricComparator:
    """Says which of two metric values is better."""

    @abstractmethod
    def compare(self, a: Any, b: Any) -> int | float:
        """Negative when `a` is worse than `b`, 0 when equal, positive when better."""
