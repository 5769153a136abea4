"""A site of a run: carries out the tasks that the server sends, as FLARE's ClientRunner does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.engines.local.custom import user_traceback
from fedjob.engines.local.external import ExternalRun
from fedjob.engines.local.filtering import apply_filters
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.hub import Hub, Mailbox
from fedjob.engines.local.launch import Launch
from fedjob.engines.local.layout import JOB_ID, app_of
from fedjob.engines.local.link import Arrival, Link, LinkClosed, Message
from fedjob.engines.local.load import LoadedApp, load_client
from fedjob.engines.local.peers import AsksPeers
from fedjob.engines.local.post import Post, peer_context, usual_props
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.script import ScriptRun
from fedjob.engines.local.server import IDENTITY, cause_of
from fedjob.engines.local.wire import freeze, thaw
from fedjob.engines.request import SERVER, RunRequest
from fedjob.errors import FolderError
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import EventType
from fedjob.exchange.exceptions import UnsafeJobError
from fedjob.exchange.fl_context import FLContext, put_private
from fedjob.exchange.keys import FLContextKey, ReservedKey, ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_reply
from fedjob.exchange.signal import Signal
from fedjob.folder.model import App, JobModel

_log = logging.getLogger("fedjob.site")

#: Seconds that a script has to end after the run, as in FLARE.
_PATIENCE = 30.0

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


class _Answer(Exception):
    """The reply to a task that does not get through all of its steps."""

    def __init__(self, rc: str) -> None:
        super().__init__(rc)
        self.rc = rc


def run_site(
    *,
    model: JobModel,
    app_dir: Path,
    site: str,
    link: Link,
    hub: Hub,
    record: Recorder,
    workspace: Path,  # noqa: ARG001 - every party is handed the same
    request: RunRequest,
) -> bool:
    """Run one site's part of a job; True if it came to its end without an error of its own."""
    app = _load(model, app_dir, site, link, record)
    if app is None:
        return False
    post = Post(site, hub, {SERVER: link}, SERVER)
    engine = SiteEngine(
        link=link,
        name=site,
        identity=site,
        app=app,
        app_dir=app_dir,
        hub=hub,
        record=record,
        post=post,
        meta=model.meta.to_dict(),
    )
    post.engine = engine
    engine.seed = request.seed
    return Site(engine, link).run()


