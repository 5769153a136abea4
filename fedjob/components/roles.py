"""What a component can be: the roles that FLARE's runtime and FedJob know.

The classes answer ``nvflare.apis.fl_component.FLComponent``, ``...executor.Executor``,
``...filter.Filter`` and ``nvflare.widgets.widget.Widget``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import EventScope, FedEventHeader, FLContextKey, LogMessageTag
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class StatePersistable:
    """A component whose state FLARE can save and restore."""

    def get_persist_state(self, fl_ctx: FLContext) -> dict[str, Any]:
        """The state to save; nothing by default."""
        return {}

    def restore(self, state_data: dict[str, Any], fl_ctx: FLContext) -> None:
        """Take back what `get_persist_state` gave."""


class FLComponent(StatePersistable):
    """A component that takes part in the events of a run.

    `name` is read-only (the class name), as in FLARE: ``self.name = ...`` raises AttributeError.
    """

    #: What `handle_event` looks at, see `listens`; and the attribute in which an instance names others, if it does.
    _EVENTS: ClassVar[frozenset[str]] = frozenset()
    _EVENTS_IN: ClassVar[str] = ""
    #: How often any component has registered a handler: whoever remembers who listens looks again.
    _registrations: ClassVar[int] = 0

    def __init__(self) -> None:
        self._name = self.__class__.__name__
        cls: Any = type(self)
        self.logger = _logger_of(cls)
        self._event_handlers: dict[str, list[tuple[Callable[..., Any], dict[str, Any]]]] = {}

    @property
    def name(self) -> str:
        return self._name

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Called for every event of the process that this component lives in."""

    def register_event_handler(
        self, event_types: str | list[str], handler: Callable[..., Any], **kwargs: Any
    ) -> None:
        """Have `handler(event_type, fl_ctx, **kwargs)` called for these events; one registered twice is called once."""
        if not callable(handler):
            raise TypeError(f"handler must be callable, but got {type(handler).__name__}")
        names = [event_types] if isinstance(event_types, str) else event_types
        if not isinstance(names, list):
            raise TypeError(f"event_types must be a str or a list of str, but got {type(names).__name__}")
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"an event type must be a str, but got {type(name).__name__}")
            registered = self._event_handlers.setdefault(name, [])
            if all(h is not handler and h != handler for h, _ in registered):
                registered.append((handler, kwargs))
        FLComponent._registrations += 1

    def get_event_handlers(self) -> dict[str, list[tuple[Callable[..., Any], dict[str, Any]]]]:
        return self._event_handlers

    def fire_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Fire an event for all components of this process. TypeError for a wrong `event_type` or context."""
        if type(fl_ctx) is not FLContext:
            _require_context(fl_ctx)
        if not isinstance(event_type, str):
            raise TypeError(f"event_type must be a str, but got {type(event_type).__name__}")
        fl_ctx.set_prop(FLContextKey.EVENT_ORIGIN, self._name, private=True, sticky=False)
        fl_ctx.get_engine().fire_event(event_type, fl_ctx)

    def fire_event_with_data(self, event_type: str, fl_ctx: FLContext, key: str, data: Any) -> None:
        """Fire an event during which the context holds `data` under `key`."""
        _require_context(fl_ctx)
        fl_ctx.set_prop(key, data, private=True, sticky=False)
        try:
            self.fire_event(event_type, fl_ctx)
        finally:
            fl_ctx.set_prop(key, None, private=True, sticky=False)

    def fire_fed_event(
        self, event_type: str, event_data: Shareable, fl_ctx: FLContext, targets: Any = None
    ) -> None:
        """Fire an event here and at the peers: a site's goes to the server, the server's to `targets` (all sites)."""
        _require_context(fl_ctx)
        if not isinstance(event_data, Shareable):
            raise TypeError(f"event_data must be a Shareable, but got {type(event_data).__name__}")
        event_data.set_header(FedEventHeader.EVENT_TYPE, event_type)
        fl_ctx.set_prop(FLContextKey.EVENT_SCOPE, EventScope.FEDERATION, private=True, sticky=False)
        fl_ctx.set_prop(FLContextKey.EVENT_DATA, event_data, private=True, sticky=False)
        fl_ctx.get_engine().send_fed_event(event_type, event_data, fl_ctx, targets)
        self.fire_event(event_type, fl_ctx)
        fl_ctx.set_prop(FLContextKey.EVENT_SCOPE, EventScope.LOCAL, private=True, sticky=False)

    def system_panic(self, reason: str, fl_ctx: FLContext) -> None:
        """Report a condition in which the run cannot go on: the run is aborted."""
        self.fire_event_with_data(EventType.FATAL_SYSTEM_ERROR, fl_ctx, FLContextKey.EVENT_DATA, reason)

    def log_debug(self, fl_ctx: FLContext | None, msg: str, fire_event: bool = False) -> None:
        self._log(logging.DEBUG, fl_ctx, msg, fire_event)

    def log_info(self, fl_ctx: FLContext | None, msg: str, fire_event: bool = False) -> None:
        self._log(logging.INFO, fl_ctx, msg, fire_event)

    def log_warning(self, fl_ctx: FLContext | None, msg: str, fire_event: bool = True) -> None:
        self._log(logging.WARNING, fl_ctx, msg, fire_event)

    def log_error(self, fl_ctx: FLContext | None, msg: str, fire_event: bool = True) -> None:
        self._log(logging.ERROR, fl_ctx, msg, fire_event)

    def log_critical(self, fl_ctx: FLContext | None, msg: str, fire_event: bool = True) -> None:
        self._log(logging.CRITICAL, fl_ctx, msg, fire_event)

    def log_exception(self, fl_ctx: FLContext | None, msg: str, fire_event: bool = False) -> None:
        """Log an error with the traceback of the exception being handled."""
        self._log(logging.ERROR, fl_ctx, msg, fire_event, exc_info=True)

    def _log(
        self, level: int, fl_ctx: FLContext | None, msg: str, fire_event: bool, *, exc_info: bool = False
    ) -> None:
        # Without a listener an INFO line is not even formatted: a workflow logs several per site and round.
        if self.logger.isEnabledFor(level):
            self.logger.log(level, "%s", msg, exc_info=exc_info)
        event = _LOG_EVENTS.get(level)
        if fire_event and event is not None and fl_ctx is not None and fl_ctx.get_engine() is not None:
            tag, event_type = event
            data = Shareable()
            data.set_header(tag, str(msg))
            self.fire_event_with_data(event_type, fl_ctx, FLContextKey.EVENT_DATA, data)


@lru_cache(maxsize=1024)
def _logger_of(cls: Any) -> logging.Logger:
    return logging.getLogger(f"{cls.__module__}.{cls.__qualname__}")


def listens(component: Any, *event_types: str) -> bool:
    """Whether any of these events may mean anything to a component.

    A component's class that says in ``_EVENTS`` which events its `handle_event` looks at is spared the others, of
    which there are some twenty for each result of each site. A subclass with a `handle_event` of its own gets all.
    ``_EVENTS_IN`` is the attribute in which an instance names more of them.
    """
    if _is_special(component):
        return True
    registered = getattr(component, "_event_handlers", None)
    if registered is None:  # `__init__` was not called, which is to be heard of.
        return True
    if registered and not registered.keys().isdisjoint(event_types):
        return True
    ear = type(component), type(component).handle_event, named_events(component)
    return bool(listening((ear,), *event_types))


def _is_special(component: Any) -> bool:
    """Whether its class does not tell what it does with events."""
    own = getattr(type(component), "get_event_handlers", None)
    return "handle_event" in getattr(component, "__dict__", ()) or own is not FLComponent.get_event_handlers


def named_events(component: Any) -> tuple[str, ...] | None:
    """The events that an instance names itself; None if that is no plain list of names."""
    attribute = getattr(type(component), "_EVENTS_IN", "")
    if not attribute:
        return ()
    named: Any = getattr(component, attribute, None)
    plain = type(named) in (list, tuple) and {str}.issuperset(map(type, named))
    return tuple(named) if plain else None


def ears_of(components: Sequence[Any]) -> tuple[Any, ...] | None:
    """What `listening` asks for: the classes of components, their handlers, and which events each names itself.

    None if more than these tell who listens.
    """
    ears = []
    for component in components:
        # As `_is_special` has it, without a call for each: thousands of sites ask.
        cls, own = type(component), getattr(component, "__dict__", {})
        plain = getattr(cls, "get_event_handlers", None) is FLComponent.get_event_handlers
        if not plain or own.get("_event_handlers") != {} or "handle_event" in own:
            return None
        ears.append((cls, cls.handle_event, named_events(component) if cls._EVENTS_IN else ()))
    return tuple(ears)


@lru_cache(maxsize=4096)
def listening(ears: tuple[Any, ...], *event_types: str) -> tuple[int, ...]:
    """The places of those to whom any of these events may mean anything, as `listens` tells for each."""
    heard = [(_events_of(cls, handler), named) for cls, handler, named in ears]
    return tuple(
        n
        for n, (events, named) in enumerate(heard)
        if events is None or named is None or not events.union(named).isdisjoint(event_types)
    )


@lru_cache(maxsize=1024)
def _events_of(kind: Any, handler: Any) -> frozenset[str] | None:  # noqa: ARG001 - another handler, another answer.
    """What the class that defines the handler says of it; None if nothing."""
    defining = next(cls for cls in kind.__mro__ if "handle_event" in cls.__dict__)
    events: frozenset[str] | None = defining.__dict__.get("_EVENTS")
    return events


_LOG_EVENTS = {
    logging.DEBUG: (LogMessageTag.DEBUG, EventType.DEBUG_LOG_AVAILABLE),
    logging.INFO: (LogMessageTag.INFO, EventType.INFO_LOG_AVAILABLE),
    logging.WARNING: (LogMessageTag.WARNING, EventType.WARNING_LOG_AVAILABLE),
    logging.ERROR: (LogMessageTag.ERROR, EventType.ERROR_LOG_AVAILABLE),
    logging.CRITICAL: (LogMessageTag.CRITICAL, EventType.CRITICAL_LOG_AVAILABLE),
}


class Widget(FLComponent):
    """A component that only listens to events."""


class Executor(FLComponent):
    """Carries out tasks at a site."""

    # Of the class until it is set: with more than 29 attributes an instance takes four times the memory.
    unsafe = False

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        """Carry out a task; the reply carries a return code (``ReturnCode``) and, if OK, the result."""
        raise NotImplementedError

    def finalize(self, fl_ctx: FLContext) -> None:
        """Called before the run ends."""

    def get_job_target_type(self) -> str:
        return "client"

    def add_to_fed_job(self, job: Any, ctx: Any, **kwargs: Any) -> None:
        """Add this executor to a FedJob; `tasks` are the names (or ``*`` patterns) it answers."""
        job.check_kwargs(args_to_check=kwargs, args_expected={"tasks": False})
        job.add_executor(obj=self, tasks=kwargs.get("tasks", ["*"]), ctx=ctx)


class FilterChainType:
    """FLARE's names of the two chains of filters."""

    TASK_DATA_CHAIN = "task_data"
    TASK_RESULT_CHAIN = "task_result"


