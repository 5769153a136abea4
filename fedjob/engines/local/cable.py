"""A cable: one socket between the server's process and a process of sites, carrying all their links.

A frame is a header, a pickled (site, kind, headers) and perhaps a body. Consecutive messages with the same
body, as in a broadcast, carry it once. Nothing here waits: what the socket does not take now
is sent when it can take more.
"""

from __future__ import annotations

import pickle
import selectors
import socket
import struct
from collections import deque
from typing import Any

from fedjob.engines.local.hub import Hub
from fedjob.engines.local.link import Link, Message
from fedjob.engines.local.wire import Frozen

#: Bytes of the address, of the body's pickle, of its sizes, of its block; then what the body is.
_HEADER = struct.Struct("=IIIQB")
_NO_BODY, _BODY, _SAME_BODY = range(3)
_CHUNK = 1 << 18
_CLOSE = ".close"
#: Buffers handed to the system at once; Linux takes at most 1024.
_BATCH = 256


class CableLink(Link):
    """A link whose peer is in another process."""

    def __init__(self, hub: Hub, peer: str, cable: Cable, site: str) -> None:
        super().__init__(hub, peer)
        self._cable = cable
        self._site = site

    def send(self, message: Message) -> None:
        if not self.closed:
            self.sent += message.body.nbytes if message.body is not None else 0
            self._cable.send(self._site, message)

    def close(self) -> None:
        self.send(Message(kind=_CLOSE))


class Cable:
    """One process's end: `link(site, peer)` makes the link over which `site`'s messages go."""

    def __init__(self, hub: Hub, sock: socket.socket) -> None:
        self._hub = hub
        self._socket = sock
        self._links: dict[str, CableLink] = {}
        self._out: deque[memoryview | bytes] = deque()
        self._in = Frames()
        self._last_sent: Frozen | None = None
        self._last_received: Frozen | None = None
        self._writing = False
        self.closed = False
        sock.setblocking(False)
        hub.watch(sock, selectors.EVENT_READ, self._ready)
        hub.on_idle(self._write)

    def link(self, site: str, peer: str) -> CableLink:
        link = self._links[site] = CableLink(self._hub, peer, self, site)
        return link

    def send(self, site: str, message: Message) -> None:
        """Queue a message; it leaves when the strands of this process have nothing else to do."""
        if self.closed:
            return
        address = pickle.dumps((site, message.kind, message.headers), 5)
        body = message.body
        if body is None:
            self._out.append(_HEADER.pack(len(address), 0, 0, 0, _NO_BODY) + address)
        elif body is self._last_sent:
            self._out.append(_HEADER.pack(len(address), 0, 0, 0, _SAME_BODY) + address)
        else:
            self._send_body(address, body)
        if len(self._out) >= _BATCH and not self._writing:
            self._write()

    def _send_body(self, address: bytes, body: Frozen) -> None:
        self._last_sent = body
        sizes = struct.pack(f"={len(body.sizes)}Q", *body.sizes)
        header = _HEADER.pack(len(address), len(body.pickle), len(sizes), len(body.block), _BODY)
        self._out.append(b"".join((header, address, body.pickle, sizes)))
        if body.block:
            self._out.append(memoryview(body.block))

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

    def _write(self) -> None:
        out = self._out
        try:
            while out:
                self._take(self._socket.sendmsg([*out][:_BATCH] if len(out) > _BATCH else out))
        except BlockingIOError:
            pass
        except OSError:
            self._lose()
            return
        self._watch(bool(out))

    def _take(self, sent: int) -> None:
        out = self._out
        while sent:
            size = len(out[0])
            if sent < size:
                out[0] = memoryview(out[0])[sent:]
                return
            out.popleft()
            sent -= size

    def _watch(self, writing: bool) -> None:
        if writing != self._writing:
            self._writing = writing
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
            self._hub.watch(self._socket, events, self._ready)

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._lose()
            return
        for address, body in self._in.feed(chunk):
            self._deliver(address, body)

    def _deliver(self, address: tuple[str, str, dict[str, Any]], body: Frozen | int) -> None:
        site, kind, headers = address
        if isinstance(body, Frozen):
            self._last_received = body
        received = None if body == _NO_BODY else self._last_received
        link = self._links[site]
        if kind == _CLOSE:
            link.lose()
        else:
            link.deliver(Message(kind=kind, headers=headers, body=received))

    def _lose(self) -> None:
        """The other process has gone, or we have hung up."""
        if self.closed:
            return
        self.closed = True
        self._out.clear()
        self._hub.unwatch(self._socket)
        self._socket.close()
        for link in self._links.values():
            link.lose()


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._wanted = 0

    def feed(self, chunk: bytes) -> list[tuple[Any, Frozen | int]]:
        """The frames that `chunk` completes: (address, body), the body an int if none travelled."""
        data: Any = chunk
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._wanted:
                return []
            data = self._rest
        frames, at = [], 0
        view = memoryview(data)
        while len(view) - at >= _HEADER.size:
            sizes = _HEADER.unpack_from(view, at)
            end = at + _HEADER.size + sum(sizes[:4])
            if len(view) < end:
                self._wanted = end - at
                break
            frames.append(_frame(view[at + _HEADER.size : end], *sizes))
            at = end
        else:
            self._wanted = 0
        self._rest = bytearray(view[at:])
        return frames


def _frame(view: memoryview, address: int, main: int, sizes: int, *what: int) -> tuple[Any, Frozen | int]:
    to = pickle.loads(view[:address])
    if what[-1] != _BODY:
        return to, what[-1]
    at = address + main
    return to, Frozen(
        pickle=bytes(view[address:at]),
        sizes=struct.unpack(f"={sizes // 8}Q", view[at : at + sizes]),
        block=bytes(view[at + sizes :]),
    )
