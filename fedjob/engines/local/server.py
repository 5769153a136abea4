"""The server of a run: starts the workflows one after another and ends the run, as FLARE's ServerRunner does."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.engines.artifacts import saved_models
from fedjob.engines.local.board import Board
from fedjob.engines.local.communicator import Communicator
from fedjob.engines.local.delivery import Delivery
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.hub import Hub, Mailbox, Strand
from fedjob.engines.local.layout import JOB_ID
from fedjob.engines.local.link import Arrival, Link, LinkClosed, Message, send_to_all
from fedjob.engines.local.load import LoadedApp, load_server
from fedjob.engines.local.plain_result import Body
from fedjob.engines.local.post import LETTERS, Post
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.watch import Watch
from fedjob.engines.request import SERVER, RunRequest
from fedjob.errors import FolderError
from fedjob.exchange.client import Client
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReservedKey
from fedjob.flare import names, paths
from fedjob.folder.model import App, JobModel

_log = logging.getLogger("fedjob.server")

#: What the server of FLARE's simulator calls itself in contexts.
IDENTITY = "simulator_server"
#: Seconds that sites have to end after the last workflow, as FLARE gives its scripts.
_PATIENCE = 30.0


def run_server(
    *,
    model: JobModel,
    app: App | None,
    app_dir: str,
    sites: tuple[str, ...],
    links: Mapping[str, Link],
    hub: Hub,
    record: Recorder,
    workspace: Path,
    request: RunRequest,
) -> bool:
    """Run the server's part of a job; True if no workflow panicked and no site was lost on the way."""
    loaded = _load(app, app_dir, record)
    try:
        if loaded is None:
            return False
        post = Post(SERVER, hub, links, SERVER)
        engine = ServerEngine(
            clients=[Client(name, f"token-{name}") for name in sites],
            name=SERVER,
            identity=IDENTITY,
            app=loaded,
            app_dir=app_dir,
            hub=hub,
            record=record,
            post=post,
            meta=model.meta.to_dict(),
        )
        post.engine = engine
        server = Server(engine, model, links, request.threads)
        return server.run(workspace)
    finally:
        for link in links.values():
            if not link.closed:
                link.send(Message(kind="end"))


def _load(app: App | None, app_dir: str, record: Recorder) -> LoadedApp | None:
    variables = {
        "JOB_ID": JOB_ID,
        "SITE_NAME": SERVER,
        "WORKSPACE": str(Path(app_dir).parents[1]),
        "SECURE_MODE": "False",
        "JOB_CUSTOM_DIR": f"{app_dir}/custom",
    }
    if app is None:
        record.error(site=SERVER, kind="config", message="no app is deployed to the server")
        return None
    try:
        return load_server(app, variables)
    except FolderError as e:
        record.error(site=SERVER, kind="config", message=str(e), traceback=cause_of(e))
        return None


def cause_of(error: BaseException) -> str | None:
    """The traceback of the user code's exception behind an error of ours, if there is one."""
    from fedjob.engines.local.custom import user_traceback

    return user_traceback(error.__cause__) if error.__cause__ is not None else None


class ServerEngine(FLEngine):
    """The engine as the server's components see it."""

    def __init__(self, *, clients: list[Client], **fields: Any) -> None:
        super().__init__(**fields)
        self._clients = {c.name: c for c in clients}

    def get_clients(self) -> list[Client]:
        """The sites of the run, in registration order."""
        return list(self._clients.values())

    def get_participating_clients(self) -> dict[str, Client]:
        return {c.token: c for c in self._clients.values()}

    def get_client_from_name(self, client_name: str) -> Client | None:
        return self._clients.get(client_name)

    def validate_targets(self, target_names: list[str]) -> tuple[list[Client], list[str]]:
        """The known sites among the names, and the names that are none."""
        known = [self._clients[n] for n in target_names if n in self._clients]
        return known, [n for n in target_names if n not in self._clients]

    def _default_targets(self) -> list[str]:
        return list(self._clients)