class FilterSource:
    """Where a filter was configured."""

    JOB = "job"
    SITE = "site"


class Filter(FLComponent):
    """Changes or checks what passes between server and site."""

    def process(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        """The content to go on with; it may be the one that came in."""
        raise NotImplementedError

    def set_prop(self, key: str, value: Any) -> None:
        setattr(self, f"_prop_{key}", value)

    def get_prop(self, key: str, default: Any = None) -> Any:
        return getattr(self, f"_prop_{key}", default)

    def add_to_fed_job(self, job: Any, ctx: Any, **kwargs: Any) -> None:
        """Add this filter to a FedJob for `filter_type` (required) and `tasks`.

        With the default tasks ``["*"]`` FLARE never runs it: filters are looked up by the exact task name.
        """
        job.check_kwargs(args_to_check=kwargs, args_expected={"filter_type": True, "tasks": False})
        job.add_filter(obj=self, filter_type=kwargs["filter_type"], tasks=kwargs.get("tasks", ["*"]), ctx=ctx)


def _require_context(fl_ctx: Any) -> None:
    # By role, not by class: a context of the real FLARE passes as well.
    if not hasattr(fl_ctx, "get_engine"):
        raise TypeError(f"fl_ctx must be an FLContext, but got {type(fl_ctx).__name__}")
