"""Frames: how messages lie in the stream of a socket, descriptors beside them."""

from __future__ import annotations

import array
import itertools
import socket
import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: What it is; bytes of what it says; number of a slab, or of a core; its descriptor comes.
_HEADER = struct.Struct("=BQQ?")

#: Buffers handed to the system at once; Linux takes at most 1024.
_BATCH = 256

#: Descriptors that one read takes in; one frame carries at most one.
MOST_DESCRIPTORS = 64


class What:
    """The kinds of frames."""

    MESSAGES, SLAB, RETURN, STUCK, ASK, ANSWER, JUMP = range(7)


@dataclass(slots=True)
class Frame:
    """One frame that has arrived."""

    what: int
    #: What it says, pickled.
    content: memoryview
    #: Of a slab from which blocks will be lent; of the core where messages were sent, see `seat.core`.
    number: int = 0
    #: What the slab lies behind.
    fd: int | None = None


class Out:
    """Frames on their way out."""

    def __init__(self) -> None:
        self._pieces: deque[bytes | memoryview] = deque()
        #: Descriptors to send, each with the place of its piece counted from the first piece ever.
        self._descriptors: deque[tuple[int, int]] = deque()
        self._gone = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, what: int, content: bytes = b"", *, number: int = 0, fd: int | None = None) -> None:
        if fd is not None:
            self._descriptors.append((self._gone + len(self._pieces), fd))
        self._pieces.append(_HEADER.pack(what, len(content), number, fd is not None) + content)

    def write(self, sock: socket.socket) -> None:
        """Send as much as the socket takes now; OSError if the peer has gone."""
        try:
            while self._pieces:
                self._take(self._send(sock))
        except BlockingIOError:
            return

    def _send(self, sock: socket.socket) -> int:
        if not self._descriptors:
            return sock.sendmsg(self._batch(_BATCH))
        place, fd = self._descriptors[0]
        if place > self._gone:
            return sock.sendmsg(self._batch(min(_BATCH, place - self._gone)))
        sent = sock.sendmsg(self._batch(1), [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        self._descriptors.popleft()
        return sent

    def _batch(self, count: int) -> Iterable[bytes | memoryview]:
        return self._pieces if len(self._pieces) <= count else list(itertools.islice(self._pieces, count))

    def _take(self, sent: int) -> None:
        pieces = self._pieces
        while sent:
            size = len(pieces[0])
            if sent < size:
                pieces[0] = memoryview(pieces[0])[sent:]
                return
            pieces.popleft()
            self._gone += 1
            sent -= size

    def clear(self) -> None:
        self._pieces.clear()
        self._descriptors.clear()


class Frames:
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._wanted = 0
        self._descriptors: deque[int] = deque()

    def feed(self, chunk: bytes, rights: Iterable[tuple[int, int, bytes]] = ()) -> list[Frame]:
        """The frames that `chunk` completes, each with its descriptor."""
        for _, _, right in rights:
            numbers = array.array("i")
            numbers.frombytes(right[: len(right) - len(right) % numbers.itemsize])
            self._descriptors.extend(numbers)
        data: Any = chunk
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._wanted:
                return []
            data = bytes(self._rest)
        return self._cut(memoryview(data))

    def _cut(self, view: memoryview) -> list[Frame]:
        frames, at = [], 0
        self._wanted = 0
        while len(view) - at >= _HEADER.size:
            what, length, number, fd = _HEADER.unpack_from(view, at)
            begin = at + _HEADER.size
            end = begin + length
            if len(view) < end:
                self._wanted = end - at
                break
            descriptor = self._descriptors.popleft() if fd else None
            frames.append(Frame(what, view[begin:end], number, descriptor))
            at = end
        self._rest = bytearray(view[at:])
        return frames
