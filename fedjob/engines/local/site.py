"""A site of a run: carries out the tasks that the server sends, as FLARE's ClientRunner does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedjob.components.roles import Executor
from fedjob.engines.local.hub import Hub, Mailbox
from fedjob.engines.local.lane import Lane, id_of, opened
from fedjob.engines.local.layout import JOB_ID
from fedjob.engines.local.link import REPLY, Arrival, Link, LinkClosed, Message
from fedjob.engines.local.load import LoadedApp, load_client
from fedjob.engines.local.plain_result import Body
from fedjob.engines.local.post import Post, peer_context, usual_props
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.reply import Told, label, reply_headers, taken_apart, told_by
from fedjob.engines.local.server import IDENTITY, cause_of
from fedjob.engines.local.site_engine import SiteEngine
from fedjob.engines.local.task_runner import TaskRunner
from fedjob.engines.local.wire import freeze
from fedjob.engines.request import SERVER, RunRequest
from fedjob.errors import FolderError
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply
from fedjob.folder.model import App, JobModel

_log = logging.getLogger("fedjob.site")

#: The events of the end of a run.
_AT_THE_END = (EventType.ABOUT_TO_END_RUN, EventType.CHECK_END_RUN_READINESS, EventType.END_RUN)

#: Seconds that a script has to end after the run, as in FLARE.
_PATIENCE = 30.0


def run_site(
    *,
    model: JobModel,
    app: App | None,
    app_dir: str,
    site: str,
    link: Link,
    hub: Hub,
    record: Recorder,
    workspace: Path,  # noqa: ARG001 - every party is handed the same
    request: RunRequest,
) -> bool | Site:
    """Run one site's part of a job; True if it came to its end without an error of its own, the site if it rests."""
    loaded = _load(app, app_dir, site, link, record)
    if loaded is None:
        return False
    post = Post(site, hub, {SERVER: link}, SERVER)
    engine = SiteEngine(
        link=link,
        name=site,
        identity=site,
        app=loaded,
        app_dir=app_dir,
        hub=hub,
        record=record,
        post=post,
        meta=model.meta.to_dict(),
        public={FLContextKey.CLIENT_NAME: site},
    )
    post.engine = engine
    engine.seed = request.seed
    return Site(engine, link).run()


def _load(app: App | None, app_dir: str, site: str, link: Link, record: Recorder) -> LoadedApp | None:
    variables = {
        "JOB_ID": JOB_ID,
        "SITE_NAME": site,
        "WORKSPACE": app_dir.rsplit("/", 2)[0],
        "SECURE_MODE": "False",
        "JOB_CUSTOM_DIR": f"{app_dir}/custom",
        "JOB_CONFIG_DIR": f"{app_dir}/config",
        "ROOT_URL": "local",
        "CP_URL": "local",
        "RELAY_URL": "local",
    }
    try:
        return load_client(_required(app, site), variables)
    except FolderError as e:
        record.error(site=site, kind="config", message=str(e), traceback=cause_of(e))
        link.send(Message(kind="failed", headers={"reason": str(e)}))
        return None


def _required(app: App | None, site: str) -> App:
    if app is None:
        raise FolderError(f"no app is deployed to {site!r}", place="meta.json: deploy_map")
    return app


