"""FileStreamer: sends a file chunk by chunk.

Answers ``nvflare.app_common.streamers.file_streamer``.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from fedjob.components.checks import check_positive_int, check_positive_number
from fedjob.components.streamers.base import (
    KEY_DATA,
    KEY_DATA_SIZE,
    KEY_EOF,
    KEY_FILE_LOCATION,
    KEY_FILE_NAME,
    KEY_FILE_SIZE,
    BaseChunkConsumer,
    BaseChunkProducer,
    StreamerBase,
    engine_of,
)
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.streaming import ConsumerFactory, ObjectConsumer, StreamContext

#: Bytes, and seconds that receivers have to take as many.
_CHUNK_SIZE = 1 << 20
_CHUNK_TIMEOUT = 5.0


class FileStreamer(StreamerBase):
    """Both sides of a stream of one file."""

    @staticmethod
    def register_stream_processing(
        fl_ctx: FLContext,
        channel: str,
        topic: str,
        dest_dir: str | None = None,
        stream_done_cb: Callable[..., Any] | None = None,
        chunk_consumed_cb: Callable[..., Any] | None = None,
        **cb_kwargs: Any,
    ) -> None:
        """At a receiver: put files that come on `channel` and `topic` into `dest_dir`, under names that do not collide.

        `dest_dir` is the system's directory for temporary files by default. Both callbacks get `cb_kwargs`.
        Raises ValueError for a directory that is not there.
        """
        folder = dest_dir or tempfile.gettempdir()
        if not Path(folder).is_dir():
            raise ValueError(f"dest_dir {folder!r} is no directory; make it before streams are registered")
        engine_of(fl_ctx).register_stream_processing(
            channel=channel,
            topic=topic,
            factory=_Writers(folder),
            stream_done_cb=stream_done_cb,
            consumed_cb=chunk_consumed_cb,
            **cb_kwargs,
        )

    @staticmethod
    def stream_file(
        channel: str,
        topic: str,
        stream_ctx: StreamContext,
        targets: list[str],
        file_name: str,
        fl_ctx: FLContext,
        chunk_size: int | None = None,
        chunk_timeout: float | None = None,
        optional: bool = False,
        secure: bool = False,
    ) -> Any:
        """Send the file at the path `file_name`; returns (return code, result) once `targets` have all of it.

        The result is what they replied to the last chunk, by name, or False. `chunk_size` is in bytes, 1 MiB by default,
        `chunk_timeout` in seconds, 5.0 by default. Raises ValueError if there is no such file.
        """
        path = Path(file_name)
        if not path.is_file():
            raise ValueError(f"there is no file {file_name!r} to be streamed")
        size, timeout = chunk_size or _CHUNK_SIZE, chunk_timeout or _CHUNK_TIMEOUT
        check_positive_int("chunk_size", size)
        check_positive_number("chunk_timeout", timeout)
        engine = engine_of(fl_ctx)
        known = stream_ctx or {}
        known[KEY_FILE_NAME] = path.name
        known[KEY_FILE_SIZE] = path.stat().st_size
        with path.open("rb") as file:
            return engine.stream_objects(
                channel=channel,
                topic=topic,
                stream_ctx=known,
                targets=targets,
                producer=_Reader(file, size, timeout),
                fl_ctx=fl_ctx,
                optional=optional,
                secure=secure,
            )

    @staticmethod
    def get_file_name(stream_ctx: StreamContext) -> Any:
        """What the file is called at the sender, without its directory."""
        return stream_ctx.get(KEY_FILE_NAME)

    @staticmethod
    def get_file_location(stream_ctx: StreamContext) -> Any:
        """The path of what has come, at a receiver."""
        return stream_ctx.get(KEY_FILE_LOCATION)

    @staticmethod
    def get_file_size(stream_ctx: StreamContext) -> Any:
        """The size of the file at the sender, in bytes."""
        return stream_ctx.get(KEY_FILE_SIZE)


class _Reader(BaseChunkProducer):
    """Reads one chunk after another; the last one is shorter than the others, perhaps empty."""

    def __init__(self, file: BinaryIO, size: int, timeout: float) -> None:
        super().__init__()
        self._file = file
        self._size = size
        self._timeout = timeout

    def produce(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> tuple[Shareable, float]:
        chunk = self._file.read(self._size)
        self.eof = len(chunk) < self._size
        part = Shareable({KEY_DATA: chunk, KEY_DATA_SIZE: len(chunk), KEY_EOF: self.eof})
        return part, self._timeout


class _Writers(ConsumerFactory):
    def __init__(self, folder: str) -> None:
        self._folder = folder

    def get_consumer(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> ObjectConsumer:
        return _Writer(stream_ctx, self._folder)


class _Writer(BaseChunkConsumer):
    """Appends what comes to a file of its own, and says where that is."""

    def __init__(self, stream_ctx: StreamContext, folder: str) -> None:
        super().__init__()
        self._expected = stream_ctx.get(KEY_FILE_SIZE)
        self._written = 0
        path = Path(folder) / str(uuid.uuid4())
        self._file = path.open("wb")
        stream_ctx[KEY_FILE_LOCATION] = str(path)

    def consume(
        self, shareable: Shareable, stream_ctx: StreamContext, fl_ctx: FLContext
    ) -> tuple[bool, Shareable]:
        chunk = shareable.get(KEY_DATA)
        self._validate_chunk(chunk, shareable.get(KEY_DATA_SIZE))
        if chunk:
            self._written += self._file.write(chunk)
        over = bool(shareable.get(KEY_EOF))
        if over and self._written != self._expected:
            raise ValueError(
                f"{self._written} bytes of {stream_ctx.get(KEY_FILE_NAME)!r} have come, and it had {self._expected} when the"
                " stream began; send a file only when it is complete"
            )
        return not over, make_reply(ReturnCode.OK)

    def finalize(self, stream_ctx: StreamContext, fl_ctx: FLContext) -> None:
        self._file.close()
