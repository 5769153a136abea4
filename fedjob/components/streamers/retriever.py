"""ObjectRetriever: asks another party for an object, which comes as a stream.

Answers ``nvflare.app_common.streamers.object_retriever``.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.streaming import StreamContext

#: Tells a retrieval from others, in its request and in the context of its stream.
RETRIEVER_TX_ID = "_rtr_tx_id_"

#: Seconds after which the abort signal is looked at; what arrives is noticed at once.
_LOOK = 0.5


class _Awaited:
    """What a retrieval came to, None until that is known."""

    result: tuple[Any, Any] | None = None


class ObjectRetriever(FLComponent, ABC):
    """The same component at both ends: one asks with `retrieve`, the other streams what `validate_request` allows.

    `topic` is the class's name by default. Two retrievers of one class need topics of their own.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self, topic: str | None = None) -> None:
        super().__init__()
        own = type(self).__name__
        self.topic = topic or own
        self.stream_channel = own
        self.tx_table: dict[str, _Awaited] = {}

    @abstractmethod
    def register_stream_processing(
        self,
        channel: str,
        topic: str,
        fl_ctx: FLContext,
        stream_done_cb: Callable[..., Any],
        **cb_kwargs: Any,
    ) -> None:
        """Where the object is wanted: register for its stream, with that callback."""

    @abstractmethod
    def validate_request(self, request: Shareable, fl_ctx: FLContext) -> tuple[str, Any]:
        """Where the object is: OK and what `do_stream` needs, or the return code that the other end is to get."""

    @abstractmethod
    def do_stream(
        self,
        target: str,
        request: Shareable,
        fl_ctx: FLContext,
        stream_ctx: StreamContext,
        validated_data: Any,
    ) -> Any:
        """Where the object is: stream it to `target`, with that context."""

    @abstractmethod
    def get_result(self, stream_ctx: StreamContext) -> tuple[str, Any]:
        """Where the object is wanted: the return code of a stream that is over, and the object."""

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self.register_stream_processing(
                fl_ctx=fl_ctx,
                channel=self.stream_channel,
                topic=self.topic,
                stream_done_cb=self._handle_stream_done,
            )
            fl_ctx.get_engine().register_aux_message_handler(
                topic=self.topic, message_handle_func=self._handle_request
            )

    def retrieve(
        self, from_site: str, fl_ctx: FLContext, timeout: float, **obj_attrs: Any
    ) -> tuple[str, Any]:
        """Ask a party for the object with these attributes; (return code, object), which is good only with OK.

        Waits `timeout` seconds for the answer and as long for the stream: TIMEOUT when that was not enough,
        TASK_ABORTED when the run ends.
        """
        found: tuple[str, Any] = fl_ctx.get_engine().in_run(
            self._retrieve, from_site, fl_ctx, timeout, obj_attrs
        )
        return found

    def _retrieve(
        self, from_site: str, fl_ctx: FLContext, timeout: float, attributes: dict[str, Any]
    ) -> tuple[str, Any]:
        number = str(uuid.uuid4())
        awaited = self.tx_table[number] = _Awaited()
        request = Shareable({RETRIEVER_TX_ID: number, **attributes})
        try:
            code = self._ask(from_site, request, fl_ctx, timeout)
            if code == ReturnCode.OK:
                code = self._wait(awaited, fl_ctx, timeout)
        except Exception as e:
            self.log_exception(fl_ctx, f"{from_site} could not be asked for {attributes}: {e}")
            fl_ctx.get_engine().note_exception(e, message=f"{self.name} could not ask {from_site}")
            code = ReturnCode.EXECUTION_EXCEPTION
        finally:
            del self.tx_table[number]
        return awaited.result or (code, None)

    def _ask(self, from_site: str, request: Shareable, fl_ctx: FLContext, timeout: float) -> str:
        engine = fl_ctx.get_engine()
        replies = engine.send_aux_request(
            targets=[from_site], topic=self.topic, request=request, timeout=timeout, fl_ctx=fl_ctx
        )
        reply = replies.get(from_site)
        if not isinstance(reply, Shareable):
            self.log_error(fl_ctx, f"{from_site} gave no reply that could be read: {reply!r}")
            return ReturnCode.EXECUTION_EXCEPTION
        code: str = reply.get_return_code()
        if code != ReturnCode.OK:
            wanted = {k: v for k, v in request.items() if isinstance(v, (str, int)) and k != RETRIEVER_TX_ID}
            self.log_error(
                fl_ctx, f"{from_site} streams nothing for {wanted}: it answered {code}, its log says why"
            )
        return code

    def _wait(self, awaited: _Awaited, fl_ctx: FLContext, timeout: float) -> str:
        engine, abort = fl_ctx.get_engine(), fl_ctx.get_run_abort_signal()
        until = engine.now() + timeout
        while awaited.result is None:
            left = until - engine.now()
            if left <= 0:
                self.log_error(fl_ctx, f"the stream was not over within {timeout:g} s; give it more time")
                return ReturnCode.TIMEOUT
            if abort is not None and abort.triggered:
                return ReturnCode.TASK_ABORTED
            engine.poll(min(left, _LOOK))
        return ReturnCode.OK

    def _handle_stream_done(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> None:
        awaited = self.tx_table.get(stream_ctx.get(RETRIEVER_TX_ID, ""))
        if awaited is None:
            self.log_error(fl_ctx, "a stream was over after its time, when nobody waited for it any more")
            return
        try:
            awaited.result = self.get_result(stream_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"get_result failed: {e}")
            fl_ctx.get_engine().note_exception(e, message=f"{self.name}.get_result failed")
            awaited.result = (ReturnCode.EXECUTION_EXCEPTION, None)

    def _handle_request(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        """Answer at once; the stream follows beside."""
        number, peer = request.get(RETRIEVER_TX_ID), fl_ctx.get_peer_context()
        asking = peer.get_identity_name() if isinstance(peer, FLContext) else None
        if not number or not asking:
            self.log_error(fl_ctx, f"a request on {topic!r} does not say who asks; use `retrieve`")
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        try:
            code, data = self.validate_request(request, fl_ctx)
        except Exception as e:
            self.log_exception(fl_ctx, f"a request of {asking} on {topic!r} could not be looked at: {e}")
            fl_ctx.get_engine().note_exception(e, message=f"{self.name}.validate_request failed")
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        if code and code != ReturnCode.OK:
            return make_reply(code)
        fl_ctx.get_engine().spawn(
            self._stream, asking, request, fl_ctx, data, name=f"{self.name} streams to {asking}"
        )
        return make_reply(ReturnCode.OK)

    def _stream(self, target: str, request: Shareable, fl_ctx: FLContext, data: Any) -> None:
        stream_ctx = {RETRIEVER_TX_ID: request[RETRIEVER_TX_ID]}
        try:
            self.do_stream(target, request, fl_ctx, stream_ctx, data)
        except Exception as e:
            self.log_exception(fl_ctx, f"nothing could be streamed to {target}: {e}")
            fl_ctx.get_engine().note_exception(e, message=f"{self.name} could not stream to {target}")
