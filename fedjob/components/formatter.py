"""The formatter's role: words for the results of an evaluation.

Answers ``nvflare.app_common.abstract.formatter.Formatter``.
"""

from __future__ import annotations

from abc import abstractmethod

from fedjob.components.roles import FLComponent
from fedjob.exchange.fl_context import FLContext


class Formatter(FLComponent):
    """Makes results readable."""

    @abstractmethod
    def format(self, fl_ctx: FLContext) -> str:
        """Text for the results that `fl_ctx` holds."""
