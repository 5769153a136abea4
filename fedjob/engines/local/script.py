"""A training script at a site: started beside its executor, fed with tasks through the Client API."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedjob.client import session
from fedjob.client.session import Session, TaskIn
from fedjob.engines.local.custom import run_script, user_traceback
from fedjob.engines.local.hub import Killed, Mailbox, Strand, Wait
from fedjob.engines.local.link import Message
from fedjob.exchange.analytics import (
    ANALYTIC_EVENT_TYPE,
    AnalyticsData,
    AnalyticsDataType,
    LogWriterName,
)
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel, beside
from fedjob.exchange.keys import FLContextKey
from fedjob.exchange.shareable import Shareable

if TYPE_CHECKING:
    from fedjob.engines.local.lane import Lane, Work
    from fedjob.engines.local.site_engine import SiteEngine

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Ended:
    """The script is over; `error` is what ended it, if not its last line."""

    error: BaseException | None


class ScriptRun(Session):
    """One script of one site. The executor calls `exchange`; to the script it is its session."""

    def __init__(self, engine: SiteEngine, path: Path, args: list[str], config: dict[str, Any]) -> None:
        super().__init__(site_name=engine.name, job_id=engine.job_id, config=config)
        self._engine = engine
        self._path = path
        self._args = args
        self._tasks: Mailbox[TaskIn | Message | None] = engine.hub.mailbox()
        #: What the script waits for, if it waits for the next task however long that takes.
        self._wait: Wait | None = None
        self._outcomes: Mailbox[FLModel | None] = engine.hub.mailbox()
        self._strand: Strand | None = None
        #: The short way for tasks, and the task that came by it and has no result yet.
        self._lane: Lane | None = None
        self._work: Work | None = None
        self._ended: _Ended | None = None
        self._reported = False
        self.stopped = False
        #: The script has said that it takes no more tasks.
        self._shut = False

    def start(self) -> None:
        engine = self._engine
        name = f"{engine.name}: {self._path.name}"
        self._strand = engine.hub.spawn(self._main, name=name, context=engine.context)

    def exchange(self, task: str, model: FLModel) -> FLModel | None:
        """Hand a task to the script; what it sends, or None if it will not: it has ended, or the run does."""
        if self._ended is None and not self.stopped:
            self._hand_over(TaskIn(name=task, model=model))
            outcome = self._outcomes.get()
            if isinstance(outcome, FLModel):
                return outcome
        if self._ended is not None and not self.stopped:
            self._report(self._ended)
        return None

    def offer(self, message: Message, lane: Lane) -> bool:
        """Hand a task to the script, which decodes it and sends its result by itself.

        False, and nothing is done, as long as something is left of the tasks before it.
        """
        if self._ended is not None or self.stopped or self._work is not None:
            return False
        if self._tasks.items is not None or self._outcomes.items is not None:
            return False
        self._lane = lane
        self._hand_over(message)
        return True

    def _hand_over(self, item: TaskIn | Message | None) -> None:
        """Let the script have a task, or, for None, hear that there will be none."""
        if self._wait is not None and not self._wait.settled:
            self._engine.hub.wake(self._wait, item)
        else:
            self._tasks.put(item)

    def end(self) -> None:
        """The run is over: the script's next look at the Client API says so."""
        if not self.stopped:
            self.stopped = True
            self._hand_over(None)
            self._give_up()

    def join(self, timeout: float) -> None:
        """Wait for the script's end, then say how it ended if that was an error nobody has heard of."""
        if self._strand is not None:
            try:
                self._strand.join(timeout)
            except TimeoutError:
                self._engine.hub.kill(self._strand)
        if self._ended is not None and self._ended.error is not None:
            self._report(self._ended)

    # In the script's strand.

    def _main(self) -> None:
        error: BaseException | None = None
        try:
            session.bind(self)
            run_script(self._path, self._args)
        except Killed:
            raise
        except SystemExit as e:
            # sys.exit() and sys.exit(0) at the end of a script are as good as its last line.
            error = e if e.code not in (None, 0) else None
            error = error if error is not None or self.stopped else e
        except Exception as e:
            error = e
        finally:
            session.release(self)
            self._ended = _Ended(error)
            self._give_up()
            self._hand_back()

    def _give_up(self) -> None:
        """Who waits for an outcome gets none."""
        if self._outcomes.is_awaited():
            self._outcomes.put(None)

    def _hand_back(self) -> None:
        """Tasks that the script leaves without a result are answered on the long way."""
        left = [self._work.message] if self._work is not None else []
        self._work = None
        while len(self._tasks):
            if isinstance(item := self._tasks.get(), Message):
                left.append(item)
        for message in left:
            assert self._lane is not None
            self._lane.leave(message)

    def is_open(self) -> bool:
        return not (self.stopped or self._shut)

    def next_task(self, timeout: float | None = None) -> TaskIn | None:
        tasks = self._tasks
        while not self._shut and (not self.stopped or tasks.items is not None):
            if timeout is not None and timeout <= 0 and tasks.items is None:
                return None
            try:
                alone = timeout is None and tasks.items is None and self._wait is None
                item = self._next() if alone else tasks.get(timeout)
            except TimeoutError:
                return None
            if not isinstance(item, Message):
                return item
            assert self._lane is not None
            work = self._lane.open(item)
            if work is not None:
                self._work = work
                return work
        return None

    def _next(self) -> TaskIn | Message | None:
        """Wait for the next task, not in the mailbox: every task of every site passes here."""
        hub = self._engine.hub
        self._wait = hub.waiting()
        try:
            assert hub.loop is not None
            item: TaskIn | Message | None = hub.loop.switch()
        finally:
            self._wait = None
        return item

    def reply(self, model: FLModel) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.lane.answer(work, model)
            if not self._engine.hub.has_ready():
                # The script may compute on for long before it rests; among many sites the next one sees to it.
                self._engine.flush()
        else:
            self._outcomes.put(beside(model))
            self._engine.hub.sleep(0)

    def log(self, key: str, value: Any, data_type: AnalyticsDataType, **kwargs: Any) -> None:
        """Fire FLARE's analytics event at this site, and put numbers on record."""

        def publish(shareable: Shareable, fl_ctx: FLContext) -> None:
            fl_ctx.set_prop(FLContextKey.EVENT_DATA, shareable, private=True, sticky=False)
            self._engine.fire_event(ANALYTIC_EVENT_TYPE, fl_ctx)

        log_value(self._engine, key, value, data_type, kwargs, publish)

    def stop(self) -> None:
        self._shut = True

    def _report(self, ended: _Ended) -> None:
        if self._reported:
            return
        self._reported = True
        number, task = self._engine.work
        kind, message = _describe(ended.error, self._path.name)
        self._engine.record.error(
            site=self._engine.name,
            round=number,
            task=task,
            kind=kind,
            message=message,
            traceback=user_traceback(ended.error) if ended.error is not None else None,
        )


