"""The two ends of what components log: a sender at a site, a receiver at the server (or at the site).

Answers ``nvflare.app_common.widgets.streaming``. In between, the sender's event goes to the server if a ConvertToFedEvent
widget passes it on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.roles import Widget
from fedjob.exchange.analytics import (
    ANALYTIC_EVENT_TYPE,
    AnalyticsDataType,
    LogWriterName,
    TrackConst,
    create_analytic_dxo,
    send_analytic_dxo,
)
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import EventScope, FLContextKey, ReservedKey
from fedjob.exchange.shareable import Shareable


class AnalyticsSender(Widget):
    """Fires an event per logged value; `writer_name` says in which tracker's terms it is meant."""

    _EVENTS = frozenset({EventType.ABOUT_TO_START_RUN})

    def __init__(
        self, event_type: str = ANALYTIC_EVENT_TYPE, writer_name: LogWriterName = LogWriterName.TORCH_TB
    ) -> None:
        super().__init__()
        self.engine: Any = None
        self.event_type = event_type
        self.writer = writer_name

    def get_writer_name(self) -> LogWriterName:
        return self.writer

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.ABOUT_TO_START_RUN:
            self.engine = fl_ctx.get_engine()

    def add(
        self,
        tag: str,
        value: Any,
        data_type: AnalyticsDataType,
        global_step: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Log a value. Raises TypeError for one that does not go with `data_type`, or a step that is no int."""
        if global_step is not None:
            if not isinstance(global_step, int):
                raise TypeError(f"global_step must be an int, but got {type(global_step).__name__}")
            kwargs[TrackConst.GLOBAL_STEP_KEY] = global_step
        dxo = create_analytic_dxo(
            tag=tag, value=value, data_type=data_type, writer=self.get_writer_name(), **kwargs
        )
        with self.engine.new_context() as fl_ctx:
            send_analytic_dxo(self, dxo=dxo, fl_ctx=fl_ctx, event_type=self.event_type)

    def close(self) -> None:
        self.engine = None


class AnalyticsReceiver(Widget, ABC):
    """Takes what was logged, from `events` (the local and the federated one by default).

    Write `initialize`, `save` and `finalize`. As in FLARE, one that fails is an error in the log, not the end of the run.
    """

    _EVENTS = frozenset({EventType.START_RUN, EventType.END_RUN})
    _EVENTS_IN = "events"

    def __init__(self, events: list[str] | None = None) -> None:
        super().__init__()
        self.events = [ANALYTIC_EVENT_TYPE, f"fed.{ANALYTIC_EVENT_TYPE}"] if events is None else events
        self._initialized = False
        self._end = False

    @abstractmethod
    def initialize(self, fl_ctx: FLContext) -> None:
        """Called when the run starts."""

    @abstractmethod
    def save(self, fl_ctx: FLContext, shareable: Shareable, record_origin: str) -> None:
        """Take one value; `record_origin` is the site that logged it."""

    @abstractmethod
    def finalize(self, fl_ctx: FLContext) -> None:
        """Called when the run ends."""

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._initialized = self._attempt("initialize", fl_ctx, fl_ctx)
        elif event_type in self.events and self._initialized and not self._end:
            self._take(fl_ctx)
        elif event_type == EventType.END_RUN and self._initialized:
            self._end = True
            self._attempt("finalize", fl_ctx, fl_ctx)

    def _take(self, fl_ctx: FLContext) -> None:
        data = fl_ctx.get_prop(FLContextKey.EVENT_DATA, None)
        if not isinstance(data, Shareable):
            self.log_error(
                fl_ctx, f"what was logged must be a Shareable, but is {type(data).__name__}", fire_event=False
            )
            return
        origin = self._get_record_origin(fl_ctx, data)
        if origin is None:
            self.log_error(fl_ctx, "what was logged does not name its site", fire_event=False)
            return
        self._attempt("save", fl_ctx, shareable=data, fl_ctx=fl_ctx, record_origin=origin)

    def _get_record_origin(self, fl_ctx: FLContext, data: Shareable) -> Any:
        if fl_ctx.get_prop(FLContextKey.EVENT_SCOPE) == EventScope.FEDERATION:
            return data.get_peer_prop(ReservedKey.IDENTITY_NAME, None)
        return fl_ctx.get_identity_name()

    def _attempt(self, method: str, ctx: FLContext, *args: Any, **kwargs: Any) -> bool:
        try:
            getattr(self, method)(*args, **kwargs)
        except Exception as e:
            self.log_error(ctx, f"{type(self).__name__}.{method} failed: {e}", fire_event=False)
            return False
        return True
