"""A stream that comes in, and what was registered for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fedjob.components.checks import check_callable, check_object_type
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.streaming import ConsumerFactory, ObjectConsumer, StreamContext, StreamContextKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """What is done with streams of one channel and topic."""

    factory: ConsumerFactory
    done: Callable[..., Any] | None
    consumed: Callable[..., Any] | None
    kwargs: dict[str, Any]

    def __post_init__(self) -> None:
        """Raises TypeError and ValueError."""
        check_object_type("factory", self.factory, ConsumerFactory)
        for name, call in (("stream_done_cb", self.done), ("consumed_cb", self.consumed)):
            if call is not None:
                check_callable(name, call)


class Reception:
    """One stream that comes."""

    def __init__(
        self,
        registration: Registration,
        consumer: ObjectConsumer,
        stream_ctx: StreamContext,
        sender: str,
        note: Callable[[Exception, Any, str], None],
    ) -> None:
        self._registration = registration
        self._consumer = consumer
        self.stream_ctx = stream_ctx
        self.sender = sender
        self._note = note

    def take(self, part: Shareable, fl_ctx: FLContext) -> tuple[bool, Shareable]:
        """Whether the stream goes on, and the reply to this object."""
        registered, stream_ctx = self._registration, self.stream_ctx
        try:
            taken = self._consumer.consume(part, stream_ctx, fl_ctx)
            if registered.consumed is not None:
                registered.consumed(taken, stream_ctx, fl_ctx, **registered.kwargs)
            goes_on, reply = taken
        except Exception as e:
            self._note(e, self._consumer, "failed on an object of a stream")
            return False, make_reply(ReturnCode.EXECUTION_EXCEPTION)
        if fl_ctx.get_run_abort_signal().triggered:
            return False, make_reply(ReturnCode.TASK_ABORTED)
        return goes_on, reply or make_reply(ReturnCode.OK)

    def end(self, rc: str, fl_ctx: FLContext) -> Any:
        """The stream is over; what the callback gives."""
        registered, stream_ctx = self._registration, self.stream_ctx
        result = None
        stream_ctx[StreamContextKey.RC] = rc
        try:
            self._consumer.finalize(stream_ctx, fl_ctx)
        except Exception as e:
            self._note(e, self._consumer, "failed at the end of a stream")
            stream_ctx[StreamContextKey.RC] = ReturnCode.EXECUTION_EXCEPTION
        try:
            if registered.done is not None:
                result = registered.done(stream_ctx, fl_ctx, **registered.kwargs)
        except Exception as e:
            self._note(e, registered.done, "failed when it was told of the end of a stream")
        try:
            registered.factory.return_consumer(self._consumer, stream_ctx, fl_ctx)
        except Exception as e:
            self._note(e, registered.factory, "did not take a consumer back")
        return result
