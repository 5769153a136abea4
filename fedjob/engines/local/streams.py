"""Streams of objects at one party: those that it sends, and those that it receives, as FLARE's ObjectStreamer has them."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from fedjob.components.checks import check_object_type, check_str
from fedjob.engines.local.reception import Reception, Registration
from fedjob.engines.local.sending import CHANNEL, CONTEXT, NUMBER, OBJECT, ORDER, OVER, RESULT, TOPIC, Sending
from fedjob.engines.local.server import IDENTITY
from fedjob.engines.request import SERVER
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.streaming import (
    ObjectConsumer,
    ObjectProducer,
    StreamContext,
    StreamContextKey,
)

_log = logging.getLogger("fedjob.streams")


class Streams:
    """The streams of one party."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._registered: dict[tuple[str, str], Registration] = {}
        self._coming: dict[str, Reception] = {}
        engine.register_aux_message_handler(OBJECT, self._take)
        engine.register_aux_message_handler(OVER, self._give_up)

    def register(self, channel: str, topic: str, registration: Registration) -> None:
        """Of two registrations the later one counts; "*" stands for all topics of a channel, or for all channels."""
        check_str("channel", channel)
        check_str("topic", topic)
        self._registered[channel, topic] = registration

    def send(
        self,
        channel: str,
        topic: str,
        stream_ctx: StreamContext | None,
        targets: list[str],
        producer: ObjectProducer,
        fl_ctx: FLContext,
    ) -> tuple[str, Any]:
        """Send what `producer` makes; returns (return code, result of the last `process_replies`).

        TASK_ABORTED when the run ends, ERROR when the result is false. Raises what the producer raises, ValueError for
        what is no object with a time.
        """
        check_str("channel", channel)
        check_str("topic", topic)
        check_object_type("producer", producer, ObjectProducer)
        check_object_type("fl_ctx", fl_ctx, FLContext)
        known: Any = stream_ctx or {}
        check_object_type("stream_ctx", known, dict)
        known[StreamContextKey.CHANNEL] = channel
        known[StreamContextKey.TOPIC] = topic
        return Sending(self._engine, targets, known, producer, fl_ctx).run()

    def _found(self, channel: str, topic: str) -> Registration | None:
        places = ((channel, topic), (channel, "*"), ("*", "*"))
        return next((r for place in places if (r := self._registered.get(place)) is not None), None)

    def _take(self, _topic: str, part: Shareable, fl_ctx: FLContext) -> Shareable:
        """One object of a stream has come."""
        number, place = part.get_header(NUMBER), part.get_header(ORDER)
        if fl_ctx.get_run_abort_signal().triggered:
            self._end(number, ReturnCode.TASK_ABORTED, fl_ctx)
            return make_reply(ReturnCode.TASK_ABORTED)
        coming = self._coming.get(number)
        if (coming is None) != (place == 0):
            self._end(number, ReturnCode.BAD_REQUEST_DATA, fl_ctx)
            _log.error("object %s of a stream has come that is not under way here", place)
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        if coming is None:
            coming = self._begin(number, part, fl_ctx)
            if coming is None:
                return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        goes_on, reply = coming.take(part, fl_ctx)
        if not goes_on:
            result = self._end(number, reply.get_return_code(), fl_ctx)
            if result:
                reply.set_header(RESULT, result)
        return reply

    def _begin(self, number: str, part: Shareable, fl_ctx: FLContext) -> Reception | None:
        channel, topic = part.get_header(CHANNEL), part.get_header(TOPIC)
        registration = self._found(channel, topic)
        if registration is None:
            _log.error(
                "a stream on channel %r and topic %r has come, for which nothing was registered here; call"
                " register_stream_processing() before it is sent",
                channel,
                topic,
            )
            return None
        stream_ctx = part.get_header(CONTEXT)
        stream_ctx[StreamContextKey.END_STREAM] = partial(self._end, number)
        try:
            consumer = registration.factory.get_consumer(stream_ctx, fl_ctx)
            check_object_type("what get_consumer gives", consumer, ObjectConsumer)
        except Exception as e:
            self._note(e, registration.factory, "made no consumer for a stream")
            return None
        sender = fl_ctx.get_peer_context().get_identity_name()
        coming = self._coming[number] = Reception(
            registration, consumer, stream_ctx, SERVER if sender == IDENTITY else sender, self._note
        )
        return coming

    def _end(self, number: str, rc: str, fl_ctx: FLContext) -> Any:
        coming = self._coming.pop(number, None)
        if coming is None:
            return None
        if rc == ReturnCode.OK:
            self._engine.record.emit(
                "stream",
                site=self._engine.name,
                sender=coming.sender,
                channel=coming.stream_ctx.get(StreamContextKey.CHANNEL),
                topic=coming.stream_ctx.get(StreamContextKey.TOPIC),
            )
        return coming.end(rc, fl_ctx)

    def _give_up(self, _topic: str, message: Shareable, fl_ctx: FLContext) -> Shareable:
        """The sender says that nothing more comes."""
        self._end(message.get_header(NUMBER), ReturnCode.TASK_ABORTED, fl_ctx)
        return make_reply(ReturnCode.OK)

    def _note(self, error: Exception, who: Any, what: str) -> None:
        name = getattr(who, "__qualname__", type(who).__qualname__)
        _log.error("%s %s", name, what, exc_info=error)
        self._engine.note_exception(error, message=f"{name} {what}")