def _load(model: JobModel, app_dir: Path, site: str, link: Link, record: Recorder) -> LoadedApp | None:
    name = app_of(model, site)
    app = next((a for a in model.apps if a.name == name), None)
    variables = {
        "JOB_ID": JOB_ID,
        "SITE_NAME": site,
        "WORKSPACE": str(app_dir.parents[1]),
        "SECURE_MODE": "False",
        "JOB_CUSTOM_DIR": str(app_dir / "custom"),
        "JOB_CONFIG_DIR": str(app_dir / "config"),
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


class SiteEngine(AsksPeers, FLEngine):
    """The engine as a site's components see it."""

    def __init__(self, *, link: Link, **fields: Any) -> None:
        super().__init__(**fields)
        self._link = link
        #: The training scripts that executors have started.
        self.scripts: list[ScriptRun | ExternalRun] = []
        self.work: tuple[int | None, str | None] = (None, None)
        self.app_dir: Path = fields["app_dir"]
        #: Where the files of the app come from, if the site has got a folder of its own for a process.
        self.app_source = self.app_dir
        self.seed: int | None = None
        #: Whether the run has ended because something went wrong.
        self.failed = False

    def start_script(self, script: str, args: list[str], config: dict[str, Any]) -> ScriptRun:
        """Start a training script of ``custom/`` beside the executor.

        `script` is looked for below ``custom/`` as FLARE does: the first path that ends in it; an absolute path is
        taken as it is. Raises ValueError if there is none. `config` is what the Client API shows as ``get_config()``.
        """
        run = ScriptRun(self, find_script(Path(self.run_dir), script), args, config)
        self.scripts.append(run)
        run.start()
        return run

    def start_process(self, command: list[str], config: dict[str, Any], **options: Any) -> ExternalRun:
        """Start a training script in a process of its own; `options` are the other fields of `Launch`.

        Raises ValueError if the command cannot be started, or its script does not get to the Client API.
        """
        run = ExternalRun(self, Launch(command=tuple(command), config=config, **options))
        self.scripts.append(run)
        run.start()
        return run

    def abort(self) -> None:
        super().abort()
        for script in self.scripts:
            script.stop()

    def get_clients(self) -> list[Any]:
        raise NotImplementedError("a site does not know the other sites; ask on the server")

    def _default_targets(self) -> list[str]:
        return [SERVER]


def find_script(run_dir: Path, script: str) -> Path:
    """A file below the app's ``custom/`` whose path ends in `script`; ValueError if there is none."""
    if Path(script).is_absolute():
        if Path(script).is_file():
            return Path(script)
        raise ValueError(
            f"the script {script!r} is not on this machine; give it by a relative path to have it travel"
        )
    wanted = Path(script).parts
    for path in sorted(run_dir.glob("app_*/custom/**/*")):
        if path.is_file() and path.parts[-len(wanted) :] == wanted:
            return path
    raise ValueError(f"the script {script!r} is not in the custom folder of the app at {run_dir}")


class Site(FLComponent):
    """Takes tasks one after another until the server ends the run."""

    _EVENTS = frozenset({EventType.FATAL_SYSTEM_ERROR})

    def __init__(self, engine: SiteEngine, link: Link) -> None:
        super().__init__()
        self._engine = engine
        self._link = link
        self._tasks: Mailbox[Message | None] = engine.hub.mailbox()
        self._letters: Mailbox[Arrival] = engine.hub.mailbox()
        self._unread = 0
        self._usual = usual_props(engine.name)
        self._well = True
        self._left = False
        engine.app.handlers.insert(0, self)

    def run(self) -> bool:
        engine = self._engine
        engine.hub.spawn(self._take_letters, name=f"{engine.name} hears the server")
        self._link.hear(self._arrived)
        engine.answer_peers(self._reply)
        with engine.new_context() as fl_ctx:
            fl_ctx.set_prop(ReservedKey.RUN_ABORT_SIGNAL, engine.abort_signal, private=True, sticky=True)
            fl_ctx.set_prop(FLContextKey.CLIENT_NAME, engine.name, private=False, sticky=True)
            self.fire_event(EventType.ABOUT_TO_START_RUN, fl_ctx)
            self.fire_event(EventType.START_RUN, fl_ctx)
        # A script gets to its first call before the first task, as on FLARE, where that takes seconds to come.
        engine.hub.sleep(0)
        while (message := self._tasks.get()) is not None:
            self._answer(message)
        self._end()
        return self._well

    def _arrived(self, message: Arrival) -> None:
        """A task goes its way at once, unless something that came before it is still to be read."""
        if not self._unread and isinstance(message, Message) and message.kind == "task":
            self._tasks.put(message)
        else:
            self._unread += 1
            self._letters.put(message)

    def _take_letters(self) -> None:
        """Read what is not a task, until the run is over."""
        while True:
            message = self._letters.get()
            self._unread -= 1
            if isinstance(message, LinkClosed) or message.kind == "end":
                self._engine.failed = isinstance(message, LinkClosed) or message.headers.get("aborted", False)
                self._engine.abort()
                self._tasks.put(None)
                return
            if message.kind == "task":
                self._tasks.put(message)
            else:
                self._engine.post.take(message)

    def _end(self) -> None:
        engine = self._engine
        with engine.new_context() as fl_ctx:
            self.fire_event(EventType.ABOUT_TO_END_RUN, fl_ctx)
            self.fire_event(EventType.CHECK_END_RUN_READINESS, fl_ctx)
            for script in engine.scripts:
                script.join(_PATIENCE)
            self.fire_event(EventType.END_RUN, fl_ctx)
            for _, executor in engine.app.executors:
                executor.finalize(fl_ctx)
        engine.record.emit("traffic", site=engine.name, sent=self._link.sent, received=self._link.received)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.FATAL_SYSTEM_ERROR:
            reason = str(fl_ctx.get_prop(FLContextKey.EVENT_DATA, ""))
            self._report("panic", reason)
            self._leave()

    def _leave(self) -> None:
        """A panic ends this site; the server goes on without it if it can, as in FLARE."""
        self._left = True
        self._engine.abort()
        self._tasks.put(None)

    # One task.

    def _answer(self, message: Message) -> None:
        engine = self._engine
        assert message.body is not None
        data, public = thaw(message.body)
        headers = data[ReservedHeaderKey.HEADERS]
        task_id = headers[ReservedHeaderKey.TASK_ID] = message.headers["id"]
        task = headers[ReservedHeaderKey.TASK_NAME]
        number = headers.get(AppConstants.CURRENT_ROUND)
        engine.work = (number, task)
        engine.record.at(engine.name, number, task)
        fl_ctx = engine.new_context()
        fl_ctx.set_peer_context(peer_context(public, IDENTITY))
        reply = self._reply(task, task_id, data, fl_ctx)
        if self._left:
            return
        jar = data.get_cookie_jar()
        if jar:
            reply.set_cookie_jar(jar)
        reply.set_header(ReservedHeaderKey.TASK_NAME, task)
        reply.set_header(ReservedHeaderKey.TASK_ID, task_id)
        if number is not None and reply.get_header(AppConstants.CURRENT_ROUND) is None:
            reply.set_header(AppConstants.CURRENT_ROUND, number)
        self._fire(EventType.BEFORE_SEND_TASK_RESULT, fl_ctx)
        self._send(reply, task, task_id, fl_ctx)
        self._fire(EventType.AFTER_SEND_TASK_RESULT, fl_ctx)

    def _fire(self, event_type: str, fl_ctx: FLContext) -> None:
        """`fire_event` for the dozen events of each task."""
        put_private(fl_ctx, {FLContextKey.EVENT_ORIGIN: self._name})
        self._engine.fire_event(event_type, fl_ctx)

    def _send(self, reply: Shareable, task: str, task_id: str, fl_ctx: FLContext) -> None:
        public: dict[str, Any] | None = fl_ctx.get_all_public_props()
        if public == self._usual:
            public = None
        try:
            body = freeze((reply, public))
        except Exception as e:
            self._note(e, "the result cannot travel to the server")
            reply = make_reply(ReturnCode.EXECUTION_RESULT_ERROR)
            body = freeze((reply, public))
        rc = reply.get_return_code(default=ReturnCode.OK)
        headers = {"id": task_id, "task": task, "rc": rc}
        self._link.send(Message(kind="reply", headers=headers, body=body))

    def _reply(self, task: str, task_id: str, data: Shareable, fl_ctx: FLContext) -> Shareable:
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
            self._fire(EventType.BEFORE_TASK_EXECUTION, fl_ctx)
            reply = self._execute(executor, task, data, fl_ctx, signal)
            self._fire(EventType.AFTER_TASK_EXECUTION, fl_ctx)
            return self._filtered("result", task, reply, fl_ctx, signal)
        except _Answer as answer:
            return make_reply(answer.rc)

    def _executor(self, task: str) -> Any:
        executor = self._engine.app.executor_for(task)
        if executor is None:
            handled = [t for tasks, _ in self._engine.app.executors for t in tasks]
            self._report("config", f"no executor handles task {task!r}; the app's executors handle {handled}")
            raise _Answer(ReturnCode.TASK_UNKNOWN)
        return executor

    def _filtered(
        self, kind: str, task: str, passing: Shareable, fl_ctx: FLContext, signal: Signal
    ) -> Shareable:
        """Task data on its way in, or a result on its way out, after the site's filters."""
        way, before, after, key, failed = _PASSAGES[kind]
        self._fire(before, fl_ctx)
        filters = self._engine.app.filters.get((task, kind, way))
        if filters:
            try:
                passing = apply_filters(filters, passing, fl_ctx)
            except UnsafeJobError as e:
                raise self._unsafe(e) from e
            except Exception as e:
                if signal.triggered:
                    raise _Answer(ReturnCode.TASK_ABORTED) from e
                self._note(e, f"a {kind} filter of task {task!r} failed")
                raise _Answer(failed) from e
        put_private(fl_ctx, {key: passing})
        self._fire(after, fl_ctx)
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
                raise _Answer(ReturnCode.TASK_ABORTED) from e
            self._note(e, f"{name}.execute() failed")
            runtime = isinstance(e, RuntimeError)
            raise _Answer(
                ReturnCode.EXECUTION_RESULT_ERROR if runtime else ReturnCode.EXECUTION_EXCEPTION
            ) from e
        finally:
            put_private(fl_ctx, {FLContextKey.TASK_DATA: None})
        if signal.triggered:
            raise _Answer(ReturnCode.TASK_ABORTED)
        if not isinstance(reply, Shareable):
            self._report(
                "bad_result",
                f"{name}.execute() must return a Shareable, but it returned {type(reply).__name__}",
            )
            raise _Answer(ReturnCode.EXECUTION_RESULT_ERROR)
        put_private(fl_ctx, {FLContextKey.TASK_RESULT: reply})
        return reply

    def _unsafe(self, error: Exception) -> _Answer:
        self._note(error, "the job was declared unsafe")
        self._engine.abort()
        return _Answer(ReturnCode.UNSAFE_JOB)

    def _note(self, error: BaseException, what: str) -> None:
        kind = "missing_module" if isinstance(error, ModuleNotFoundError) else "exception"
        self._report(kind, f"{what}: {type(error).__name__}: {error}", user_traceback(error))

    def _report(self, kind: str, message: str, traceback: str | None = None) -> None:
        self._well = False
        number, task = self._engine.work
        self._engine.record.error(
            site=self._engine.name, round=number, task=task, kind=kind, message=message, traceback=traceback
        )
