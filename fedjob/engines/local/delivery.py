"""One task, one site: out to it through the server's callbacks and filters, and its result back in."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedjob.components.task import ClientTask, Task, TaskCompletionStatus
from fedjob.engines.local.filtering import apply_filters
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.intake import Intake
from fedjob.engines.local.link import Link, Message, Route
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.post import label_reply, peer_context, reply_context, usual_props
from fedjob.engines.local.postponed import put_back, take_back, take_out
from fedjob.engines.local.relay import Relay
from fedjob.engines.local.standing import Broadcast, Standing
from fedjob.engines.local.watch import Watch
from fedjob.engines.local.wire import Frozen, freeze, thaw
from fedjob.exchange.client import Client
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext, put_private
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply

#: Replies that mean that server and site do not run the same job: FLARE ends the run.
_HOPELESS = (ReturnCode.RUN_MISMATCH, ReturnCode.TASK_UNKNOWN, ReturnCode.UNSAFE_JOB)

#: FLARE's server sets the task's name once more under this name, and code reads it there.
_TASK_NAME_HEADER = "task_name"

#: To so many sites a task is sent at once: the first begin while the others' is being made ready.
_TOGETHER = 256

#: The events of a task that is sent to a site.
_ON_THE_WAY_OUT = (
    EventType.BEFORE_PROCESS_TASK_REQUEST,
    EventType.AFTER_PROCESS_TASK_REQUEST,
    EventType.BEFORE_TASK_DATA_FILTER,
    EventType.AFTER_TASK_DATA_FILTER,
)

#: The events around the server's filters of results.
_ON_THE_WAY_IN = (EventType.BEFORE_TASK_RESULT_FILTER, EventType.AFTER_TASK_RESULT_FILTER)


class Delivery:
    """Carries the tasks of one workflow to sites and their results back, with FLARE's events on the way."""

    def __init__(self, engine: FLEngine, links: Mapping[str, Link], watch: Watch, workflow: str) -> None:
        self._engine = engine
        self._links = links
        self._watch = watch
        self._workflow = workflow
        self._intake = Intake(engine, watch)
        #: How the last results came, if they were large.
        self._lenders: dict[Route, None] = {}

    def send(self, standing: Standing, client: Client) -> bool:
        """Send the task to a site; False if a callback or a filter put an end to it."""
        client_task = ClientTask(client, standing.task)
        if standing.for_all is not None:
            self._note_sent(standing, client_task)
            self._links[client.name].send(standing.for_all, client_task.number)
            return True
        if standing.silent is None:
            standing.silent = self._is_silent(standing.task)
        if standing.silent:
            self._note_sent(standing, client_task)
            _note_parts(standing)
            body: Frozen | None = self._frozen(standing, self._engine.public_props())
        else:
            body = self._prepared(standing, client_task)
            standing.silent = None
        if body is None:
            return False
        message = standing.message
        if message is None or message.body is not body:
            headers: dict[str, Any] = {"task": standing.task.name, "root": standing.task.msg_root_id}
            if standing.is_own:
                headers["own"] = True
            message = standing.message = Message(kind="task", headers=headers, body=body)
        if standing.silent:
            standing.for_all = message
        self._links[client.name].send(message, client_task.number)
        return True

    def send_all(self, standing: Broadcast, clients: Sequence[Client], last: str | None) -> None:
        """Send the task to many sites, as it went to the one before. `last`: who has sent something last."""
        message, now, links = standing.for_all, time.time(), self._links
        assert message is not None
        # The system lets a worker run where its message comes from, if its own core is busy: the server waits then, and
        # with it the workers whose messages are still to be sent. The one that was at work last has a core of its own.
        first = links[last].route if last is not None else None
        for begin in range(0, len(clients), _TOGETHER):
            client_tasks = [
                ClientTask(client, standing.task) for client in clients[begin : begin + _TOGETHER]
            ]
            standing.sent_to_all(client_tasks)
            ends: dict[Route, list[tuple[Link, int]]] = {}
            for client_task in client_tasks:
                client_task.task_sent_time, client_task.task_send_count = now, 1
                link = links[client_task.client.name]
                ends.setdefault(link.route, []).append((link, client_task.number))
            # A site with a process of its own keeps its place: results are taken in the order of the sites.
            early = [first] if first is not None and len(ends.get(first, ())) > 1 else []
            for route in dict.fromkeys([*early, *ends]):
                route.send_to(ends[route], message)

    def _is_silent(self, task: Task) -> bool:
        """Whether no code but ours would notice that the task is on its way."""
        return (task.name, "data", "out") not in self._engine.app.filters and self._is_unheard(task)

    def _is_unheard(self, task: Task) -> bool:
        """The same but for filters."""
        engine = self._engine
        if task.after_task_sent_cb is not None:
            return False
        before = task.before_task_sent_cb
        if before is not None:
            event = getattr(before, "only_fires", None)
            if event is None or engine.listeners(event):
                return False
        return not engine.hears(_ON_THE_WAY_OUT)

    def _prepared(self, standing: Standing, client_task: ClientTask) -> Frozen | None:
        """What is sent, after callbacks, events and filters; None if one of them put an end to the task."""
        task, engine = standing.task, self._engine
        fl_ctx = engine.new_context()
        fl_ctx.set_peer_context(peer_context({}, client_task.client.name))
        engine.fire_event(EventType.BEFORE_PROCESS_TASK_REQUEST, fl_ctx)
        if task.before_task_sent_cb is not None:
            self.guard(task, task.before_task_sent_cb, client_task=client_task, fl_ctx=fl_ctx)
        if task.completion_status is not None:
            return None
        _note_parts(standing)
        # Encoded before the next callback can change it.
        filtered = self._filters(task)
        data = self._unfiltered(standing) if filtered else self._frozen(standing, engine.public_props())
        if task.after_task_sent_cb is not None:
            self.guard(task, task.after_task_sent_cb, client_task=client_task, fl_ctx=fl_ctx)
        if task.completion_status is not None:
            return None
        self._note_sent(standing, client_task)
        engine.fire_event(EventType.AFTER_PROCESS_TASK_REQUEST, fl_ctx)
        return self._filtered_out(standing, client_task, data, fl_ctx)

    def _note_sent(self, standing: Standing, client_task: ClientTask) -> None:
        client_task.task_sent_time = time.time()
        client_task.task_send_count += 1
        standing.sent(client_task)

    def _frozen(self, standing: Standing, public: dict[str, Any]) -> Frozen:
        """The task's data with what the sites are told beside it, encoded once for all of them.

        A callback that changes the data for one site, or props that change, make it anew.
        """
        if standing.frozen is None or standing.frozen[0] is not public:
            data = self._addressed(standing.task.data, standing.task)
            standing.note_headers(data[ReservedHeaderKey.HEADERS])
            later = take_out(data)
            standing.frozen = (public, freeze((data, public), later))
        return standing.frozen[1]

    def _unfiltered(self, standing: Standing) -> Frozen:
        """The task's data as the filters get it; encoded once for all sites unless others could change it meanwhile."""
        if standing.unfiltered is None or not self._is_unheard(standing.task):
            data = copy.copy(standing.task.data)
            later = take_out(data)
            standing.unfiltered = freeze(data, later)
        return standing.unfiltered

    def _addressed(self, data: Shareable, task: Task) -> Shareable:
        """The data with the headers that FLARE's server adds on the way, the task's id excepted."""
        own = copy.copy(data)
        headers = own[ReservedHeaderKey.HEADERS] = dict(data.get(ReservedHeaderKey.HEADERS) or {})
        headers[ReservedHeaderKey.TASK_NAME] = headers[_TASK_NAME_HEADER] = task.name
        jar = headers.get(ReservedHeaderKey.COOKIE_JAR) or {}
        headers[ReservedHeaderKey.COOKIE_JAR] = {**jar, ReservedHeaderKey.WORKFLOW: self._workflow}
        if task.operator:
            headers[ReservedHeaderKey.TASK_OPERATOR] = task.operator
        return own

    def _filters(self, task: Task) -> list[Any] | None:
        return self._engine.app.filters.get((task.name, "data", "out"))

    def _filtered_out(
        self, standing: Standing, client_task: ClientTask, data: Frozen, fl_ctx: FLContext
    ) -> Frozen | None:
        """The data after the server's own filters; None if a filter failed and with it the task."""
        task, engine = standing.task, self._engine
        fl_ctx.set_prop(FLContextKey.TASK_NAME, task.name, private=True, sticky=False)
        fl_ctx.set_prop(FLContextKey.TASK_ID, client_task.id, private=True, sticky=False)
        fl_ctx.set_prop(FLContextKey.TASK_DATA, task.data, private=True, sticky=False)
        engine.fire_event(EventType.BEFORE_TASK_DATA_FILTER, fl_ctx)
        own = None
        if filters := self._filters(task):
            own = thaw(data)
            put_back(own, data.later)
            own.set_header(ReservedHeaderKey.TASK_ID, client_task.id)
            try:
                own = apply_filters(filters, own, fl_ctx)
            except Exception as e:
                engine.note_exception(e, message=f"a data filter of task {task.name!r} failed")
                task.completion_status, task.exception = TaskCompletionStatus.ERROR, e
                return None
            fl_ctx.set_prop(FLContextKey.TASK_DATA, own, private=True, sticky=False)
        engine.fire_event(EventType.AFTER_TASK_DATA_FILTER, fl_ctx)
        public = fl_ctx.get_all_public_props()
        usual = engine.public_props()
        if own is not None:
            addressed = self._addressed(own, task)
            standing.note_headers(addressed[ReservedHeaderKey.HEADERS])
            later = take_back(addressed, data.later)
            return freeze((addressed, public), later)
        if public.keys() == usual.keys() and all(public[key] is usual[key] for key in usual):
            return data
        # Somebody tells this site something of its own.
        return freeze((thaw(data)[0], public), data.later)

    def take_due(self, standing: Standing) -> None:
        """Give the replies whose turn has come to the workflow."""
        short: bool | None = None
        while standing.task.completion_status is None and (site := standing.due()) is not None:
            body, _ = standing.arrived[site]
            if type(body) is PlainResult and short is None:
                short = self._intake.is_open(standing)
            if type(body) is PlainResult and short:
                self._take_in(standing, standing.results_from(site))
            else:
                self.process(standing, site)
                short = None  # whoever was called may have changed that.

    def _take_in(self, standing: Standing, run: list[tuple[str, PlainResult]]) -> None:
        """Give results to the workflow the short way."""
        self._intake.take(standing, run)
        if run[-1][1].form.is_large:
            # Where the large results before these lay is free now, and their workers may wait for that.
            for lender in self._lenders:
                lender.flush()
            self._lenders = dict.fromkeys([self._links[site].route for site, _ in run])

    def settle(self) -> None:
        """A task is done: who looks at the workflow next finds what the last result has left."""
        self._intake.settle()

    def process(self, standing: Standing, site: str) -> None:
        """Give one reply to the workflow, with all that FLARE does around it."""
        self._intake.settle()
        body, rc = standing.arrived.pop(site)
        task, engine = standing.task, self._engine
        client_task = task.last_client_task_map[site]
        if isinstance(body, PlainResult):
            result, props = standing.reply_of(body), usual_props(site)
        else:
            assert isinstance(body, Frozen)
            result, props = thaw(body)
            props = usual_props(site) if props is None else props
        fl_ctx = reply_context(engine, client_task, result, props)
        self._watch.reply(site, standing, result, rc, body.nbytes)
        if rc in _HOPELESS:
            engine.system_panic(f"{site} answered task {task.name!r} with {rc}", fl_ctx)
        else:
            label_reply(result, client_task, props)
            if engine.hears(_ON_THE_WAY_IN) or (task.name, "result", "in") in engine.app.filters:
                result = self._filtered_in(task, result, fl_ctx)
            client_task.result = result
            if isinstance(standing, Relay) and standing.is_late(client_task):
                result.set_header(ReservedHeaderKey.REPLY_IS_LATE, True)
            engine.fire_event(EventType.BEFORE_PROCESS_SUBMISSION, fl_ctx)
            if task.result_received_cb is not None:
                self.guard(task, task.result_received_cb, client_task=client_task, fl_ctx=fl_ctx)
            engine.fire_event(EventType.AFTER_PROCESS_SUBMISSION, fl_ctx)
        client_task.result_received_time = time.time()
        standing.answered(client_task)

    def _filtered_in(self, task: Task, result: Shareable, fl_ctx: FLContext) -> Shareable:
        engine = self._engine
        engine.fire_event(EventType.BEFORE_TASK_RESULT_FILTER, fl_ctx)
        filters = engine.app.filters.get((task.name, "result", "in"), ())
        try:
            result = apply_filters(filters, result, fl_ctx)
        except Exception as e:
            engine.note_exception(e, message=f"a result filter of task {task.name!r} failed")
            result = make_reply(ReturnCode.TASK_RESULT_FILTER_ERROR)
        put_private(fl_ctx, {FLContextKey.TASK_RESULT: result})
        engine.fire_event(EventType.AFTER_TASK_RESULT_FILTER, fl_ctx)
        put_private(fl_ctx.get_peer_context(), {FLContextKey.SHAREABLE: result})
        return result

    def guard(self, task: Task, callback: Callable[..., Any], /, **kwargs: Any) -> None:
        """Call a callback of a task; if it raises, the task ends in error, as in FLARE."""
        try:
            callback(**kwargs)
        except Exception as e:
            self._engine.note_exception(e, message=f"a callback of task {task.name!r} failed")
            task.completion_status, task.exception = TaskCompletionStatus.ERROR, e


def _note_parts(standing: Standing) -> None:
    """Have the task's data encoded anew if it was changed, by a callback, since it was last sent."""
    parts = _parts(standing.task.data)
    if standing.parts is None or not _same(standing.parts, parts):
        standing.parts, standing.frozen, standing.unfiltered = parts, None, None


def _parts(data: Shareable) -> dict[tuple[str, ...], Any]:
    """What a task's data consists of, two levels deep: a callback that changes it puts in another object."""
    parts: dict[tuple[str, ...], Any] = {}
    for key, value in data.items():
        if not isinstance(value, dict):
            parts[key,] = value
            continue
        for inner, part in value.items():
            if isinstance(part, dict):
                parts.update({(key, inner, name): v for name, v in part.items()})
            else:
                parts[key, inner] = part
    return parts


def _same(left: dict[tuple[str, ...], Any], right: dict[tuple[str, ...], Any]) -> bool:
    return left.keys() == right.keys() and all(value is right[key] for key, value in left.items())