def _describe(error: BaseException | None, script: str) -> tuple[str, str]:
    if error is None:
        return "no_send", f"{script} ended without sending a result for this task"
    if isinstance(error, SystemExit):
        return "exit", f"{script} called sys.exit({'' if error.code is None else repr(error.code)})"
    if isinstance(error, ModuleNotFoundError):
        return "missing_module", f"{script}: {error}; it is not installed and did not travel in custom/"
    return "exception", f"{type(error).__name__}: {error}"


def log_value(
    engine: SiteEngine,
    key: str,
    value: Any,
    data_type: AnalyticsDataType,
    more: dict[str, Any],
    publish: Callable[[Shareable, FLContext], None] | None,
) -> None:
    """Put the numbers of a logged value on record, and hand it on as FLARE's event data."""
    # The writer says in whose words the type is; a receiver translates it into its own.
    sender = more.pop("writer", LogWriterName.TORCH_TB)
    try:
        data = AnalyticsData(key=key, value=value, data_type=data_type, sender=sender, **more)
    except (TypeError, ValueError) as e:
        # As in FLARE the value is lost, and the script goes on.
        _log.error("%s: %r was not logged: %s", engine.name, key, e)
        return
    for name, number in _numbers(key, data.value, data_type):
        engine.record.emit("scalar", site=engine.name, name=name, value=number, step=data.step)
    if publish is not None:
        with engine.new_context() as fl_ctx:
            publish(data.to_dxo().to_shareable(), fl_ctx)


def _numbers(key: str, value: Any, data_type: AnalyticsDataType) -> Iterator[tuple[str, float]]:
    """The named numbers in a logged value; none for texts, tags and figures."""
    if data_type in (AnalyticsDataType.SCALAR, AnalyticsDataType.METRIC):
        yield key, float(value)
    elif data_type in (AnalyticsDataType.SCALARS, AnalyticsDataType.METRICS) and isinstance(value, dict):
        yield from ((f"{key}/{name}" if key else name, float(v)) for name, v in value.items())
