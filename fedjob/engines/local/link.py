"""Links: how the server and a site exchange messages, the same in memory and between processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fedjob.engines.local.hub import Hub, Mailbox
from fedjob.engines.local.plain_result import Body, PlainResult


class Message:
    """What is sent over a link: a kind, small plain headers and perhaps an encoded body. Not to be changed.

    Many receivers may have one message, or its headers, in common; then `number` tells one from another.
    """

    __slots__ = ("body", "headers", "kind", "number")

    def __init__(
        self, *, kind: str, headers: dict[str, Any] | None = None, body: Body | None = None, number: int = 0
    ) -> None:
        self.kind = kind
        self.headers: dict[str, Any] = {} if headers is None else headers
        self.body = body
        self.number = number

    def __repr__(self) -> str:
        return f"Message(kind={self.kind!r}, headers={self.headers!r}, body={self.body!r})"


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """The last item of an inbox: the peer has ended or died."""

    peer: str


Arrival = Message | LinkClosed

#: The kind of a message that answers a task.
REPLY = "reply"

#: Called with the headers that results have in common, and who has sent which.
TakeResults = Callable[[dict[str, Any], Iterable[tuple[str, Body | None]]], None]


#: Some links of one route, each with the number that a message to all of them has for its peer.
Ends = Sequence[tuple[Any, int]]


class Route(Protocol):
    """What several links have in common."""

    def send_to(self, ends: Ends, message: Message) -> None:
        """`Link.send` for each of them."""

    def flush(self) -> None:
        """Have what was sent leave, and what was lent go back, now and not when the strands of this process rest."""


class _OneByOne:
    """The route of links that have nothing in common."""

    def send_to(self, ends: Ends, message: Message) -> None:
        for link, number in ends:
            link.send(message, number)

    def flush(self) -> None:
        """Nothing waits."""


_ONE_BY_ONE = _OneByOne()


class Link:
    """One end of a conversation with `peer`: `send` does not wait.

    What arrives is in `inbox`, a mailbox, until somebody hears it with `hear`.
    `sent` and `received` count the bytes of the bodies.
    """

    def __init__(self, hub: Hub, peer: str) -> None:
        self.peer = peer
        self.sent = 0
        self.received = 0
        self.closed = False
        #: What takes a message to this peer and to others at once.
        self.route: Route = _ONE_BY_ONE
        self._hub = hub
        # Made when needed: most links are heard from the start, by thousands of sites.
        self._inbox: Mailbox[Arrival] | None = None
        #: What is called with each that arrives.
        self.take: Callable[[Arrival], None] = self._keep

    @property
    def inbox(self) -> Mailbox[Arrival]:
        """What has arrived, until somebody hears it."""
        if self._inbox is None:
            self._inbox = self._hub.mailbox()
        return self._inbox

    def _keep(self, arrival: Arrival) -> None:
        self.inbox.put(arrival)

    def hear(self, take: Callable[[Arrival], None], take_results: TakeResults | None = None) -> None:
        """Have `take` called with all that has arrived and will. It must not wait: who calls it is no strand.

        Results of many peers that come together on one cable go to `take_results` if all of its links have the same.
        """
        while self._inbox is not None and len(self._inbox):
            take(self._inbox.get())
        self.take = take

    def send(self, message: Message, number: int = 0) -> None:
        """Send, with a number for this receiver of a message to many.

        A message to a peer that has gone is dropped, its LinkClosed is in the inbox.
        """
        raise NotImplementedError

    def send_result(self, headers: dict[str, Any], result: PlainResult) -> None:
        """`send` of a reply with these headers and this body, which needs no message where it is not handed on as one."""
        self.send(Message(kind=REPLY, headers=headers, body=result))

    def close(self) -> None:
        """Say that nothing more will be sent; the peer gets LinkClosed."""
        raise NotImplementedError

    def deliver(self, message: Message) -> None:
        """Hand a message that has arrived to whoever waits for it."""
        if not self.closed:
            if message.body is not None:
                self.received += message.body.nbytes
            self.take(message)

    def lose(self) -> None:
        """The peer has gone."""
        if not self.closed:
            self.closed = True
            self.take(LinkClosed(self.peer))


class MemoryLink(Link):
    """A link whose peer is a strand of the same process."""

    _other: MemoryLink

    def send(self, message: Message, number: int = 0) -> None:
        if not self.closed and not self._other.closed:
            body = message.body
            if body is not None:
                self.sent += body.nbytes
            own = Message(kind=message.kind, headers=message.headers.copy(), body=body, number=number)
            self._other.deliver(own)

    def close(self) -> None:
        self._other.lose()


def send_to_all(links: Iterable[Link], message: Message) -> None:
    """Send a message to many peers."""
    ends: dict[Route, list[tuple[Link, int]]] = {}
    for link in links:
        ends.setdefault(link.route, []).append((link, 0))
    for route, its in ends.items():
        route.send_to(its, message)


def pair(hub: Hub, left: str, right: str) -> tuple[MemoryLink, MemoryLink]:
    """Two ends in one process: the first is `left`'s (its peer is `right`), the second `right`'s."""
    one, two = MemoryLink(hub, right), MemoryLink(hub, left)
    one._other, two._other = two, one
    return one, two
