"""LazyAggregator: take contributions at once and look at them later.

Answers ``nvflare.app_common.aggregators.lazy`` (FLARE >= 2.7), which looks at them in a thread of its own; here they are looked at,
in their order, when the aggregate is asked for.
"""

from __future__ import annotations

from fedjob.components.aggregator import Aggregator
from fedjob.components.checks import check_positive_number, check_str
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class LazyAggregator(Aggregator):
    """`aggregator_id` is the component id of the aggregator that does the work; `accept_timeout` has no effect here."""

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self, aggregator_id: str, accept_timeout: float = 600.0) -> None:
        super().__init__()
        check_str("aggregator_id", aggregator_id)
        check_positive_number("accept_timeout", accept_timeout)
        self.aggregator_id = aggregator_id
        self.accept_timeout = accept_timeout
        self._aggregator: Aggregator | None = None
        self._waiting: list[tuple[Shareable, FLContext]] = []

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type != EventType.START_RUN:
            return
        found = fl_ctx.get_engine().get_component(self.aggregator_id)
        if not isinstance(found, Aggregator) or isinstance(found, LazyAggregator):
            self.system_panic(
                f"component {self.aggregator_id!r} must be an Aggregator that is not lazy itself, "
                f"but is {type(found).__name__}",
                fl_ctx,
            )
            return
        self._aggregator = found

    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        # The context goes on to the next contribution, so this one keeps a copy.
        self._waiting.append((shareable, fl_ctx.clone()))
        return True

    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        assert self._aggregator is not None  # START_RUN found it
        for shareable, its_ctx in self._waiting:
            try:
                self._aggregator.accept(shareable, its_ctx)
            except Exception as e:
                self.log_exception(fl_ctx, f"a contribution could not be accepted: {e}")
        result = self._aggregator.aggregate(fl_ctx)
        self.reset(fl_ctx)
        return result

    def reset(self, fl_ctx: FLContext) -> None:
        self._waiting.clear()
        assert self._aggregator is not None
        self._aggregator.reset(fl_ctx)
