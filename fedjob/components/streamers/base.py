"""What streamers have in common: the words of their messages, and chunks of bytes.

Answers ``nvflare.app_common.streamers.streamer_base``.
"""

from __future__ import annotations

from typing import Any

from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.logs import get_obj_logger
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.streaming import (
    ObjectConsumer,
    ObjectProducer,
    StreamableEngine,
    StreamContext,
    StreamContextKey,
)

# The keys of a chunk.
CHUNK_PREFIX = "Streamer."
KEY_FILE_NAME = f"{CHUNK_PREFIX}file_name"
KEY_DATA = f"{CHUNK_PREFIX}data"
KEY_DATA_SIZE = f"{CHUNK_PREFIX}size"
KEY_EOF = f"{CHUNK_PREFIX}eof"

# The keys of a stream of one file, and of a log.
KEY_FILE_LOCATION = "FileStreamer.file_location"
KEY_FILE_SIZE = "FileStreamer.file_size"
KEY_HEARTBEAT = "LogStreamer.heartbeat"
KEY_STREAM_DONE_CB = "LogStreamer.stream_done_cb"


class StreamerBase:
    """What a stream's context says of the stream."""

    @staticmethod
    def get_channel(ctx: StreamContext) -> Any:
        return ctx.get(StreamContextKey.CHANNEL)

    @staticmethod
    def get_topic(ctx: StreamContext) -> Any:
        return ctx.get(StreamContextKey.TOPIC)

    @staticmethod
    def get_rc(ctx: StreamContext) -> Any:
        """How the stream ended, at a receiver; None before that."""
        return ctx.get(StreamContextKey.RC)


class BaseChunkProducer(ObjectProducer):
    """Sends chunks until `eof` or until a receiver does not take one."""

    def __init__(self) -> None:
        self.eof = False
        self.logger = get_obj_logger(self)

    def process_replies(
        self, replies: dict[str, Shareable], stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> Any:
        """The replies of all once the last chunk was taken; False when one was not."""
        if refused(self.logger, replies):
            return False
        return dict(replies) if self.eof else None


class BaseChunkConsumer(ObjectConsumer):
    """Takes chunks whose size is told beside them."""

    def __init__(self) -> None:
        self.logger = get_obj_logger(self)

    def _validate_chunk(self, data: Any, data_size: Any) -> None:
        """Raises ValueError unless `data` has that many bytes; None has 0."""
        length = 0 if data is None else len(data)
        if data_size != length:
            raise ValueError(
                f"a chunk of {length} bytes has come that was announced with {data_size}; send {KEY_DATA!r} and"
                f" {KEY_DATA_SIZE!r} of the same chunk"
            )


def refused(logger: Any, replies: dict[str, Shareable]) -> bool:
    """Whether a receiver did not take an object; says who, and why."""
    codes = {target: reply.get_return_code(ReturnCode.OK) for target, reply in replies.items()}
    bad = {target: code for target, code in codes.items() if code != ReturnCode.OK}
    for target, code in bad.items():
        logger.error(
            "the stream ends: %s answered %s; its log says why, if it could be reached", target, code
        )
    return bool(bad)


def engine_of(fl_ctx: FLContext) -> Any:
    """The engine that is to carry a stream. Raises RuntimeError if it cannot."""
    engine = fl_ctx.get_engine()
    if not isinstance(engine, StreamableEngine):
        raise RuntimeError(
            f"{type(engine).__name__} carries no streams; hand over a context of a run, from engine.new_context()"
        )
    return engine
