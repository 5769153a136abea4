"""The aggregator's role: take contributions one by one, give their combination.

Answers ``nvflare.app_common.abstract.aggregator.Aggregator``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from fedjob.components.roles import FLComponent
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class Aggregator(FLComponent, ABC):
    """Combines the contributions of one round."""

    def reset(self, fl_ctx: FLContext) -> None:
        """Forget what was accepted so far."""

    @abstractmethod
    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        """Take one contribution; False when it is not usable."""

    @abstractmethod
    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        """The combination of all that was accepted."""
