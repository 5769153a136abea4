"""One task, one site: out to it through the server's callbacks and filters, and its result back in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from fedjob.components.task import ClientTask, Task, TaskCompletionStatus
from fedjob.engines.local.filtering import apply_filters
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.link import Link, Message
from fedjob.engines.local.post import peer_context
from fedjob.engines.local.standing import Relay, Standing
from fedjob.engines.local.watch import Watch
from fedjob.engines.local.wire import Frozen, freeze, thaw
from fedjob.exchange.client import Client
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply

#: Replies that mean that server and site do not run the same job: FLARE ends the run.
_HOPELESS = (ReturnCode.RUN_MISMATCH, ReturnCode.TASK_UNKNOWN, ReturnCode.UNSAFE_JOB)


class Delivery:
    """Carries the tasks of one workflow to sites and their results back, with FLARE's events on the way."""

    def __init__(self, engine: FLEngine, links: Mapping[str, Link], watch: Watch, workflow: str) -> None:
        self._engine = engine
        self._links = links
        self._watch = watch
        self._workflow = workflow

    def send(self, standing: Standing, client: Client) -> ClientTask | None:
        """Send the task to a site; None if a callback or a filter put an end to it."""
        task = standing.task
        engine = self._engine
        with engine.new_context() as fl_ctx:
            fl_ctx.set_peer_context(peer_context({}, client.name))
            self._fire(EventType.BEFORE_PROCESS_TASK_REQUEST, fl_ctx)
            client_task = ClientTask(client, task)
            if task.before_task_sent_cb is not None:
                self.guard(task, task.before_task_sent_cb, client_task=client_task, fl_ctx=fl_ctx)
            if task.completion_status is not None:
                return None
            data = self._data_for(standing)
            if task.after_task_sent_cb is not None:
                self.guard(task, task.after_task_sent_cb, client_task=client_task, fl_ctx=fl_ctx)
            if task.completion_status is not None:
                return None
            client_task.task_sent_time = time.time()
            client_task.task_send_count += 1
            client_task.props["__sent_at"] = engine.hub.now()
            standing.sent(client_task)
            self._fire(EventType.AFTER_PROCESS_TASK_REQUEST, fl_ctx)
            body = self._filtered_out(standing, client_task, data, fl_ctx)
            if body is None:
                return None
            public = fl_ctx.get_all_public_props()
        headers: dict[str, Any] = {
            "task": task.name,
            "id": client_task.id,
            "workflow": self._workflow,
            "public": public,
        }
        if task.operator:
            headers["operator"] = task.operator
        self._links[client.name].send(Message(kind="task", headers=headers, body=body))
        return client_task

    def _data_for(self, standing: Standing) -> Frozen:
        """The task's data, encoded once for all sites unless a callback changed it for one."""
        parts = _parts(standing.task.data)
        if standing.frozen is None or not _same(standing.frozen[0], parts):
            standing.frozen = (parts, freeze(standing.task.data))
        return standing.frozen[1]

    def _filtered_out(
        self, standing: Standing, client_task: ClientTask, data: Frozen, fl_ctx: FLContext
    ) -> Frozen | None:
        """The data after the server's own filters; None if a filter failed and with it the task."""
        task = standing.task
        filters = self._engine.app.filters.get((task.name, "data", "out"))
        fl_ctx.set_prop(FLContextKey.TASK_NAME, task.name, private=True, sticky=False)
        fl_ctx.set_prop(FLContextKey.TASK_ID, client_task.id, private=True, sticky=False)
        fl_ctx.set_prop(FLContextKey.TASK_DATA, task.data, private=True, sticky=False)
        self._fire(EventType.BEFORE_TASK_DATA_FILTER, fl_ctx)
        if filters:
            own = thaw(data)
            own.set_header(ReservedHeaderKey.TASK_ID, client_task.id)
            try:
                own = apply_filters(filters, own, fl_ctx)
            except Exception as e:
                self._engine.note_exception(e, message=f"a data filter of task {task.name!r} failed")
                task.completion_status, task.exception = TaskCompletionStatus.ERROR, e
                return None
            fl_ctx.set_prop(FLContextKey.TASK_DATA, own, private=True, sticky=False)
            data = freeze(own)
        self._fire(EventType.AFTER_TASK_DATA_FILTER, fl_ctx)
        return data

    def process(self, standing: Standing, site: str) -> None:
        """Give one reply to the workflow."""
        message = standing.arrived.pop(site)
        result, props = thaw(message.body)
        task, engine = standing.task, self._engine
        client_task = task.last_client_task_map[site]
        client = client_task.client
        with engine.new_context() as fl_ctx:
            peer = peer_context(props, client.name)
            peer.set_prop(FLContextKey.SHAREABLE, result, private=True, sticky=False)
            fl_ctx.set_peer_context(peer)
            fl_ctx.set_prop(FLContextKey.TASK_NAME, task.name, private=True, sticky=False)
            fl_ctx.set_prop(FLContextKey.TASK_RESULT, result, private=True, sticky=False)
            fl_ctx.set_prop(FLContextKey.TASK_ID, client_task.id, private=True, sticky=False)
            rc = result.get_return_code(default=ReturnCode.OK)
            self._watch.reply(client.name, task, result, message.body.nbytes)
            if rc in _HOPELESS:
                engine.system_panic(f"{client.name} answered task {task.name!r} with {rc}", fl_ctx)
            else:
                result = self._filtered_in(task, client_task, result, props, fl_ctx)
                peer.set_prop(FLContextKey.SHAREABLE, result, private=True, sticky=False)
                client_task.result = result
                if isinstance(standing, Relay) and standing.is_late(client_task):
                    result.set_header(ReservedHeaderKey.REPLY_IS_LATE, True)
                self._fire(EventType.BEFORE_PROCESS_SUBMISSION, fl_ctx)
                if task.result_received_cb is not None:
                    self.guard(task, task.result_received_cb, client_task=client_task, fl_ctx=fl_ctx)
                self._fire(EventType.AFTER_PROCESS_SUBMISSION, fl_ctx)
        client_task.result_received_time = time.time()
        client_task.props["__answered_at"] = engine.hub.now()
        standing.responded += 1

    def _filtered_in(
        self,
        task: Task,
        client_task: ClientTask,
        result: Shareable,
        props: Mapping[str, Any],
        fl_ctx: FLContext,
    ) -> Shareable:
        result.set_header(ReservedHeaderKey.TASK_NAME, task.name)
        result.set_header(ReservedHeaderKey.TASK_ID, client_task.id)
        result.set_peer_props(dict(props))
        self._fire(EventType.BEFORE_TASK_RESULT_FILTER, fl_ctx)
        filters = self._engine.app.filters.get((task.name, "result", "in"), ())
        try:
            result = apply_filters(filters, result, fl_ctx)
        except Exception as e:
            self._engine.note_exception(e, message=f"a result filter of task {task.name!r} failed")
            result = make_reply(ReturnCode.TASK_RESULT_FILTER_ERROR)
        fl_ctx.set_prop(FLContextKey.TASK_RESULT, result, private=True, sticky=False)
        self._fire(EventType.AFTER_TASK_RESULT_FILTER, fl_ctx)
        return result

    def guard(self, task: Task, callback: Callable[..., Any], /, **kwargs: Any) -> None:
        """Call a callback of a task; if it raises, the task ends in error, as in FLARE."""
        try:
            callback(**kwargs)
        except Exception as e:
            self._engine.note_exception(e, message=f"a callback of task {task.name!r} failed")
            task.completion_status, task.exception = TaskCompletionStatus.ERROR, e

    def _fire(self, event_type: str, fl_ctx: FLContext) -> None:
        self._engine.fire_event(event_type, fl_ctx)


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
