"""ErrorHandlingExecutor: tells failures that end the job from those that only fail a site.

Answers ``nvflare.app_common.executors.error_handling_executor``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.init_final import TaskHandler
from fedjob.components.roles import Executor
from fedjob.exchange.dxo import DXO
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class ErrorHandlingExecutor(Executor, ABC):
    """Hands tasks to a TaskHandler; write `get_task_handler` and `get_data_kind`.

    A site that could not start answers EXECUTION_EXCEPTION for a TypeError, which workflows take as the end of the job;
    for another exception it panics. A task that fails or gives None is an EXECUTION_RESULT_ERROR.
    """

    _EVENTS = frozenset({EventType.START_RUN, EventType.END_RUN})

    def __init__(self) -> None:
        super().__init__()
        self.client_name: str | None = None
        self.task_handler: TaskHandler | None = None
        self._failure: Exception | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self.initialize(fl_ctx)
        elif event_type == EventType.END_RUN:
            self.finalize(fl_ctx)

    def initialize(self, fl_ctx: FLContext) -> None:
        self.client_name = fl_ctx.get_identity_name()
        try:
            self.task_handler = self.get_task_handler(fl_ctx)
        except Exception as e:
            self._note(e, f"{type(self).__name__} could not start", fl_ctx)
            self._failure = e

    @abstractmethod
    def get_task_handler(self, fl_ctx: FLContext) -> TaskHandler:
        """The handler, ready to work."""

    @abstractmethod
    def get_data_kind(self) -> str:
        """The kind of DXO that results are."""

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if self._failure is not None:
            return make_reply(self._after_failure(self._failure, fl_ctx))
        if abort_signal.triggered:
            return make_reply(ReturnCode.TASK_ABORTED)
        assert self.task_handler is not None
        try:
            result: Any = self.task_handler.execute_task(task_name, shareable, fl_ctx, abort_signal)
        except Exception as e:
            self._note(e, f"task {task_name} failed", fl_ctx)
            return make_reply(ReturnCode.EXECUTION_RESULT_ERROR)
        if result is None:
            self.log_error(fl_ctx, f"task {task_name} gave no result")
            return make_reply(ReturnCode.EXECUTION_RESULT_ERROR)
        return DXO(data_kind=self.get_data_kind(), data=result).to_shareable()

    def finalize(self, fl_ctx: FLContext) -> None:
        try:
            if self.task_handler:
                self.task_handler.finalize(fl_ctx)
        except Exception as e:
            self._note(e, f"{type(self).__name__} failed to end", fl_ctx)

    def _after_failure(self, error: Exception, fl_ctx: FLContext) -> str:
        if isinstance(error, TypeError):
            return ReturnCode.EXECUTION_EXCEPTION
        self.system_panic(f"{type(self).__name__} could not start: {error}", fl_ctx)
        return ReturnCode.EXECUTION_RESULT_ERROR

    def _note(self, error: Exception, what: str, fl_ctx: FLContext) -> None:
        self.log_exception(fl_ctx, f"{what}: {error}")
        fl_ctx.get_engine().note_exception(error)
