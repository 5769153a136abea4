"""A user's filter and a user's listener, which do nothing: what is measured is that they are there."""

from fedjob.components.roles import Filter, Widget
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class Passing(Filter):
    """Lets everything pass."""

    def process(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        return shareable


class Listening(Widget):
    """Hears every event."""

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        pass
