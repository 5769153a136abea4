"""The task that a site learns from, beside all else that it does for the workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal

if TYPE_CHECKING:
    from fedjob.components.ccwf.client import ClientSideController


@dataclass(slots=True)
class LearnTask:
    """Work that another site, or this one, gave to this one."""

    data: Shareable
    fl_ctx: FLContext
    abort_signal: Signal = field(default_factory=Signal)


class Learning:
    """At most one task at a time; `task` is None while there is none."""

    def __init__(self, site: ClientSideController) -> None:
        self.site = site
        self.task: LearnTask | None = None

    def begin(self, data: Shareable, fl_ctx: FLContext) -> bool:
        """Have the site's `do_learn_task` run on a strand of its own; False while another task is being done."""
        if self.task is not None and not self._give_up(fl_ctx):
            return False
        self.task = LearnTask(data, fl_ctx)
        self.site.engine.spawn(self._run, self.task, name=f"{self.site.me} learns")
        return True

    def abort(self, fl_ctx: FLContext) -> None:
        """Tell the task, and the site's executors, to stop."""
        if self.task is not None:
            self.task.abort_signal.trigger(True)
            fl_ctx.set_prop(FLContextKey.TASK_NAME, self.site.learn_task_name)
            self.site.fire_event(EventType.ABORT_TASK, fl_ctx)

    def _run(self, task: LearnTask) -> None:
        site = self.site
        try:
            site.do_learn_task(site.learn_task_name, task.data, task.fl_ctx, task.abort_signal)
        except Exception as e:
            site.log_exception(task.fl_ctx, f"learning failed: {e}")
            site.engine.note_exception(e)
            if not task.abort_signal.triggered:
                site.update_status(action="do_learn_task", error=ReturnCode.EXECUTION_EXCEPTION)
        finally:
            if self.task is task:
                self.task = None

    def _give_up(self, fl_ctx: FLContext) -> bool:
        """Abort the task where the workflow allows that; False when it is still there afterwards."""
        site = self.site
        if not site.allow_busy_task:
            return False
        site.log_warning(fl_ctx, "this site is still at work on a task; it is aborted")
        self.abort(fl_ctx)
        until = site.engine.now() + site.learn_task_abort_timeout
        while self.task is not None:
            if site.engine.now() > until:
                site.log_error(fl_ctx, f"the task did not stop within {site.learn_task_abort_timeout} s")
                return False
            site.engine.poll(0.1)
        return True
