"""Streams of objects from one party to others: who makes the objects, who takes them, what an engine offers.

Answers ``nvflare.apis.streaming`` (FLARE >= 2.6).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    #: What sender and receivers know of one stream. The sender's goes along with the first object; from then on each
    #: receiver has one of its own.
    StreamContext: TypeAlias = dict[str, Any]
else:
    StreamContext = dict


class StreamContextKey:
    CHANNEL = "__channel__"
    TOPIC = "__topic__"
    RC = "__RC__"  #: at a receiver, once its stream is over
    END_STREAM = "__end_stream__"  #: at a receiver: called with (return code, FLContext), ends this stream


class ObjectProducer(ABC):
    """Makes the objects of one stream, at the sender."""

    @abstractmethod
    def produce(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> tuple[Shareable | None, float]:
        """The next object, and for how many seconds its replies are waited for; (None, 0.0) ends the stream."""

    @abstractmethod
    def process_replies(
        self, replies: dict[str, Shareable], stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> Any:
        """Called with the receivers' replies to the last object, by name.

        None lets the stream go on. Anything else ends it and is its result; one that is false means failure.
        """


class ObjectConsumer(ABC):
    """Takes the objects of one stream, at a receiver."""

    @abstractmethod
    def consume(
        self, shareable: Shareable, stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> tuple[bool, Shareable | None]:
        """Take the next object; whether more is wanted, and the reply."""

    def finalize(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> None:  # noqa: B027 - there may be nothing to do
        """Called once, when the stream is over, whatever ended it."""


class ConsumerFactory(ABC):
    """Makes the consumers of a channel and topic."""

    @abstractmethod
    def get_consumer(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> ObjectConsumer:
        """A consumer for a new stream. Streams may come side by side, so each gets one of its own."""

    def return_consumer(  # noqa: B027 - most factories forget their consumers
        self, consumer: ObjectConsumer, stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> None:
        """Called with the consumer when its stream is over."""


def stream_done_cb_signature(stream_ctx: StreamContext, fl_ctx: FLContext, **kwargs: Any) -> None:
    """How a receiver is told that a stream is over; `kwargs` are those of the registration."""


class StreamableEngine(ABC):
    """An engine that carries streams: any class that has the three methods."""

    @abstractmethod
    def stream_objects(
        self,
        channel: str,
        topic: str,
        stream_ctx: StreamContext,
        targets: list[str],
        producer: ObjectProducer,
        fl_ctx: FLContext,
        optional: bool = False,
        secure: bool = False,
    ) -> Any:
        """Send what `producer` makes to `targets`; returns when the stream is over, with (return code, result)."""

    @abstractmethod
    def register_stream_processing(
        self,
        channel: str,
        topic: str,
        factory: ConsumerFactory,
        stream_done_cb: Callable[..., Any] | None = None,
        **cb_kwargs: Any,
    ) -> None:
        """Have `factory` make the consumers of streams that come on `channel` and `topic`."""

    @abstractmethod
    def shutdown_streamer(self) -> None:
        """Let go of what streams need."""

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        # The engine, which most runs never ask for a stream, need not import this.
        if cls is not StreamableEngine:
            return NotImplemented
        return all(hasattr(other, name) for name in cls.__abstractmethods__) or NotImplemented
