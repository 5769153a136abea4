"""A cable: one socket between the server's process and a process of sites, carrying all their links.

Nothing here waits for the socket: what it does not take now is sent when it can take more. Messages are gathered and
travel many in a frame. Consecutive ones with the same body, as in a broadcast, carry it once. A block in shared
memory is lent: only its number travels, and the receiver says when it has no more use for it.
"""

from __future__ import annotations

import pickle
import selectors
import socket
from collections.abc import Callable
from typing import Any

from fedjob.engines.local.bundle import Alike, BodyParts, Bundle, Copies, Shown, is_of_results, results_in
from fedjob.engines.local.cable_link import CLOSE, CableLink
from fedjob.engines.local.frames import MOST_DESCRIPTORS, Frame, Frames, Out, What
from fedjob.engines.local.hub import Hub
from fedjob.engines.local.lending import Borrowed, Lending
from fedjob.engines.local.link import REPLY, Ends, Message, TakeResults
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.postponed import Late
from fedjob.engines.local.quiet import Answer, answer
from fedjob.engines.local.seat import core
from fedjob.engines.local.slab import Lease
from fedjob.engines.local.wire import Frozen, view_of

_CHUNK = 1 << 18
#: Messages, and bytes of their bodies, that are gathered for one frame at most: the other end begins with the first
#: while the next are being made.
_MANY, _MUCH = 64, 1 << 16

#: Bytes that are lent count so many times less: only their numbers travel.
_LIGHTER = 128

#: Seconds for which a sender is left waiting for memory that strands here still look at.
_PATIENCE = 0.05


