"""PassthroughShareableGenerator: the message is the learnable.

Answers ``nvflare.app_common.shareablegenerators.passthru``.
"""

from __future__ import annotations

from fedjob.components.generator import ShareableGenerator
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.learnable import Learnable
from fedjob.exchange.shareable import Shareable


class PassthroughShareableGenerator(ShareableGenerator):
    """Copies all entries, headers included."""

    def shareable_to_learnable(self, shareable: Shareable, fl_ctx: FLContext) -> Learnable:
        learnable = Learnable()
        learnable.update(shareable)
        return learnable

    def learnable_to_shareable(self, model: Learnable, fl_ctx: FLContext) -> Shareable:
        shareable = Shareable()
        shareable.update(model)
        return shareable
