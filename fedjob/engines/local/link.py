"""Links: how the server and a site exchange messages, the same in memory and between processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fedjob.engines.local.hub import Hub, Mailbox
from fedjob.engines.local.wire import Frozen


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What is sent over a link: a kind, small plain headers and perhaps an encoded body."""

    kind: str
    headers: dict[str, Any] = field(default_factory=dict)
    body: Frozen | None = None


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """The last item of an inbox: the peer has ended or died."""

    peer: str


class Link:
    """One end of a conversation with `peer`: `send` does not wait, `inbox` is a mailbox of messages.

    `sent` and `received` count the bytes of the bodies.
    """

    def __init__(self, hub: Hub, peer: str) -> None:
        self.peer = peer
        self.inbox: Mailbox[Message | LinkClosed] = hub.mailbox()
        self.sent = 0
        self.received = 0
        self.closed = False

    def send(self, message: Message) -> None:
        """Send; a message to a peer that has gone is dropped, its LinkClosed is in the inbox."""
        raise NotImplementedError

    def close(self) -> None:
        """Say that nothing more will be sent; the peer gets LinkClosed."""
        raise NotImplementedError

    def deliver(self, message: Message) -> None:
        """Hand a message that has arrived to whoever waits for it."""
        if not self.closed:
            self.received += message.body.nbytes if message.body is not None else 0
            self.inbox.put(message)

    def lose(self) -> None:
        """The peer has gone."""
        if not self.closed:
            self.closed = True
            self.inbox.put(LinkClosed(self.peer))


class MemoryLink(Link):
    """A link whose peer is a strand of the same process."""

    _other: MemoryLink

    def send(self, message: Message) -> None:
        if not self.closed and not self._other.closed:
            self.sent += message.body.nbytes if message.body is not None else 0
            self._other.deliver(_with_own_headers(message))

    def close(self) -> None:
        self._other.lose()


def _with_own_headers(message: Message) -> Message:
    return Message(kind=message.kind, headers=dict(message.headers), body=message.body)


def pair(hub: Hub, left: str, right: str) -> tuple[MemoryLink, MemoryLink]:
    """Two ends in one process: the first is `left`'s (its peer is `right`), the second `right`'s."""
    one, two = MemoryLink(hub, right), MemoryLink(hub, left)
    one._other, two._other = two, one
    return one, two