class Cable:
    """One process's end: `link(peer)` makes a link. Both ends make theirs in the same order: the places tell them."""

    def __init__(self, hub: Hub, sock: socket.socket) -> None:
        self._hub = hub
        self._socket = sock
        self._links: list[CableLink] = []
        self._bundles: list[Bundle] = []
        #: Messages in these, and bytes of their bodies.
        self._gathered = self._gathered_bytes = 0
        self._out = Out()
        self._in = Frames()
        self._last_sent: Frozen | None = None
        self._last_received: Frozen | None = None
        self._late = Late()
        self._lending = Lending()
        self._borrowed = Borrowed()
        self._writing = False
        #: The other end reads no more. What it wrote before is still to be read.
        self._deaf = False
        self.closed = False
        #: Messages so far.
        self.sent = 0
        self.received = 0
        #: Which core the other end was on when it sent the last of them; 0 if that is not known.
        self.core = 0
        #: Called when some have been taken in.
        self.on_messages: Callable[[], None] | None = None
        #: What the other end has said to `ask`, None before it does.
        self.answer: Answer | None = None
        #: Takes results that come together, if anything does.
        self.take_results: TakeResults | None = None
        self._is_asked = False
        self._listening = False
        sock.setblocking(False)
        hub.on_rest(self._rest)

    def link(self, peer: str) -> CableLink:
        link = CableLink(self._hub, peer, self, len(self._links))
        self._links.append(link)
        return link

    def send(self, place: int, message: Message, number: int) -> None:
        """Queue a message; it leaves when the strands of this process have nothing else to do."""
        if self.closed:
            return
        body = message.body
        if type(body) is PlainResult:
            self.send_result(place, message.headers, body)
        else:
            self._send([place], message, [number], body)

    def send_to(self, ends: Ends, message: Message) -> None:
        """`Link.send` for several of its links; not for a result, which is one site's."""
        body, places, numbers = message.body, [], []
        assert type(body) is not PlainResult
        for link, number in ends:
            if not link.closed:
                link.sent += body.nbytes if body is not None else 0
                places.append(link.place)
                numbers.append(number)
        if places and not self.closed:
            self._send(places, message, numbers, body)

    def _send(self, places: list[int], message: Message, numbers: list[int], body: Frozen | None) -> None:
        last = self._bundles[-1] if self._bundles else None
        if type(last) is Copies and last.message is message:
            last.places += places
            last.numbers += numbers
        else:
            self._bundles.append(Copies(places, message, numbers, self._parts_of(body)))
        self.sent += len(places)
        self._gathered += len(places)
        if self._gathered >= _MANY or self._gathered_bytes >= _MUCH:
            self._leave()

    def send_result(self, place: int, headers: dict[str, Any], result: PlainResult) -> None:
        """`send` of a reply with that body."""
        if self.closed:
            return
        self._gathered_bytes += result.nbytes // _LIGHTER if type(result.raw) is Lease else result.nbytes
        last = self._bundles[-1] if self._bundles else None
        if (
            type(last) is Alike
            and last.form is result.form
            and (last.headers is headers or last.headers == headers)
        ):
            last.places.append(place)
            last.raws.append(result.raw)
            last.values.append(result.values)
        else:
            self._bundles.append(Alike(place, headers, result))
        self.sent += 1
        self._gathered += 1
        if self._gathered >= _MANY or self._gathered_bytes >= _MUCH:
            self._leave()

    def _leave(self) -> None:
        """What is gathered is enough for a frame."""
        self._pack()
        if not self._writing:
            self._write()

    def _parts_of(self, body: Frozen | None) -> BodyParts:
        """What stands for the body of one message or several."""
        if body is None or body is self._last_sent:
            return None if body is None else True
        # One party alone is sent another body next, into the memory of this one.
        self._last_sent = body if len(self._links) > 1 else None
        shown = self._show(body.block)
        self._gathered_bytes += body.nbytes if type(shown) is bytes else body.nbytes // _LIGHTER
        return self._late.parts_of(body), shown

    def _show(self, block: bytes | Lease) -> Shown:
        """What stands for a block that is to be sent: itself, if it cannot be lent."""
        if type(block) is not Lease or block.slab is None:
            return bytes(view_of(block))
        fd = self._lending.lend(block)
        if fd is not None:
            self._out.add(What.SLAB, number=block.number, fd=fd)
        return block.number, block.size

    def _block(self, shown: Shown) -> bytes | Lease:
        """The block that was shown so at the other end."""
        return shown if type(shown) is bytes else self._borrowed.take(*shown)

    def flush(self) -> None:
        """Give back what was borrowed, and write what the socket takes."""
        # For a bundle of results it is asked for each of their links.
        if not self.closed and (self._borrowed.returned or self._bundles or self._out):
            self._return()
            if not self._writing:
                self._write()

    def _return(self) -> None:
        if self._borrowed.returned:
            self._out.add(What.RETURN, pickle.dumps(self._borrowed.pop_returned()))

    def _pack(self) -> None:
        """Put what was gathered into a frame."""
        bundles = self._bundles
        if not bundles:
            return
        self._bundles, self._gathered, self._gathered_bytes = [], 0, 0
        shown = [bundle.parts(self._show) for bundle in bundles]
        self._out.add(What.MESSAGES, pickle.dumps(shown, 5), number=core())

    def ask(self) -> None:
        """Ask the other end to say when it has nothing to do; `answer` will hold what it says."""
        self.answer = None
        self._pack()
        self._out.add(What.ASK)
        self._write()

    def jump(self, seconds: float) -> None:
        """Put the other end's clock forward."""
        self._out.add(What.JUMP, pickle.dumps(seconds))
        self._write()

    def close(self) -> None:
        """Send what is queued, waiting for the peer to take it, and hang up."""
        if not self.closed:
            self._socket.setblocking(True)
            self._write()
            self._lose()

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_READ:
            self._read()
        if events & selectors.EVENT_WRITE and not self.closed:
            self._write()

    def _rest(self, idle: bool) -> None:
        if not self.closed:
            self._return()
            if idle and self._lending.is_stuck():
                self._out.add(What.STUCK)
            if idle and not self._listening:
                # Not before every party has begun: one that begins late would overtake those that wait.
                self._listening = True
                self._hub.sockets.watch(self._socket, selectors.EVENT_READ, self._ready, inner=True)
            if idle and self._is_asked and not self._hub.is_outside():
                self._is_asked = False
                said = answer(self._hub, self.sent, self.received)
                self._out.add(What.ANSWER, pickle.dumps(said))
            self._write()

    def _write(self) -> None:
        self._pack()
        try:
            if not self._deaf:
                self._out.write(self._socket)
        except OSError:
            self._deaf = True
        if self._deaf:
            self._out.clear()
        writing = bool(self._out)
        if writing != self._writing and self._listening:
            self._writing = writing
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
            self._hub.sockets.watch(self._socket, events, self._ready, inner=True)

    def _read(self) -> None:
        try:
            chunk, rights, _, _ = self._socket.recvmsg(_CHUNK, socket.CMSG_SPACE(4 * MOST_DESCRIPTORS))
        except BlockingIOError:
            return
        except OSError:
            chunk, rights = b"", []
        if not chunk:
            self._lose()
            return
        for frame in self._in.feed(chunk, rights):
            self._take_in(frame)

    def _take_in(self, frame: Frame) -> None:
        what = frame.what
        if what == What.MESSAGES:
            self.core = frame.number
            for parts in pickle.loads(frame.content):
                self._open(parts)
            if self.on_messages is not None:
                self.on_messages()
        elif what == What.RETURN:
            self._lending.returned(pickle.loads(frame.content))
        elif what == What.SLAB:
            assert frame.fd is not None
            self._borrowed.attach(frame.number, frame.fd)
        elif what == What.STUCK:
            self._hub.spawn(self._relieve, name="cable")
        elif what == What.ASK:
            self._is_asked = True
        elif what == What.ANSWER:
            self.answer = pickle.loads(frame.content)
        elif what == What.JUMP:
            self._hub.jump(pickle.loads(frame.content))

    def _open(self, parts: tuple[Any, ...]) -> None:
        """Deliver what is in a bundle."""
        if is_of_results(parts):
            self._open_results(parts)
            return
        kind, headers, shown, places, numbers = parts
        body = self._body(shown)
        links = self._links
        self.received += len(places)
        if kind == CLOSE:
            for place in places:
                links[place].lose()
            return
        nbytes = body.nbytes if body is not None else 0
        for place, number in zip(places, numbers, strict=True):
            link = links[place]
            # As `Link.deliver` has it, in fewer calls.
            if not link.closed:
                link.received += nbytes
                link.take(Message(kind=kind, headers=headers, body=body, number=number))

    def _open_results(self, parts: tuple[Any, ...]) -> None:
        headers, places, results = results_in(parts, self._block)
        links = [self._links[place] for place in places]
        self.received += len(links)
        if self.take_results is None or True in [link.closed for link in links]:
            for link, result in zip(links, results, strict=True):
                link.deliver(Message(kind=REPLY, headers=headers, body=result))
            return
        for link, result in zip(links, results, strict=True):
            link.received += result.nbytes
        self.take_results(headers, [(link.peer, r) for link, r in zip(links, results, strict=True)])

    def _body(self, shown: BodyParts) -> Frozen | None:
        """The body that was shown so at the other end."""
        if type(shown) is not tuple:
            return self._last_received if shown else None
        parts, block = shown
        received = self._late.body_of(parts, self._block(block))
        self._last_received = received if len(self._links) > 1 else None
        return received

    def _relieve(self) -> None:
        """The sender waits for what it lent. If that does not change soon, give it back and go on with copies."""
        before = self._borrowed.count
        self._hub.sleep(_PATIENCE, real=True)
        if self._borrowed.count == before:
            self._borrowed.detach()

    def _lose(self) -> None:
        """The other process has gone, or we have hung up."""
        if self.closed:
            return
        self.closed = True
        self._bundles.clear()
        self._out.clear()
        self._hub.sockets.unwatch(self._socket)
        self._socket.close()
        self._lending.end()
        self._last_sent = self._last_received = None
        for link in self._links:
            link.lose()
