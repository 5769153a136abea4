"""ContainerRetriever: asks another party for a dict, list or set of its.

Answers ``nvflare.app_common.streamers.container_retriever``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fedjob.components.streamers.container import ContainerStreamer
from fedjob.components.streamers.retriever import ObjectRetriever
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.streaming import StreamContext


class ContainerRetriever(ObjectRetriever):
    """Gives away what was added with `add_container`. `entry_timeout` has no effect, as in FLARE: an entry has 60 s."""

    def __init__(
        self,
        topic: str | None = None,
        stream_msg_optional: bool = False,
        stream_msg_secure: bool = False,
        entry_timeout: float | None = None,
    ) -> None:
        super().__init__(topic)
        self.stream_msg_optional = stream_msg_optional
        self.stream_msg_secure = stream_msg_secure
        self.entry_timeout = entry_timeout
        self.containers: dict[str, Any] = {}

    def add_container(self, name: str, container: Any) -> None:
        """Have a container to give away under that name."""
        self.containers[name] = container

    def retrieve_container(
        self, from_site: str, fl_ctx: FLContext, timeout: float, name: str
    ) -> tuple[str, Any]:
        """(return code, container) of the container that the other party has under that name."""
        return self.retrieve(from_site, fl_ctx, timeout, name=name)

    def register_stream_processing(
        self,
        channel: str,
        topic: str,
        fl_ctx: FLContext,
        stream_done_cb: Callable[..., Any],
        **cb_kwargs: Any,
    ) -> None:
        ContainerStreamer.register_stream_processing(
            fl_ctx, channel, topic, stream_done_cb=stream_done_cb, **cb_kwargs
        )

    def validate_request(self, request: Shareable, fl_ctx: FLContext) -> tuple[str, Any]:
        """OK and the container; BAD_REQUEST_DATA for one that is not there, or empty."""
        name = request.get("name")
        container = self.containers.get(name) if name else None
        if not container:
            what = f"there is no container {name!r} with entries" if name else "the request gives no name"
            self.log_error(
                fl_ctx,
                f"nothing is streamed: {what}; add_container() was called for {sorted(self.containers)}",
            )
            return ReturnCode.BAD_REQUEST_DATA, None
        return ReturnCode.OK, container

    def do_stream(
        self,
        target: str,
        request: Shareable,
        fl_ctx: FLContext,
        stream_ctx: StreamContext,
        validated_data: Any,
    ) -> Any:
        return ContainerStreamer.stream_container(
            channel=self.stream_channel,
            topic=self.topic,
            stream_ctx=stream_ctx,
            targets=[target],
            container=validated_data,
            fl_ctx=fl_ctx,
            optional=self.stream_msg_optional,
            secure=self.stream_msg_secure,
        )

    def get_result(self, stream_ctx: StreamContext) -> tuple[str, Any]:
        return ContainerStreamer.get_rc(stream_ctx), ContainerStreamer.get_result(stream_ctx)
