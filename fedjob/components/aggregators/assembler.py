"""The assembler's role: what a CollectAndAssembleAggregator keeps of each contribution and makes of them all.

Answers ``nvflare.app_common.aggregators.assembler.Assembler``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.dxo import DXO
from fedjob.exchange.fl_context import FLContext


class Assembler(FLComponent, ABC):
    """`data_kind` is the kind of DXO that it takes."""

    def __init__(self, data_kind: str) -> None:
        super().__init__()
        self.expected_data_kind = data_kind
        self._collection: dict[str, Any] = {}

    def initialize(self, fl_ctx: FLContext) -> None:
        """For subclasses."""

    @property
    def collection(self) -> dict[str, Any]:
        """What is kept, by site."""
        return self._collection

    def get_expected_data_kind(self) -> str:
        return self.expected_data_kind

    @abstractmethod
    def get_model_params(self, dxo: DXO) -> dict[str, Any]:
        """What to keep of a contribution."""

    @abstractmethod
    def assemble(self, data: dict[str, dict[str, Any]], fl_ctx: FLContext) -> DXO:
        """The result of all that was kept, by site."""

    def reset(self) -> None:
        """Forget what was kept."""
        self._collection = {}
