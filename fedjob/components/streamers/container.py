"""ContainerStreamer: sends a dict, list or set entry by entry.

Answers ``nvflare.app_common.streamers.container_streamer``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.components.building import load_class
from fedjob.components.checks import check_positive_number
from fedjob.components.streamers.base import StreamerBase, engine_of, refused
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.logs import get_obj_logger
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.streaming import ConsumerFactory, ObjectConsumer, ObjectProducer, StreamContext

# The keys of a stream's context and of its messages.
_CLASS = "ContainerStreamer.type"
_LENGTH = "ContainerStreamer.size"
_RESULT = "ContainerStreamer.result"
_ENTRY = "ContainerStreamer.entry"
_LAST = "ContainerStreamer.last"

#: Seconds that receivers have to take an entry.
_ENTRY_TIMEOUT = 60.0


class ContainerStreamer(StreamerBase):
    """Both sides of a stream of one container."""

    @staticmethod
    def register_stream_processing(
        fl_ctx: FLContext,
        channel: str,
        topic: str,
        stream_done_cb: Callable[..., Any] | None = None,
        **cb_kwargs: Any,
    ) -> None:
        """At a receiver: put containers together that come on `channel` and `topic`; the callback gets `cb_kwargs`."""
        engine_of(fl_ctx).register_stream_processing(
            channel=channel, topic=topic, factory=_Collectors(), stream_done_cb=stream_done_cb, **cb_kwargs
        )

    @staticmethod
    def stream_container(
        channel: str,
        topic: str,
        stream_ctx: StreamContext,
        targets: list[str],
        container: Any,
        fl_ctx: FLContext,
        entry_timeout: float | None = None,
        optional: bool = False,
        secure: bool = False,
    ) -> Any:
        """Send a container; returns (return code, whether all went well) once `targets` have all of it.

        Its class must be one that can be made without arguments and filled: a dict's items are set, a set's elements
        added, those of anything else appended. `entry_timeout` is in seconds, 60.0 by default. Raises ValueError for an
        empty container.
        """
        timeout = entry_timeout or _ENTRY_TIMEOUT
        check_positive_number("entry_timeout", timeout)
        producer = _Entries(container, timeout)
        engine = engine_of(fl_ctx)
        known = stream_ctx or {}
        cls = type(container)
        known[_CLASS] = f"{cls.__module__}.{cls.__qualname__}"
        known[_LENGTH] = len(container)
        return engine.stream_objects(
            channel=channel,
            topic=topic,
            stream_ctx=known,
            targets=targets,
            producer=producer,
            fl_ctx=fl_ctx,
            optional=optional,
            secure=secure,
        )

    @staticmethod
    def get_result(stream_ctx: StreamContext) -> Any:
        """The container that has come, at a receiver; None if not all of it has."""
        return stream_ctx.get(_RESULT)


class _Entries(ObjectProducer):
    """Hands out one entry after another."""

    def __init__(self, container: Any, timeout: float) -> None:
        if not container:
            raise ValueError(
                "an empty container cannot be streamed; check for that before, or send it as it is"
            )
        self._logger = get_obj_logger(self)
        self._entries = iter(container.items() if isinstance(container, dict) else container)
        self._left = len(container)
        self._timeout = timeout

    def produce(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> tuple[Shareable | None, float]:
        if self._left <= 0:
            return None, 0.0
        self._left -= 1
        return Shareable({_ENTRY: next(self._entries), _LAST: not self._left}), self._timeout

    def process_replies(
        self, replies: dict[str, Shareable], stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> Any:
        if refused(self._logger, replies):
            return False
        return None if self._left else True


class _Collectors(ConsumerFactory):
    def get_consumer(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> ObjectConsumer:
        return _Collector(stream_ctx)


class _Collector(ObjectConsumer):
    """Fills a new container with the entries as they come."""

    def __init__(self, stream_ctx: StreamContext) -> None:
        self._container = _made(str(stream_ctx.get(_CLASS)))
        self._length = stream_ctx.get(_LENGTH)

    def consume(
        self, shareable: Shareable, stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> tuple[bool, Shareable]:
        try:
            self._put(shareable.get(_ENTRY))
        except Exception as e:
            kind = type(self._container).__name__
            raise ValueError(f"a {kind} does not take the entries that are streamed into it: {e}") from e
        if not shareable.get(_LAST):
            return True, make_reply(ReturnCode.OK)
        if len(self._container) != self._length:
            raise ValueError(
                f"{len(self._container)} entries have come of a container that had {self._length} when its stream began;"
                " leave a container as it is while it is sent"
            )
        stream_ctx[_RESULT] = self._container
        return False, make_reply(ReturnCode.OK)

    def _put(self, entry: Any) -> None:
        container = self._container
        if isinstance(container, dict):
            key, container_value = entry
            container[key] = container_value
        elif isinstance(container, set):
            container.add(entry)
        else:
            container.append(entry)


def _made(path: str) -> Any:
    try:
        return load_class(path)()
    except Exception as e:
        raise TypeError(
            f"a container of class {path} cannot be made here: {e}; stream a dict, list or set"
        ) from e
