"""The server's board of tasks: sends them to sites that are free, takes the replies, watches for the end.

What FLARE's sites pull by asking every two seconds is pushed here the moment a site is free; order of
events and callbacks is FLARE's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from fedjob.components.task import ClientTask, SendOrder, Task, TaskCompletionStatus
from fedjob.engines.local.filtering import apply_filters
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.link import Link, Message
from fedjob.engines.local.post import peer_context
from fedjob.engines.local.standing import (
    Broadcast,
    BroadcastForever,
    Offer,
    Relay,
    Send,
    Standing,
    names_of,
)
from fedjob.engines.local.wire import Frozen, freeze, thaw
from fedjob.exchange.client import Client
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply
from fedjob.exchange.signal import Signal

_log = logging.getLogger("fedjob.server")

#: Replies that mean that server and site do not run the same job: FLARE ends the run.
_HOPELESS = (ReturnCode.RUN_MISMATCH, ReturnCode.TASK_UNKNOWN, ReturnCode.UNSAFE_JOB)
_LOOK = 0.5  # seconds between looks at an abort signal when nothing else happens


class Communicator:
    """Tasks of one workflow, by FLARE's ``WFCommSpec``."""

    def __init__(
        self,
        engine: FLEngine,
        clients: list[Client],
        links: Mapping[str, Link],
        watch: Any,
        workflow: str,
        threads: int | None = None,
    ) -> None:
        self.controller: Any = None
        self._engine = engine
        self._clients = {c.name: c for c in clients}
        self._links = links
        self._watch = watch
        self._workflow = workflow
        #: How many sites may be at work at a time.
        self._threads = threads or len(clients)
        self._board: list[Standing] = []
        self._working: dict[str, tuple[Standing, ClientTask]] = {}
        self._lost: dict[str, float] = {}
        self._looking = False
        self._look_again = False

    # What controllers call.

    def broadcast(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        min_responses: int = 1,
        wait_time_after_min_received: int = 0,
    ) -> None:
        names = self._names(task, targets)
        self._natural("min_responses", min_responses)
        self._natural("wait_time_after_min_received", wait_time_after_min_received)
        if min_responses > len(names):
            raise ValueError(
                f"min_responses ({min_responses}) must not exceed the number of targets ({len(names)})"
            )
        self._put(Broadcast(task, names, self._engine.hub.now, min_responses, wait_time_after_min_received))

    def broadcast_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        min_responses: int = 1,
        wait_time_after_min_received: int = 0,
        abort_signal: Signal | None = None,
    ) -> None:
        self.broadcast(task, fl_ctx, targets, min_responses, wait_time_after_min_received)
        self.wait_for_task(task, abort_signal)

    def broadcast_forever(self, task: Task, fl_ctx: FLContext, targets: Any = None) -> None:
        self._put(BroadcastForever(task, self._names(task, targets), self._engine.hub.now))

    def send(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
    ) -> None:
        if send_order is SendOrder.SEQUENTIAL and not targets:
            raise ValueError("targets must be given when the send order is SEQUENTIAL")
        names = self._names(task, targets)
        timeout = task_assignment_timeout or 0
        self._natural("task_assignment_timeout", timeout)
        if task.timeout and timeout > task.timeout:
            raise ValueError(
                f"task_assignment_timeout ({timeout}) must not exceed the task's timeout ({task.timeout})"
            )
        self._put(Send(task, names, self._engine.hub.now, send_order, timeout), wakes=(timeout,))

    def send_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        abort_signal: Signal | None = None,
    ) -> None:
        self.send(task, fl_ctx, targets, send_order, task_assignment_timeout)
        self.wait_for_task(task, abort_signal)

    def relay(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        task_result_timeout: int = 0,
        dynamic_targets: bool = True,
    ) -> None:
        # Sites here never join late, so dynamic targets are all sites when none are named.
        names = self._names(task, targets)
        assignment, result = task_assignment_timeout or 0, task_result_timeout or 0
        self._natural("task_assignment_timeout", assignment)
        self._natural("task_result_timeout", result)
        self._put(
            Relay(task, names, self._engine.hub.now, send_order, assignment, result),
            wakes=(assignment, result),
        )

    def relay_and_wait(
        self,
        task: Task,
        fl_ctx: FLContext,
        targets: Any = None,
        send_order: SendOrder = SendOrder.SEQUENTIAL,
        task_assignment_timeout: int = 0,
        task_result_timeout: int = 0,
        dynamic_targets: bool = True,
        abort_signal: Signal | None = None,
    ) -> None:
        self.relay(
            task, fl_ctx, targets, send_order, task_assignment_timeout, task_result_timeout, dynamic_targets
        )
        self.wait_for_task(task, abort_signal)

    def get_num_standing_tasks(self) -> int:
        return len(self._board)

    def cancel_task(
        self,
        task: Task,
        completion_status: TaskCompletionStatus = TaskCompletionStatus.CANCELLED,
        fl_ctx: FLContext | None = None,
    ) -> None:
        if task.completion_status is None:
            task.completion_status = completion_status
            self._look()

    def cancel_all_tasks(
        self,
        completion_status: TaskCompletionStatus = TaskCompletionStatus.CANCELLED,
        fl_ctx: FLContext | None = None,
    ) -> None:
        for standing in self._board:
            if standing.task.completion_status is None:
                standing.task.completion_status = completion_status
        self._look()

    def wait_for_task(self, task: Task, abort_signal: Signal | None) -> None:
        """Until the task stands no more, or the run is aborted."""
        while any(standing.task is task for standing in self._board):
            if abort_signal is not None and abort_signal.triggered:
                self.cancel_task(task, TaskCompletionStatus.ABORTED)
                return
            self._engine.hub.poll(_LOOK)

    def get_client_disconnect_time(self, client_name: str) -> float | None:
        return self._lost.get(client_name)

    # What the server calls.

    def lose(self, site: str) -> None:
        """A site has gone for good."""
        self._lost[site] = time.time()
        self._working.pop(site, None)
        for standing in self._board:
            standing.lost.add(site)
        self._look()

    def take_reply(self, site: str, message: Message) -> None:
        """A site has answered a task: it is free, and its result waits for its turn."""
        standing, client_task = self._working.pop(site, (None, None))
        if standing is None or client_task is None or standing not in self._board:
            # FLARE's sites ask whether the task still stands and drop a late result themselves.
            _log.info("late result of %s from %s dropped", message.headers.get("task"), site)
        else:
            standing.arrived[site] = message
        self._look()

    # The board.

    def _names(self, task: Task, targets: Any) -> list[str]:
        if task.schedule_time is not None:
            raise ValueError(f"task {task.name!r} was used in a call before; make a new Task")
        names = names_of(targets, list(self._clients))
        unknown = [n for n in names if n not in self._clients]
        if unknown:
            raise ValueError(f"targets {unknown} are no sites of this run; sites are {list(self._clients)}")
        return names

    @staticmethod
    def _natural(name: str, value: Any) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number, but got {type(value).__name__}")
        if value < 0:
            raise ValueError(f"{name} must not be negative, but got {value}")

    def _put(self, standing: Standing, wakes: tuple[float, ...] = ()) -> None:
        task = standing.task
        task.schedule_time = time.time()
        task.is_standing = True
        standing.lost.update(self._lost)
        self._board.append(standing)
        self._watch.task_sent(task, standing.targets)
        if task.timeout:
            self._after(task.timeout, lambda: self._expire(standing))
        for seconds in wakes:
            if seconds:
                self._tick(standing, seconds)
        if isinstance(standing, Broadcast) and standing.patience:
            self._tick(standing, standing.patience)
        self._look()

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        hub = self._engine.hub

        def wait() -> None:
            hub.sleep(seconds)
            call()

        hub.spawn(wait, name=f"timer of {seconds:g} s")

    def _tick(self, standing: Standing, seconds: float) -> None:
        """Look again every `seconds` while the task stands: one of its times may be over."""

        def again() -> None:
            if standing in self._board:
                self._look()
                self._after(seconds, again)

        self._after(seconds, again)

    def _expire(self, standing: Standing) -> None:
        if standing in self._board and standing.task.completion_status is None:
            while (site := standing.first_arrived()) is not None:
                self._process(standing, site)
            standing.task.completion_status = TaskCompletionStatus.TIMEOUT
            self._look()

    def _look(self) -> None:
        """Do all there is to do; a callback that causes more finds it done before this returns."""
        self._look_again = True
        if self._looking:
            return
        self._looking = True
        try:
            while self._look_again:
                self._look_again = False
                self._process_arrived()
                self._finish()
                self._send_out()
        finally:
            self._looking = False

    def _process_arrived(self) -> None:
        for standing in list(self._board):
            while standing.task.completion_status is None and (site := standing.due()) is not None:
                self._process(standing, site)

    def _finish(self) -> None:
        for standing in list(self._board):
            task = standing.task
            if task.completion_status is None:
                task.completion_status = standing.status()
            if task.completion_status is not None:
                self._board.remove(standing)
                task.is_standing = False
                self._look_again = True
                if task.task_done_cb is not None:
                    with self._engine.new_context() as fl_ctx:
                        self._guard(task, task.task_done_cb, task=task, fl_ctx=fl_ctx)

    def _send_out(self) -> None:
        if not any(standing.hungry() for standing in self._board):
            return
        for name in self._clients:
            if len(self._working) >= self._threads:
                return
            if name not in self._working and name not in self._lost:
                standing = self._offered(name)
                if standing is not None:
                    self._send(standing, self._clients[name])
                    self._look_again = True

    def _offered(self, site: str) -> Standing | None:
        for standing in self._board:
            if standing.task.completion_status is None:
                offer = standing.offer(site)
                if offer is not Offer.NO:
                    return standing if offer is Offer.SEND else None
        return None

    # One task, one site.

    def _send(self, standing: Standing, client: Client) -> None:
        task = standing.task
        engine = self._engine
        with engine.new_context() as fl_ctx:
            fl_ctx.set_peer_context(self._peer(client))
            self._fire(EventType.BEFORE_PROCESS_TASK_REQUEST, fl_ctx)
            client_task = ClientTask(client, task)
            if task.before_task_sent_cb is not None:
                self._guard(task, task.before_task_sent_cb, client_task=client_task, fl_ctx=fl_ctx)
            if task.completion_status is not None:
                return
            data = self._data_for(standing)
            if task.after_task_sent_cb is not None:
                self._guard(task, task.after_task_sent_cb, client_task=client_task, fl_ctx=fl_ctx)
            if task.completion_status is not None:
                return
            client_task.task_sent_time = time.time()
            client_task.task_send_count += 1
            client_task.props["__sent_at"] = engine.hub.now()
            standing.sent(client_task)
            self._fire(EventType.AFTER_PROCESS_TASK_REQUEST, fl_ctx)
            body = self._filtered_out(standing, client_task, data, fl_ctx)
            if body is None:
                return
            public = fl_ctx.get_all_public_props()
        self._working[client.name] = (standing, client_task)
        headers: dict[str, Any] = {
            "task": task.name,
            "id": client_task.id,
            "workflow": self._workflow,
            "public": public,
        }
        if task.operator:
            headers["operator"] = task.operator
        self._links[client.name].send(Message(kind="task", headers=headers, body=body))

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

    def _process(self, standing: Standing, site: str) -> None:
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
                    self._guard(task, task.result_received_cb, client_task=client_task, fl_ctx=fl_ctx)
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

    def _guard(self, task: Task, callback: Callable[..., Any], /, **kwargs: Any) -> None:
        """Call a callback of a task; if it raises, the task ends in error, as in FLARE."""
        try:
            callback(**kwargs)
        except Exception as e:
            self._engine.note_exception(e, message=f"a callback of task {task.name!r} failed")
            task.completion_status, task.exception = TaskCompletionStatus.ERROR, e

    def _peer(self, client: Client) -> FLContext:
        return peer_context({}, client.name)

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
