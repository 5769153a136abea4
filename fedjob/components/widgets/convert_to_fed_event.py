"""ConvertToFedEvent: pass a site's events on to the server.

Answers ``nvflare.app_common.widgets.convert_to_fed_event``.
"""

from __future__ import annotations

from fedjob.components.roles import Widget
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import EventScope, FLContextKey
from fedjob.exchange.shareable import Shareable

FED_EVENT_PREFIX = "fed."


class ConvertToFedEvent(Widget):
    """Fires each local event of `events_to_convert` again, for the federation, as `fed_event_prefix` + its name."""

    _EVENTS = frozenset()
    _EVENTS_IN = "events_to_convert"

    def __init__(self, events_to_convert: list[str], fed_event_prefix: str = FED_EVENT_PREFIX) -> None:
        super().__init__()
        self.events_to_convert = events_to_convert
        self.fed_event_prefix = fed_event_prefix

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type not in self.events_to_convert:
            return
        scope = fl_ctx.get_prop(FLContextKey.EVENT_SCOPE, EventScope.LOCAL)
        if scope == EventScope.FEDERATION:  # it came from elsewhere; sending it back would never end
            return
        data = fl_ctx.get_prop(FLContextKey.EVENT_DATA, None)
        if not isinstance(data, Shareable):
            self.log_error(
                fl_ctx, f"the data of event {event_type} must be a Shareable, but is {type(data).__name__}"
            )
            return
        self.fire_fed_event(self.fed_event_prefix + event_type, data, fl_ctx)