class Server(FLComponent):
    """Runs the workflows; also the first listener of the server, which stops the run on a panic."""

    _EVENTS = frozenset({EventType.FATAL_SYSTEM_ERROR})

    def __init__(
        self, engine: ServerEngine, model: JobModel, links: Mapping[str, Link], threads: int | None
    ) -> None:
        super().__init__()
        self._threads = threads
        self._engine = engine
        self._meta = model.meta
        self._links = links
        self._letters: Mailbox[Message | None] = engine.hub.mailbox()
        self._answers: Mailbox[tuple[str, Arrival] | None] = engine.hub.mailbox()
        #: Whether the board is to be looked at, and the strand that does it knows.
        self._called = False
        self._here = dict.fromkeys(links)
        self._ending = False
        self._failed = False
        self._board: Board | None = None
        self._watch = Watch(engine.record, [client.name for client in engine.get_clients()])
        handlers = engine.app.handlers
        handlers.insert(0, self)
        writer = names.load(paths.METRICS_WRITER)
        self._writers = [h for h in handlers if isinstance(h, writer)]
        if not self._writers:
            # Also for a job that does not ask for them: where FLARE 2.9 looks for metrics, they are.
            self._writers.append(writer())
            handlers.extend(self._writers)
        handlers.append(self._watch)

    def run(self, workspace: Path) -> bool:
        engine = self._engine
        for site, link in self._links.items():
            link.hear(partial(self._arrived, site), self._replied)
        reading = engine.hub.spawn(self._take_letters, name="server reads letters")
        hearing = engine.hub.spawn(self._take_answers, name="server hears sites")
        with engine.new_context() as fl_ctx:
            fl_ctx.set_prop(ReservedKey.RUN_ABORT_SIGNAL, engine.abort_signal, private=True, sticky=True)
            self.fire_event(EventType.START_RUN, fl_ctx)
        for workflow_id, controller in engine.app.workflows.items():
            self._run_workflow(workflow_id, controller)
            if engine.abort_signal.triggered:
                break
        self._end(hearing, reading)
        for kind, path in saved_models(workspace):
            engine.record.emit("model", kind=kind, path=path)
        return not self._failed

    def _run_workflow(self, workflow_id: str, controller: Any) -> None:
        engine = self._engine
        delivery = Delivery(engine, self._links, self._watch, workflow_id)
        self._board = Board(engine, engine.get_clients(), delivery, self._watch, self._threads)
        for site in set(self._links) - set(self._here):
            self._board.lose(site)
        communicator = Communicator(self._board, engine.hub, list(self._links))
        controller.set_communicator(communicator)
        try:
            with engine.new_context() as fl_ctx:
                fl_ctx.set_prop(FLContextKey.WORKFLOW, workflow_id, sticky=True)
                controller.initialize(fl_ctx)
                self.fire_event(EventType.START_WORKFLOW, fl_ctx)
            with engine.new_context() as fl_ctx:
                controller.control_flow(engine.abort_signal, fl_ctx)
        except Exception as e:
            engine.note_exception(e, message=f"workflow {workflow_id!r} failed", fatal=True)
            with engine.new_context() as fl_ctx:
                self.system_panic(f"workflow {workflow_id!r} failed: {type(e).__name__}: {e}", fl_ctx)
        finally:
            with engine.new_context() as fl_ctx:
                try:
                    controller.stop_controller(fl_ctx)
                except Exception as e:
                    engine.note_exception(e, message=f"workflow {workflow_id!r} failed to stop")
                communicator.cancel_all_tasks()
                self.fire_event(EventType.END_WORKFLOW, fl_ctx)

    def _end(self, hearing: Strand, reading: Strand) -> None:
        self._ending = True
        with self._engine.new_context() as fl_ctx:
            self.fire_event(EventType.ABOUT_TO_END_RUN, fl_ctx)
            message = Message(kind="end", headers={"aborted": self._failed})
            send_to_all(self._links.values(), message)
            self._catch_up()
            if not self._failed:
                self._hear_out(hearing, reading)
            self.fire_event(EventType.CHECK_END_RUN_READINESS, fl_ctx)
            self.fire_event(EventType.END_RUN, fl_ctx)

    def _catch_up(self) -> None:
        """Write, while the sites end, what nobody has to see before."""
        for writer in self._writers:
            try:
                writer.write_waiting()
            except Exception as e:
                self._engine.note_exception(e, message=f"{type(writer).__name__} failed")

    def _hear_out(self, hearing: Strand, reading: Strand) -> None:
        """What sites still have to say (events, logged values) is dealt with before END_RUN."""
        with contextlib.suppress(TimeoutError):  # the supervisor sees to sites that do not end.
            hearing.join(_PATIENCE)
            self._letters.put(None)
            reading.join(_PATIENCE)
            self._engine.post.settle(_PATIENCE)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.FATAL_SYSTEM_ERROR:
            reason = fl_ctx.get_prop(FLContextKey.EVENT_DATA, "")
            fl_ctx.set_prop(FLContextKey.FATAL_SYSTEM_ERROR, True, private=True, sticky=True)
            self._fail(str(reason))

    def _fail(self, reason: str) -> None:
        if not self._failed:  # what follows from a panic is no news.
            self._engine.record.error(site=SERVER, kind="panic", message=reason)
        self._failed = True
        self._engine.abort()

    def _arrived(self, site: str, message: Arrival) -> None:
        """Replies go to the board at once, which looks at them when all that has come with them is there."""
        if self._ending and isinstance(message, LinkClosed) and len(self._here) > 1:
            self._here.pop(site, None)  # of thousands that end as they should only the last one is news.
        elif not isinstance(message, Message) or message.kind == "failed":
            self._answers.put((site, message))
        elif message.kind in LETTERS:
            self._letters.put(message)
        else:
            self._replied(message.headers, [(site, message.body)])

    def _replied(self, headers: Mapping[str, Any], replies: Iterable[tuple[str, Body | None]]) -> None:
        if self._board is not None:
            self._guarded(self._board.take_replies, headers["task"], headers["rc"], replies)
            if not self._called:
                self._called = True
                self._answers.put(None)

    def _take_letters(self) -> None:
        """Letters do not wait for answers: a callback that is at work on an answer may wait for a letter."""
        while (letter := self._letters.get()) is not None:
            self._engine.post.take(letter)

    def _take_answers(self) -> None:
        """Hear the sites until all have gone, what has come together at once."""
        while self._here:
            arrived = [self._answers.get()]
            while len(self._answers):
                arrived.append(self._answers.get())
            self._called = False
            for each in filter(None, arrived):
                self._guarded(self._hear, *each)
            if self._board is not None:
                self._guarded(self._board.look)

    def _guarded(self, call: Callable[..., None], *args: Any) -> None:
        """A fault of ours on the way must not leave the run waiting."""
        try:
            call(*args)
        except Exception as e:
            what = "what a site has sent could not be dealt with"
            self._engine.note_exception(e, message=what, fatal=True)
            self._fail(f"{what}: {type(e).__name__}: {e}")

    def _hear(self, site: str, message: Arrival) -> None:
        if isinstance(message, LinkClosed):
            self._lose(site)
        else:
            self._fail(f"{site} could not go on: {message.headers['reason']}")

    def _lose(self, site: str) -> None:
        """A site's link is closed: it has ended with the run, or it died."""
        self._here.pop(site, None)
        if self._ending:
            return
        if len(self._here) < self._meta.min_clients:
            self._fail(
                f"{site} was lost: {len(self._here)} sites are left, min_clients is {self._meta.min_clients}"
            )
        elif site in (self._meta.mandatory_clients or ()):
            self._fail(f"{site} was lost, and it is a mandatory client")
        if self._board is not None:
            self._board.lose(site)
