"""A stream that goes out: each object is an auxiliary request, the next one is made when all receivers have replied."""

from __future__ import annotations

import uuid
from typing import Any

from fedjob.engines.local.server import IDENTITY
from fedjob.engines.request import SERVER
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.streaming import ObjectProducer, StreamContext, StreamContextKey

# The topics of the requests: an object, and the end of a stream.
OBJECT = "ObjectStreamer.Request"
OVER = "ObjectStreamer.Abort"

# The headers of an object, and of the reply to the last one.
NUMBER = "ObjectStreamer.TX_ID"
ORDER = "ObjectStreamer.SEQ"
CHANNEL = "ObjectStreamer.CHANNEL"
TOPIC = "ObjectStreamer.TOPIC"
CONTEXT = "ObjectStreamer.CTX"
RESULT = "ObjectStreamer.END_RESULT"


class Sending:
    """One stream that goes out."""

    def __init__(
        self,
        engine: Any,
        targets: list[str] | str,
        stream_ctx: StreamContext,
        producer: ObjectProducer,
        fl_ctx: FLContext,
    ) -> None:
        self._engine = engine
        # A context calls the server by another name.
        names = [targets] if isinstance(targets, str) else targets or ()
        self._targets = [SERVER if name == IDENTITY else name for name in names]
        self._stream_ctx = stream_ctx
        self._producer = producer
        self._fl_ctx = fl_ctx
        self._number = str(uuid.uuid4())
        self._sent = 0
        self._channel, self._topic = stream_ctx[StreamContextKey.CHANNEL], stream_ctx[StreamContextKey.TOPIC]

    def run(self) -> tuple[str, Any]:
        """All of it. The receivers are told of the end in any case, those that know it already do not mind."""
        try:
            outcome = self._run()
        except Exception:
            self._tell()
            raise
        self._tell()
        return outcome

    def _tell(self) -> None:
        if self._sent:
            over = make_reply(ReturnCode.TASK_ABORTED)
            over.set_header(NUMBER, self._number)
            self._engine.fire_and_forget_aux_request(OVER, over, self._fl_ctx, self._targets)

    def _run(self) -> tuple[str, Any]:
        while not self._aborted():
            part, timeout = self._next()
            if part is None:
                return ReturnCode.OK, None
            replies = self._engine.send_aux_request(self._targets, OBJECT, part, timeout, self._fl_ctx)
            result = self._producer.process_replies(_as_flare(replies), self._stream_ctx, self._fl_ctx)
            if result is not None:
                if self._aborted():
                    return ReturnCode.TASK_ABORTED, result
                return ReturnCode.OK if result else ReturnCode.ERROR, result
        return ReturnCode.TASK_ABORTED, None

    def _aborted(self) -> bool:
        signal = self._fl_ctx.get_run_abort_signal()
        return signal is not None and bool(signal.triggered)

    def _next(self) -> tuple[Shareable | None, float]:
        who = type(self._producer).__qualname__
        made: tuple[Any, Any] = self._producer.produce(self._stream_ctx, self._fl_ctx)
        part, timeout = made
        if part is None:
            return None, 0.0
        if not isinstance(part, Shareable):
            raise ValueError(f"{who}.produce() must give a Shareable to send, but gave {type(part).__name__}")
        if not isinstance(timeout, float) or timeout <= 0:
            raise ValueError(
                f"{who}.produce() must give with each object the seconds to wait for replies, a float > 0, but gave"
                f" {timeout!r}"
            )
        part.set_header(NUMBER, self._number)
        part.set_header(ORDER, self._sent)
        part.set_header(CHANNEL, self._channel)
        part.set_header(TOPIC, self._topic)
        if not self._sent:
            part.set_header(CONTEXT, self._stream_ctx)
        self._sent += 1
        return part, timeout


def _as_flare(replies: dict[str, Shareable]) -> dict[str, Shareable]:
    """A party at which nothing was ever registered for streams answers as one at which this stream was not."""
    for reply in replies.values():
        if reply.get_return_code() == ReturnCode.TOPIC_UNKNOWN:
            reply.set_return_code(ReturnCode.EXECUTION_EXCEPTION)
    return replies
