"""A link over a cable: one peer's part of what travels between two processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fedjob.engines.local.hub import Hub
from fedjob.engines.local.link import Arrival, Link, Message, TakeResults
from fedjob.engines.local.plain_result import PlainResult

if TYPE_CHECKING:
    from fedjob.engines.local.cable import Cable

#: The kind of the message that closes a link.
CLOSE = ".close"
_CLOSING = Message(kind=CLOSE)


class CableLink(Link):
    """A link whose peer is in another process."""

    def __init__(self, hub: Hub, peer: str, cable: Cable, place: int) -> None:
        super().__init__(hub, peer)
        self.route: Cable = cable
        self.place = place

    def send(self, message: Message, number: int = 0) -> None:
        if not self.closed:
            self.sent += message.body.nbytes if message.body is not None else 0
            self.route.send(self.place, message, number)

    def send_result(self, headers: dict[str, Any], result: PlainResult) -> None:
        if not self.closed:
            self.sent += result.nbytes
            self.route.send_result(self.place, headers, result)

    def hear(self, take: Callable[[Arrival], None], take_results: TakeResults | None = None) -> None:
        super().hear(take)
        self.route.take_results = take_results

    def close(self) -> None:
        self.send(_CLOSING)
