"""Components with a beginning and an end.

Answers ``nvflare.app_common.abstract.init_final_component`` and ``...task_handler``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class InitFinalComponent(FLComponent, ABC):
    """Is initialised once before use and finalised once after."""

    @abstractmethod
    def initialize(self, fl_ctx: FLContext) -> None:
        """Called before the first use."""

    @abstractmethod
    def finalize(self, fl_ctx: FLContext) -> None:
        """Called after the last use."""


class InitFinalArgsComponent(InitFinalComponent, ABC):
    """Is initialised with keyword arguments."""

    @abstractmethod
    def initialize(self, fl_ctx: FLContext, **kwargs: Any) -> None:
        """Called before the first use."""


class TaskHandler(InitFinalComponent, ABC):
    """Carries out tasks with the help of the site's component `local_comp_id`, of type `local_comp_type`."""

    def __init__(self, local_comp_id: str, local_comp_type: type) -> None:
        super().__init__()
        self.fl_ctx: FLContext | None = None
        self.local_comp_id = local_comp_id
        self.local_comp: Any = None
        self.target_local_comp_type = local_comp_type

    def initialize(self, fl_ctx: FLContext) -> None:
        """Find the component. Raises TypeError when it is of another type."""
        self.fl_ctx = fl_ctx
        self.load_and_init_local_comp(fl_ctx)

    def load_and_init_local_comp(self, fl_ctx: FLContext) -> None:
        local_comp = fl_ctx.get_engine().get_component(self.local_comp_id)
        check_component_type(local_comp, self.target_local_comp_type)
        local_comp.initialize(fl_ctx)
        self.local_comp = local_comp

    @abstractmethod
    def execute_task(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        """Carry out one task."""

    def finalize(self, fl_ctx: FLContext) -> None:
        if self.local_comp:
            self.local_comp.finalize(fl_ctx)
        self.local_comp = None


def check_component_type(comp: Any, t: type) -> None:
    """Raise TypeError unless `comp` is a `t`."""
    if not isinstance(comp, t):
        raise TypeError(f"the component must be a {t.__name__}, but is {type(comp).__name__}")
