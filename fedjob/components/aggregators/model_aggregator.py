"""An aggregator in terms of FLModel, for FedAvg's `aggregator` and for ScatterAndGather.

Answers ``nvflare.app_common.aggregators.model_aggregator.ModelAggregator``.
"""

from __future__ import annotations

from abc import abstractmethod

from fedjob.components.aggregator import Aggregator
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.shareable import Shareable


class ModelAggregator(Aggregator):
    """Write `accept_model`, `aggregate_model` and `reset_stats`; `fl_ctx` is the context of the last call."""

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self) -> None:
        super().__init__()
        self.fl_ctx: FLContext | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self.fl_ctx = fl_ctx

    @abstractmethod
    def accept_model(self, model: FLModel) -> None:
        """Take one site's model."""

    @abstractmethod
    def aggregate_model(self) -> FLModel:
        """The combined model."""

    @abstractmethod
    def reset_stats(self) -> None:
        """Forget what was accepted so far."""

    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        self.fl_ctx = fl_ctx
        self.accept_model(FLModelUtils.from_shareable(shareable, fl_ctx))
        return True

    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        self.fl_ctx = fl_ctx
        return FLModelUtils.to_shareable(self.aggregate_model())

    def reset(self, fl_ctx: FLContext) -> None:
        self.fl_ctx = fl_ctx
        self.reset_stats()

    def info(self, message: str) -> None:
        self.log_info(self.fl_ctx, message)

    def warning(self, message: str) -> None:
        self.log_warning(self.fl_ctx, message)

    def error(self, message: str) -> None:
        self.log_error(self.fl_ctx, message)

    def exception(self, message: str) -> None:
        """Log the exception being handled."""
        self.log_exception(self.fl_ctx, message)
