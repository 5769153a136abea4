"""Shorthands for components that live in one context: logging, events and look-ups without passing it along.

Answers ``nvflare.app_common.utils.fl_component_wrapper.FLComponentWrapper``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.exceptions import TaskExecutionError
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class FLComponentWrapper(FLComponent):
    STATE: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.engine: Any = None
        self.fl_ctx: Any = None
        self.workspace: Any = None
        self.shareable: Shareable | None = None
        self.args: Any = None
        self.site_name: str | None = None
        self.job_id: str | None = None
        self.app_root: str | None = None
        self.job_root: str | None = None
        self.workspace_root: str | None = None
        self.abort_signal: Signal | None = None
        self.current_round: int | None = 0
        self.total_rounds = 0

    def is_aborted(self) -> bool:
        return self.abort_signal is not None and self.abort_signal.triggered

    def get_shareable_header(self, key: str, default: Any = None) -> Any:
        return default if self.shareable is None else self.shareable.get_header(key, default)

    def get_context_prop(self, key: str, default: Any = None) -> Any:
        return default if self.fl_ctx is None else self.fl_ctx.get_prop(key, default)

    def get_component(self, component_id: str) -> Any:
        """The component of that id; None if there is none."""
        return None if self.engine is None else self.engine.get_component(component_id)

    def initialize(self) -> Any:
        """Called once before the first use; for subclasses."""

    def abort(self) -> Any:
        """Called when the current task is aborted; for subclasses."""

    def finalize(self) -> Any:
        """Called once after the last use; for subclasses."""

    def debug(self, msg: str) -> None:
        self.log_debug(self.fl_ctx, msg)

    def info(self, msg: str) -> None:
        self.log_info(self.fl_ctx, msg)

    def warning(self, msg: str) -> None:
        self.log_warning(self.fl_ctx, msg)

    def error(self, msg: str) -> None:
        self.log_error(self.fl_ctx, msg)

    def exception(self, msg: str) -> None:
        self.log_exception(self.fl_ctx, msg)

    def critical(self, msg: str) -> None:
        self.log_critical(self.fl_ctx, msg)

    def stop_task(self, reason: str) -> None:
        """End the current task with an error; raises TaskExecutionError."""
        self.error(f"Task stopped: {reason}")
        raise TaskExecutionError(reason)

    def event(self, event_type: str) -> None:
        self.fire_event(event_type, self.fl_ctx)

    def panic(self, reason: str) -> None:
        self.system_panic(reason, self.fl_ctx)

    def set_context(self, fl_ctx: FLContext) -> None:
        self.fl_ctx = fl_ctx
