"""The locator's role: find the server's models for cross-site evaluation.

Answers ``nvflare.app_common.abstract.model_locator.ModelLocator``.
"""

from __future__ import annotations

from fedjob.components.roles import FLComponent
from fedjob.exchange.dxo import DXO
from fedjob.exchange.fl_context import FLContext


class ModelLocator(FLComponent):
    """Names the models that the server has, and loads them."""

    def get_model_names(self, fl_ctx: FLContext) -> list[str]:
        """The names of all models."""
        raise NotImplementedError(f"{type(self).__name__} does not implement get_model_names")

    def locate_model(self, model_name: str, fl_ctx: FLContext) -> DXO | None:
        """The model of that name; None when it cannot be loaded."""
        raise NotImplementedError(f"{type(self).__name__} does not implement locate_model")
