"""The part of an engine that carries streams; what it needs is made when the first stream is sent or registered for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fedjob.engines.local.hub import Hub, running
from fedjob.flare import paths

if TYPE_CHECKING:
    from fedjob.engines.local.streams import Streams

_making = threading.Lock()


class CarriesStreams:
    """FLARE's ``StreamableEngine``."""

    hub: Hub
    #: What is in place while a strand of this party runs.
    context: Any
    _streams: Streams | None = None

    def stream_objects(
        self,
        channel: str,
        topic: str,
        stream_ctx: dict[str, Any] | None,
        targets: list[str],
        producer: Any,
        fl_ctx: Any,
        optional: bool = False,
        secure: bool = False,
    ) -> Any:
        """Send what `producer` makes to `targets`; (return code, result) once the stream is over.

        May be called from any thread.
        """
        send = self._streaming().send
        return self.in_run(send, channel, topic, stream_ctx, targets, producer, fl_ctx)

    def register_stream_processing(
        self,
        channel: str,
        topic: str,
        factory: Any,
        stream_done_cb: Callable[..., Any] | None = None,
        consumed_cb: Callable[..., Any] | None = None,
        **cb_kwargs: Any,
    ) -> None:
        """Have `factory` make the consumers of streams on `channel` and `topic`.

        ``consumed_cb(what consume() gave, stream_ctx, fl_ctx, **cb_kwargs)`` is called after each object,
        ``stream_done_cb(stream_ctx, fl_ctx, **cb_kwargs)`` when a stream is over; what that gives goes to the sender.
        """
        streams = self._streaming()
        from fedjob.engines.local.reception import Registration

        registration = Registration(
            factory=factory, done=stream_done_cb, consumed=consumed_cb, kwargs=cb_kwargs
        )
        streams.register(channel, topic, registration)

    def shutdown_streamer(self) -> None:
        """Nothing to do: streams need no threads here."""

    def in_run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function` as one of this party's strands, which may wait, whichever thread wants it called."""
        if running() is not None:
            return function(*args)
        from fedjob.engines.local.crossing import crossing_of

        return crossing_of(self.hub).call(self.context, function, *args)

    def _expect_threads(self) -> None:
        """Be ready, if user code has imported streamers, for threads of its own and strands that wait for them."""
        if running() is not None and (paths.STREAMING in sys.modules or paths.STREAMERS in sys.modules):
            from fedjob.engines.local.crossing import crossing_of

            crossing_of(self.hub)

    def _streaming(self) -> Streams:
        if self._streams is None:
            from fedjob.engines.local.crossing import crossing_of
            from fedjob.engines.local.streams import Streams

            crossing_of(self.hub)
            with _making:
                # Another thread may have been faster.
                self._streams = vars(self).get("_streams") or Streams(self)
        return self._streams
