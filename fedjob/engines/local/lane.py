"""The short way of a task to a site's script, and of its result back, where only our own code would notice the long one.

On the long way a task passes events, filters and the executor, with a context that they all look at. Where no component
listens, no filter stands and the executor only hands tasks to a script of this process, all that is left of it is to
decode the task, let the script have it and encode what it sends. The script's own strand does that, so that a task
costs a site one switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedjob.client.session import TaskIn
from fedjob.components.executors.script_executor import ScriptExecutor
from fedjob.components.task import task_id
from fedjob.engines.local.link import Link, Message
from fedjob.engines.local.plain import NotPlain
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.postponed import put_back
from fedjob.engines.local.reply import reply_headers
from fedjob.engines.local.script import ScriptRun
from fedjob.engines.local.site_engine import SiteEngine
from fedjob.engines.local.template import model_of
from fedjob.engines.local.wire import Frozen, thaw
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_model import FLModel, beside
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply

if TYPE_CHECKING:
    from fedjob.engines.local.site import Site

#: The events that a task meets on the long way.
_ON_THE_WAY = (
    EventType.BEFORE_TASK_DATA_FILTER,
    EventType.AFTER_TASK_DATA_FILTER,
    EventType.BEFORE_TASK_EXECUTION,
    EventType.AFTER_TASK_EXECUTION,
    EventType.BEFORE_TASK_RESULT_FILTER,
    EventType.AFTER_TASK_RESULT_FILTER,
    EventType.BEFORE_SEND_TASK_RESULT,
    EventType.AFTER_SEND_TASK_RESULT,
)


def id_of(message: Message) -> str:
    """The id of a task that has come to a site."""
    return task_id(message.headers["root"], message.number)


def opened(message: Message) -> tuple[Shareable, dict[str, Any]]:
    """What a task's message holds: the task, and the server's public props."""
    assert isinstance(message.body, Frozen)
    data, public = thaw(message.body)
    data.set_header(ReservedHeaderKey.TASK_ID, id_of(message))
    put_back(data, message.body.later)
    return data, public


class Lane:
    """The short way of one site."""

    def __init__(self, engine: SiteEngine, site: Site, link: Link) -> None:
        self._engine = engine
        self._site = site
        self._link = link
        self._executors: dict[str, ScriptExecutor | None] = {}
        #: Public props that are the usual ones.
        self._said: dict[str, Any] | None = None

    def take(self, message: Message) -> bool:
        """Hand a task to its script; False if it has to go the long way."""
        task = message.headers["task"]
        executor = self._executors.get(task) or self._executor(task)
        run = executor.running if executor is not None else None
        if not isinstance(run, ScriptRun):
            return False
        filters = self._engine.app.filters
        if filters and ((task, "data", "in") in filters or (task, "result", "out") in filters):
            return False
        if self._engine.hears(_ON_THE_WAY):
            return False
        return run.offer(message, self)

    def _executor(self, task: str) -> ScriptExecutor | None:
        """The executor of a task, if it is of our own make."""
        if task not in self._executors:
            found = self._engine.app.executor_for(task)
            ours = isinstance(found, ScriptExecutor) and type(found).execute is ScriptExecutor.execute
            self._executors[task] = found if ours else None
        return self._executors[task]

    def open(self, message: Message) -> Work | None:
        """In the script's strand: the task for the script. None if something is wrong: the long way will say what."""
        engine, body, task = self._engine, message.body, message.headers["task"]
        assert isinstance(body, Frozen)
        try:
            model, data, number = model_of(body, engine.name, engine.job_id)
        except Exception:
            self.leave(message)
            return None
        engine.at_work(number, task)
        return Work(task, model, self, message, data, number)

    def answer(self, work: Work, model: FLModel) -> None:
        """In the script's strand: send what the script has sent."""
        executor, public = self._executors[work.name], self._engine.public
        public = self._engine.public_props() if public is None else public
        assert executor is not None
        # A result that says no more than its task and the model do needs no reply.
        if (
            work.number is not None
            and (public is self._said or self._is_usual(public))
            and "own" not in work.message.headers
            and type(executor).given is ScriptExecutor.given
        ):
            try:
                result = PlainResult.of(model)
            except (NotPlain, OSError):
                pass
            else:
                self._link.send_result(reply_headers(work.name, ReturnCode.OK), result)
                return
        try:
            reply = executor.given(beside(model), work.data)
        except Exception as e:
            reply = make_reply(self._site.failed(executor, e))
        self._site.finish(reply, work.data, work.message, public)

    def _is_usual(self, public: dict[str, Any]) -> bool:
        """Whether these are the public props that the server supposes where it is told of none."""
        if public != self._site.usual:
            return False
        self._said = public
        return True

    def leave(self, message: Message) -> None:
        """Have a task go the long way."""
        self._site.put(message)


class Work(TaskIn):
    """A task that came by the short way, which its script is at."""

    __slots__ = ("data", "lane", "message", "number")

    def __init__(
        self, name: str, model: FLModel, lane: Lane, message: Message, data: Shareable, number: Any
    ) -> None:
        self.name = name
        self.model = model
        self.lane = lane
        self.message = message
        self.data = data
        self.number = number
