"""The model processor's role: move parameters between a network and plain dicts.

Answers ``nvflare.app_common.abstract.model_processor.ModelProcessor``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.exchange.fl_context import FLContext


class ModelProcessor(ABC):
    """Reads and writes a network's parameters; `multi_processes` says that the network is wrapped."""

    @abstractmethod
    def extract_model(
        self, network: Any, multi_processes: bool, model_vars: dict[str, Any], fl_ctx: FLContext
    ) -> dict[str, Any]:
        """The network's parameters by name."""

    @abstractmethod
    def apply_model(
        self,
        network: Any,
        multi_processes: bool,
        model_params: dict[str, Any],
        fl_ctx: FLContext,
        options: Any = None,
    ) -> Any:
        """Give the network these parameters."""
