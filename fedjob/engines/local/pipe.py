"""Whole pickled objects over a stream socket, with descriptors beside them if need be."""

from __future__ import annotations

import array
import pickle
import socket
import struct
from typing import Any

_SIZE = struct.Struct("=Q")


def send(sock: socket.socket, item: Any, descriptors: tuple[int, ...] = ()) -> None:
    """Send one object; OSError if the other end has gone."""
    data = pickle.dumps(item, 5)
    head = _SIZE.pack(len(data))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sock.sendmsg([head], rights)
    sock.sendall(data)


def receive(sock: socket.socket) -> Any:
    """The next object; EOFError if the other end has gone."""
    return receive_with_descriptors(sock, 0)[0]


def receive_with_descriptors(sock: socket.socket, most: int) -> tuple[Any, list[int]]:
    """The next object and the descriptors (at most `most`) that came with it."""
    try:
        head, rights, _, _ = sock.recvmsg(_SIZE.size, socket.CMSG_SPACE(most * 4) if most else 0)
        descriptors = array.array("i")
        for _, _, data in rights:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        head += _exactly(sock, _SIZE.size - len(head)) if head else b""
        if not head:
            raise EOFError("the other process has gone")
        return pickle.loads(_exactly(sock, _SIZE.unpack(head)[0])), list(descriptors)
    except ConnectionError as error:
        raise EOFError("the other process has gone") from error


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(min(size - len(data), 1 << 20))
        if not chunk:
            raise EOFError("the other process has gone")
        data += chunk
    return bytes(data)
