"""FileRetriever: asks another party for a file of its.

Answers ``nvflare.app_common.streamers.file_retriever``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedjob.components.streamers.file import FileStreamer
from fedjob.components.streamers.retriever import ObjectRetriever
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.streaming import StreamContext


class FileRetriever(ObjectRetriever):
    """Gives away files below `source_dir`, and puts those it asked for into `dest_dir`.

    Both are seen from the party's directory; `dest_dir` is the system's directory for temporary files by default.
    `chunk_size` and `chunk_timeout` have no effect, as in FLARE: files go in chunks of 1 MiB.
    """

    def __init__(
        self,
        source_dir: str,
        topic: str | None = None,
        stream_msg_optional: bool = False,
        stream_msg_secure: bool = False,
        dest_dir: str | None = None,
        chunk_size: int | None = None,
        chunk_timeout: float | None = None,
    ) -> None:
        super().__init__(topic)
        self.source_dir = source_dir
        self.dest_dir = dest_dir
        self.stream_msg_optional = stream_msg_optional
        self.stream_msg_secure = stream_msg_secure
        self.chunk_size = chunk_size
        self.chunk_timeout = chunk_timeout

    def retrieve_file(
        self, from_site: str, fl_ctx: FLContext, timeout: float, file_name: str
    ) -> tuple[str, Any]:
        """(return code, path of what has come); `file_name` is seen from the other party's `source_dir`."""
        return self.retrieve(from_site, fl_ctx, timeout, file_name=file_name)

    def register_stream_processing(
        self,
        channel: str,
        topic: str,
        fl_ctx: FLContext,
        stream_done_cb: Callable[..., Any],
        **cb_kwargs: Any,
    ) -> None:
        FileStreamer.register_stream_processing(
            fl_ctx, channel, topic, dest_dir=self.dest_dir, stream_done_cb=stream_done_cb, **cb_kwargs
        )

    def validate_request(self, request: Shareable, fl_ctx: FLContext) -> tuple[str, Any]:
        """OK and the file's path; BAD_REQUEST_DATA for a file that is not there or not below `source_dir`."""
        name = request.get("file_name")
        if not name:
            return self._refuse(fl_ctx, "the request names no file_name")
        path = Path(self.source_dir, name)
        if not path.is_file():
            return self._refuse(fl_ctx, f"there is no file {str(path)!r}")
        if Path(self.source_dir).resolve() not in path.resolve().parents:
            return self._refuse(fl_ctx, f"{str(path)!r} leads out of source_dir {self.source_dir!r}")
        return ReturnCode.OK, str(path)

    def _refuse(self, fl_ctx: FLContext, reason: str) -> tuple[str, Any]:
        self.log_error(fl_ctx, f"nothing is streamed: {reason}")
        return ReturnCode.BAD_REQUEST_DATA, None

    def do_stream(
        self,
        target: str,
        request: Shareable,
        fl_ctx: FLContext,
        stream_ctx: StreamContext,
        validated_data: Any,
    ) -> Any:
        return FileStreamer.stream_file(
            channel=self.stream_channel,
            topic=self.topic,
            stream_ctx=stream_ctx,
            targets=[target],
            file_name=validated_data,
            fl_ctx=fl_ctx,
            optional=self.stream_msg_optional,
            secure=self.stream_msg_secure,
        )

    def get_result(self, stream_ctx: StreamContext) -> tuple[str, Any]:
        return FileStreamer.get_rc(stream_ctx), FileStreamer.get_file_location(stream_ctx)