class Site(TaskRunner):
    """Takes tasks one after another until the server ends the run."""

    _EVENTS = frozenset({EventType.FATAL_SYSTEM_ERROR})

    def __init__(self, engine: SiteEngine, link: Link) -> None:
        super().__init__(engine)
        self._link = link
        self._tasks: Mailbox[Message | None] = engine.hub.mailbox()
        #: While the site rests, has it go on.
        self._go_on: Callable[[Callable[[], bool | Site]], None] | None = None
        self._letters: Mailbox[Arrival] = engine.hub.mailbox()
        self._unread = 0
        self._over = False
        self.usual = usual_props(engine.name)
        self._busy = False
        self._lane = Lane(engine, self, link)
        self._left = False
        engine.app.handlers.insert(0, self)

    def run(self) -> bool | Site:
        """Begin; then the site waits for tasks."""
        engine = self._engine
        self._link.hear(self._arrived)
        engine.answer_peers(self.reply)
        with engine.new_context() as fl_ctx:
            self.fire(EventType.ABOUT_TO_START_RUN, fl_ctx)
            self.fire(EventType.START_RUN, fl_ctx)
        if len(self._tasks):
            # A script gets to its first call before the first task, as on FLARE, where that takes seconds to come.
            engine.hub.sleep(0)
            for message in [self._tasks.get() for _ in range(len(self._tasks))]:
                if message is None or not self._lane.take(message):
                    self._tasks.put(message)
        engine.rest()
        return self._work()

    def _work(self) -> bool | Site:
        """Do what there is to do."""
        while len(self._tasks):
            message = self._tasks.get()
            if message is None:
                self._end()
                return self.well
            self._answer(message)
        return self

    def rest(self, go_on: Callable[[Callable[[], bool | Site]], None]) -> None:
        self._go_on = go_on

    def put(self, message: Message | None) -> None:
        """Have a task done the long way, or, for None, the site end."""
        self._tasks.put(message)
        if self._go_on is not None:
            go_on, self._go_on = self._go_on, None
            go_on(self._work)

    def _arrived(self, message: Arrival) -> None:
        """A task goes its way at once, unless something that came before it is still to be read."""
        if not self._unread and type(message) is Message and message.kind == "task":
            if self._busy or self._tasks.items or not self._lane.take(message):
                self.put(message)
        elif not self._over:
            if not self._unread and _is_end(message) and self._engine.only_scripts():
                self._leave_run(message)
                return
            if not self._unread:
                # Only now: a strand that waits takes memory, and of thousands of sites few ever get letters.
                name = f"{self._engine.name} hears the server"
                self._engine.hub.spawn(self._take_letters, name=name, context=self._engine.context)
            self._unread += 1
            self._letters.put(message)

    def _take_letters(self) -> None:
        """Read what is not a task, and tasks that came after it."""
        while self._unread:
            message = self._letters.get()
            self._unread -= 1
            if _is_end(message):
                self._leave_run(message)
                return
            assert isinstance(message, Message)
            if message.kind == "task":
                self.put(message)
            else:
                self._engine.post.take(message)

    def _leave_run(self, message: Arrival) -> None:
        """The run is over, or the server is gone."""
        self._engine.failed = isinstance(message, LinkClosed) or message.headers.get("aborted", False)
        self._engine.abort()
        self.put(None)
        self._over = True

    def _end(self) -> None:
        engine = self._engine
        executors = [executor for _, executor in engine.app.executors]
        # Thousands of sites have nothing that would look at a context any more.
        silent = all(getattr(type(e), "finalize", None) is Executor.finalize for e in executors)
        fl_ctx = None if silent and not engine.hears(_AT_THE_END) else engine.new_context()
        if fl_ctx is not None:
            self.fire(EventType.ABOUT_TO_END_RUN, fl_ctx)
            self.fire(EventType.CHECK_END_RUN_READINESS, fl_ctx)
        for script in engine.scripts:
            script.join(_PATIENCE)
        if fl_ctx is not None:
            self.fire(EventType.END_RUN, fl_ctx)
            for executor in executors:
                executor.finalize(fl_ctx)
        traffic = {"sent": self._link.sent, "received": self._link.received}
        engine.record.emit_of_site("traffic", site=engine.name, **traffic)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.FATAL_SYSTEM_ERROR:
            reason = str(fl_ctx.get_prop(FLContextKey.EVENT_DATA, ""))
            self.report("panic", reason)
            self._leave()

    def _leave(self) -> None:
        """A panic ends this site; the server goes on without it if it can, as in FLARE."""
        self._left = True
        self._engine.abort()
        self.put(None)

    # One task.

    def _answer(self, message: Message) -> None:
        self._busy = True
        engine = self._engine
        data, public = opened(message)
        task, number = message.headers["task"], data.get_header(AppConstants.CURRENT_ROUND)
        engine.at_work(number, task)
        fl_ctx = engine.new_context()
        fl_ctx.set_peer_context(peer_context(public, IDENTITY))
        told = None if "own" in message.headers else told_by(data[ReservedHeaderKey.HEADERS])
        reply = self.reply(task, id_of(message), data, fl_ctx)
        if self._left:
            return
        self.fire(EventType.BEFORE_SEND_TASK_RESULT, fl_ctx)
        self.finish(reply, data, message, fl_ctx.get_all_public_props(), told)
        self.fire(EventType.AFTER_SEND_TASK_RESULT, fl_ctx)
        self._busy = False

    def finish(
        self,
        reply: Shareable,
        data: Shareable,
        message: Message,
        public: dict[str, Any] | None,
        told: Told | None = None,
    ) -> None:
        """Send the reply to the task that came as `message`; `told` is what came with it, if the server knows that."""
        if public == self.usual:
            public = None
        body: Body | None = None
        if told is not None and public is None and told == told_by(data.get(ReservedHeaderKey.HEADERS) or {}):
            body = taken_apart(reply, told[0])
        label(reply, data, message.headers["task"], id_of(message))
        if body is None:
            try:
                body = freeze((reply, public))
            except Exception as e:
                self.note(e, "the result cannot travel to the server")
                reply = make_reply(ReturnCode.EXECUTION_RESULT_ERROR)
                body = freeze((reply, public))
        headers = reply_headers(message.headers["task"], reply.get_return_code(default=ReturnCode.OK))
        self._link.send(Message(kind=REPLY, headers=headers, body=body))


def _is_end(message: Arrival) -> bool:
    return isinstance(message, LinkClosed) or message.kind == "end"
