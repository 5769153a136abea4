"""The shareable generator's role: what is sent of a model, and what a result makes of it.

Answers ``nvflare.app_common.abstract.shareable_generator.ShareableGenerator``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from fedjob.components.roles import FLComponent
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import Learnable
from fedjob.exchange.shareable import Shareable


class ShareableGenerator(FLComponent, ABC):
    """Converts between the model that a workflow keeps and the message that sites get and give."""

    @abstractmethod
    def learnable_to_shareable(self, model: Learnable, fl_ctx: FLContext) -> Shareable:
        """The message that carries `model`."""

    @abstractmethod
    def shareable_to_learnable(self, shareable: Shareable, fl_ctx: FLContext) -> Learnable:
        """The model after the (aggregated) result in `shareable`."""
