"""The engine as components see it: contexts, events, components by id, messages to the other side."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fedjob.components.roles import FLComponent, ears_of, listening, listens, named_events
from fedjob.engines.local.custom import user_traceback
from fedjob.engines.local.hub import Hub, running
from fedjob.engines.local.layout import JOB_ID
from fedjob.engines.local.load import LoadedApp, build_component
from fedjob.engines.local.post import Post
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.streamer import CarriesStreams
from fedjob.exchange.client import Client
from fedjob.exchange.fl_context import MASK_PRIVATE, FLContext, FLContextManager, M, V
from fedjob.exchange.keys import FLContextKey, ReservedKey
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal
from fedjob.exchange.workspace import Workspace

_log = logging.getLogger("fedjob.engine")

#: What a thread sets while what is public is being found out is not forgotten over it.
_public_lock = threading.RLock()


class FLEngine(CarriesStreams):
    """What ``fl_ctx.get_engine()`` returns, on the server and at a site."""

    def __init__(
        self,
        *,
        name: str,
        identity: str,
        app: LoadedApp,
        app_dir: str,
        hub: Hub,
        record: Recorder,
        post: Post,
        meta: Mapping[str, Any],
        public: Mapping[str, Any] | None = None,
    ) -> None:
        """`public` are sticky props that the other side gets to see."""
        self.name = name
        self.app = app
        self.hub = hub
        strand = running()
        self.context = strand.context if strand is not None else None
        self.record = record
        self.post = post
        self.job_id = JOB_ID
        self.abort_signal = Signal()
        #: Who listens to an event, and the handlers (and how many registrations) of when that was found out.
        self._heard: dict[str, tuple[Any, ...]] = {}
        self._heard_any: dict[tuple[str, ...], bool] = {}
        self._handlers: list[Any] = []
        self._ears: tuple[Any, ...] | None = None
        #: The handlers that name events themselves, and which they named.
        self._named: list[tuple[Any, tuple[str, ...] | None]] = []
        self._registrations = -1
        #: What is public in a new context, if that is known.
        self.public: dict[str, Any] | None = None
        self._app_dir = app_dir
        root = app_dir.rsplit("/", 2)[0]
        # FLARE's `<root>/<job>/app_<name>` is `<ws>/<name>/simulate_job/app_<name>` here as there.
        self._workspace = Workspace._to_be_made(root, name)
        self._manager = FLContextManager(
            engine=self,
            identity_name=identity,
            job_id=JOB_ID,
            public_stickers=public,
            private_stickers={
                FLContextKey.WORKSPACE_OBJECT: self._workspace,
                FLContextKey.WORKSPACE_ROOT: root,
                FLContextKey.APP_ROOT: self._app_dir,
                FLContextKey.CURRENT_RUN: JOB_ID,
                FLContextKey.CURRENT_JOB_ID: JOB_ID,
                FLContextKey.JOB_META: dict(meta),
                FLContextKey.SECURE_MODE: False,
                ReservedKey.RUN_ABORT_SIGNAL: self.abort_signal,
            },
        )
        self._manager.after_change = self._forget_public
        self._expect_threads()

    @property
    def app_dir(self) -> Path:
        """The app of this party in its workspace."""
        return Path(self._app_dir)

    @property
    def run_dir(self) -> Path:
        """The directory of the run in this party's workspace."""
        return self.app_dir.parent

    def new_context(self) -> FLContext:
        return self._manager.new_context()

    def get_workspace(self) -> Workspace:
        return self._workspace

    def get_component(self, component_id: str) -> Any:
        """The component of that id, workflows included; None if there is none."""
        return self.app.components.get(component_id)

    def get_all_components(self) -> dict[str, Any]:
        return self.app.components

    def add_component(self, component_id: str, component: Any) -> None:
        """Add a component while the run is on; ValueError for an id in use."""
        if component_id in self.app.components:
            raise ValueError(f"duplicate component id {component_id!r}")
        self.app.components[component_id] = component
        if hasattr(component, "handle_event"):
            self.app.handlers.append(component)

    def build_component(self, config_dict: Mapping[str, Any]) -> Any:
        """Build an object from ``{"path", "args"}``; a component built so takes events as well."""
        return build_component(config_dict, f"{self.name}: build_component()", self.app.handlers)

    def persist_components(self, fl_ctx: FLContext, completed: bool) -> None:
        """Nothing to do: a run here is never resumed."""

    def fire_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Call all handlers. One that raises is put on record; the others go on, and so does the run."""
        fl_ctx.props[FLContextKey.EVENT_ID] = {V: event_type, M: MASK_PRIVATE}
        for handler in self.listeners(event_type):
            try:
                self._call(handler, event_type, fl_ctx)
            except Exception as e:
                _log.exception("%s failed on event %s", type(handler).__name__, event_type)
                self.note_exception(e, message=f"{type(handler).__name__} failed on event {event_type}")

    def listeners(self, event_type: str) -> tuple[Any, ...]:
        """The handlers to which the event may mean anything, in order; remembered while nothing changes."""
        self._look_at_handlers()
        found = self._heard.get(event_type)
        if found is None:
            found = self._heard[event_type] = self._listeners((event_type,))
        return found

    def _look_at_handlers(self) -> None:
        """Forget who listens to what if that may have changed."""
        handlers, registrations = self.app.handlers, FLComponent._registrations
        if (
            registrations != self._registrations
            or handlers != self._handlers
            or (self._named and any(named_events(handler) != named for handler, named in self._named))
        ):
            self._heard.clear()
            self._heard_any.clear()
            self._registrations, self._handlers = registrations, handlers.copy()
            self._ears = ears_of(handlers)
            self._named = [(h, named_events(h)) for h in handlers if getattr(type(h), "_EVENTS_IN", "")]

    def hears(self, event_types: tuple[str, ...]) -> bool:
        """Whether any of the events has a listener."""
        # Asked for each task of each site: nothing is called where nothing has changed.
        if (
            FLComponent._registrations != self._registrations
            or self.app.handlers != self._handlers
            or self._named
        ):
            self._look_at_handlers()
        found = self._heard_any.get(event_types)
        if found is None:
            found = self._heard_any[event_types] = bool(self._listeners(event_types))
        return found

    def _listeners(self, event_types: tuple[str, ...]) -> tuple[Any, ...]:
        if self._ears is None:
            return tuple([h for h in self._handlers if listens(h, *event_types)])
        # Thousands of sites have handlers of the same classes.
        return tuple([self._handlers[place] for place in listening(self._ears, *event_types)])

    def public_props(self) -> dict[str, Any]:
        """What is public in a new context; the same dict while nothing changes."""
        if (found := self.public) is None:
            with _public_lock:
                found = self.public = self._manager._public_props()
        return found

    def _forget_public(self) -> None:
        with _public_lock:
            self.public = None

    def rest(self) -> None:
        """Hold no more than is needed while little happens here."""
        self.public_props()  # which are asked for with each task.
        self._manager._rest()

    @staticmethod
    def _call(handler: Any, event_type: str, fl_ctx: FLContext) -> None:
        registered = handler.get_event_handlers().get(event_type, ())
        for function, kwargs in registered:
            function(event_type, fl_ctx, **kwargs)
        handler.handle_event(event_type, fl_ctx)

    def note_exception(
        self, error: BaseException, *, site: str | None = None, message: str = "", fatal: bool = False
    ) -> None:
        """Put an exception that FLARE would only log on record, so that the run's result is not ok."""
        text = f"{type(error).__name__}: {error}"
        self.record.error(
            site=site or self.name,
            kind="exception",
            message=f"{message}: {text}" if message else text,
            traceback=user_traceback(error),
            fatal=fatal,
        )

    def now(self) -> float:
        """Seconds on the run's clock."""
        return self.hub.now()

    def poll(self, seconds: float) -> None:
        """Wait, but no longer than until something has happened here."""
        self.hub.poll(seconds)

    def spawn(self, function: Callable[..., Any], *args: Any, name: str) -> None:
        """Call `function` beside all else."""
        self.hub.spawn(function, *args, name=name)

    def system_panic(self, reason: str, fl_ctx: FLContext) -> None:
        """End the run, as a component that panics does."""
        FLComponent().system_panic(reason, fl_ctx)

    def abort(self) -> None:
        """Ask everything of this party to end."""
        self.abort_signal.trigger(True)

    # Messages to the other side.

    def register_aux_message_handler(self, topic: str, message_handle_func: Any) -> None:
        """Have `message_handle_func(topic, request, fl_ctx) -> Shareable` answer requests on `topic`."""
        self.post.handlers[topic] = message_handle_func

    def send_aux_request(
        self,
        targets: Any,
        topic: str,
        request: Shareable,
        timeout: float,
        fl_ctx: FLContext,
        optional: bool = False,
        secure: bool = False,
    ) -> dict[str, Shareable]:
        """Ask `targets` and wait for their replies, by name; one that does not answer in time says so in its return code."""
        replies: dict[str, Shareable] = self.in_run(
            self.post.request, self._targets(targets), topic, request, timeout, fl_ctx
        )
        return replies

    def fire_and_forget_aux_request(
        self,
        topic: str,
        request: Shareable,
        fl_ctx: FLContext,
        targets: Any = None,
        optional: bool = False,
        secure: bool = False,
    ) -> None:
        self.post.request(self._targets(targets), topic, request, 0, fl_ctx)

    def send_fed_event(self, event_type: str, data: Shareable, fl_ctx: FLContext, targets: Any) -> None:
        self.post.send_event(self._targets(targets), event_type, data, fl_ctx)

    def _targets(self, targets: Any) -> list[str]:
        names = [targets] if isinstance(targets, str) else targets or self._default_targets()
        return [t.name if isinstance(t, Client) else t for t in names]

    def _default_targets(self) -> list[str]:
        raise NotImplementedError
