"""Carries out one task at a site: through its filters to the executor, and the result back through the filters."""

from __future__ import annotations

from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.engines.local.custom import user_traceback
from fedjob.engines.local.filtering import apply_filters
from fedjob.engines.local.site_engine import SiteEngine
from fedjob.exchange.events import EventType
from fedjob.exchange.exceptions import UnsafeJobError
from fedjob.exchange.fl_context import FLContext, put_private
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal

#: By what passes: its way through the site, the events around its filters, its key, the code of a failure.
_PASSAGES = {
    "data": (
        "in",
        EventType.BEFORE_TASK_DATA_FILTER,
        EventType.AFTER_TASK_DATA_FILTER,
        FLContextKey.TASK_DATA,
        ReturnCode.TASK_DATA_FILTER_ERROR,
    ),
    "result": (
        "out",
        EventType.BEFORE_TASK_RESULT_FILTER,
        EventType.AFTER_TASK_RESULT_FILTER,
        FLContextKey.TASK_RESULT,
        ReturnCode.TASK_RESULT_FILTER_ERROR,
    ),
}


class _Refused(Exception):
    """The reply to a task that does not get through all of its steps."""

    def __init__(self, rc: str) -> None:
        super().__init__(rc)
        self.rc = rc


class TaskRunner(FLComponent):
    """The part of a site that carries out its tasks; `well` until something went wrong."""

    def __init__(self, engine: SiteEngine) -> None:
        super().__init__()
        self._engine = engine
        self.well = True

    def fire(self, event_type: str, fl_ctx: FLContext) -> None:
        """`fire_event` for the dozen events of each task."""
        put_private(fl_ctx, {FLContextKey.EVENT_ORIGIN: self._name})
        self._engine.fire_event(event_type, fl_ctx)

    def reply(self, task: str, task_id: str, data: Shareable, fl_ctx: FLContext) -> Shareable:
        """The answer to a task; every way to fail has FLARE's return code."""
        signal = Signal(parent=self._engine.abort_signal)
        put_private(
            fl_ctx,
            {
                FLContextKey.TASK_DATA: data,
                FLContextKey.TASK_NAME: task,
                FLContextKey.TASK_ID: task_id,
            },
        )
        try:
            executor = self._executor(task)
            data = self._filtered("data", task, data, fl_ctx, signal)
            self.fire(EventType.BEFORE_TASK_EXECUTION, fl_ctx)
            reply = self._execute(executor, task, data, fl_ctx, signal)
            self.fire(EventType.AFTER_TASK_EXECUTION, fl_ctx)
            return self._filtered("result", task, reply, fl_ctx, signal)
        except _Refused as refused:
            return make_reply(refused.rc)

    def _executor(self, task: str) -> Any:
        executor = self._engine.app.executor_for(task)
        if executor is None:
            handled = [t for tasks, _ in self._engine.app.executors for t in tasks]
            self.report("config", f"no executor handles task {task!r}; the app's executors handle {handled}")
            raise _Refused(ReturnCode.TASK_UNKNOWN)
        return executor

    def _filtered(
        self, kind: str, task: str, passing: Shareable, fl_ctx: FLContext, signal: Signal
    ) -> Shareable:
        """Task data on its way in, or a result on its way out, after the site's filters."""
        way, before, after, key, failed = _PASSAGES[kind]
        self.fire(before, fl_ctx)
        filters = self._engine.app.filters.get((task, kind, way))
        if filters:
            try:
                passing = apply_filters(filters, passing, fl_ctx)
            except UnsafeJobError as e:
                raise self._unsafe(e) from e
            except Exception as e:
                if signal.triggered:
                    raise _Refused(ReturnCode.TASK_ABORTED) from e
                self.note(e, f"a {kind} filter of task {task!r} failed")
                raise _Refused(failed) from e
        put_private(fl_ctx, {key: passing})
        self.fire(after, fl_ctx)
        return passing

    def _execute(
        self, executor: Any, task: str, data: Shareable, fl_ctx: FLContext, signal: Signal
    ) -> Shareable:
        name = type(executor).__name__
        try:
            reply = executor.execute(task, data, fl_ctx, signal)
        except UnsafeJobError as e:
            raise self._unsafe(e) from e
        except (Exception, SystemExit) as e:
            if signal.triggered:
                raise _Refused(ReturnCode.TASK_ABORTED) from e
            raise _Refused(self.failed(executor, e)) from e
        finally:
            put_private(fl_ctx, {FLContextKey.TASK_DATA: None})
        if signal.triggered:
            raise _Refused(ReturnCode.TASK_ABORTED)
        if not isinstance(reply, Shareable):
            self.report(
                "bad_result",
                f"{name}.execute() must return a Shareable, but it returned {type(reply).__name__}",
            )
            raise _Refused(ReturnCode.EXECUTION_RESULT_ERROR)
        put_private(fl_ctx, {FLContextKey.TASK_RESULT: reply})
        return reply

    def failed(self, executor: Any, error: BaseException) -> str:
        """Put an executor's failure on record; the reply's return code."""
        self.note(error, f"{type(executor).__name__}.execute() failed")
        runtime = isinstance(error, RuntimeError)
        return ReturnCode.EXECUTION_RESULT_ERROR if runtime else ReturnCode.EXECUTION_EXCEPTION

    def _unsafe(self, error: Exception) -> _Refused:
        self.note(error, "the job was declared unsafe")
        self._engine.abort()
        return _Refused(ReturnCode.UNSAFE_JOB)

    def note(self, error: BaseException, what: str) -> None:
        """Put an exception on record."""
        kind = "missing_module" if isinstance(error, ModuleNotFoundError) else "exception"
        self.report(kind, f"{what}: {type(error).__name__}: {error}", user_traceback(error))

    def report(self, kind: str, message: str, traceback: str | None = None) -> None:
        """Put on record what went wrong at the work that the site is at."""
        self.well = False
        number, task = self._engine.work
        self._engine.record.error(
            site=self._engine.name, round=number, task=task, kind=kind, message=message, traceback=traceback
        )
