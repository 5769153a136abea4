"""The statistics writer's role.

Answers ``nvflare.app_common.abstract.statistics_writer.StatisticsWriter``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.fl_context import FLContext


class StatisticsWriter(FLComponent, ABC):
    """Keeps the statistics that a workflow collected."""

    @abstractmethod
    def save(self, data: dict[str, Any], overwrite_existing: bool, fl_ctx: FLContext) -> None:
        """Keep `data`."""
