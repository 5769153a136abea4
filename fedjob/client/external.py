"""The Client API's line to its site from an external process: a Unix socket, and Python objects over it.

From the script come ``hello``, ``next`` (it waits for a task), ``result``, ``log``, ``stop`` and ``failed``; from the
site ``task``, ``end`` and ``refused``. Each is a dict with the key ``kind``.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedjob.client import session
from fedjob.client.script import Script
from fedjob.client.session import Session, TaskIn
from fedjob.errors import ClientAPIError
from fedjob.exchange.analytics import AnalyticsDataType
from fedjob.exchange.fl_model import FLModel
from fedjob.flare import shim

_log = logging.getLogger(__name__)

Said = dict[str, Any]

# Bytes of the pickle, number of the buffers beside it; then each buffer's bytes.
_HEAD, _SIZE = struct.Struct("=QI"), struct.Struct("=Q")
_CHUNK = 1 << 18
#: Longest path that a socket's address takes, on every system.
_LONGEST = 100

#: Asks a script's process to write down where it stands.
DUMP_SIGNAL = signal.SIGUSR2


# How objects travel.


def pack(said: Said) -> list[bytes | memoryview]:
    """`said` as the pieces of a message; large arrays are not copied. Raises pickle's errors."""
    buffers: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> None:
        buffers.append(buffer.raw())

    data = pickle.dumps(said, 5, buffer_callback=keep)
    sizes = b"".join(_SIZE.pack(buffer.nbytes) for buffer in buffers)
    return [_HEAD.pack(len(data), len(buffers)) + sizes + data, *(b for b in buffers if b.nbytes)]


class Packed:
    """A message that has arrived; `load` decodes it into objects that share nothing with others."""

    def __init__(self, data: bytes, buffers: list[bytearray]) -> None:
        self._data = data
        self._buffers = buffers

    def load(self) -> Said:
        said: Said = pickle.loads(self._data, buffers=self._buffers)
        return said


class Unpacker:
    """Cuts what arrives into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Packed]:
        """The messages that `chunk` completes."""
        self._rest += chunk
        while (found := self._first()) is not None:
            yield found

    def _first(self) -> Packed | None:
        rest = self._rest
        if len(rest) < _HEAD.size:
            return None
        length, count = _HEAD.unpack_from(rest)
        at = _HEAD.size + count * _SIZE.size
        if len(rest) < at:
            return None
        sizes = [_SIZE.unpack_from(rest, _HEAD.size + i * _SIZE.size)[0] for i in range(count)]
        if len(rest) < at + length + sum(sizes):
            return None
        data, at = bytes(rest[at : at + length]), at + length
        buffers = []
        for size in sizes:
            buffers.append(rest[at : at + size])
            at += size
        del rest[:at]
        return Packed(data, buffers)


@contextlib.contextmanager
def address(path: str) -> Iterator[str]:
    """An address for the socket at `path`: a long path is given relative to its directory, which is entered for it."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    before = Path.cwd()
    os.chdir(Path(path).parent)
    try:
        yield Path(path).name
    finally:
        os.chdir(before)


def _connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        with address(path) as place:
            sock.connect(place)
    except OSError:
        sock.close()
        raise
    return sock


def _send(sock: socket.socket, said: Said) -> None:
    for piece in pack(said):
        sock.sendall(piece)


# The script's side.


def enter(settings: dict[str, Any]) -> None:
    """Make this process the job's: FLARE's names are answered, and the Client API finds its session."""
    shim.install()
    session.bind(PipeSession(settings))


def report(settings: dict[str, Any], error: BaseException) -> None:
    """Tell the site of an exception that nobody caught."""
    with _connect(settings["socket"]) as sock:
        _send(
            sock,
            {
                "kind": "failed",
                "pid": os.getpid(),
                "main": Path(getattr(sys.modules["__main__"], "__file__", None) or "").name,
                "missing": isinstance(error, ModuleNotFoundError),
                "type": type(error).__name__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
            },
        )


class PipeSession(Session):
    """A script's session over a socket. It connects when the script first wants something of its site."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(
            site_name=settings["site_name"], job_id=settings["job_id"], config=settings["config"]
        )
        self._settings = settings
        self._socket: socket.socket | None = None
        self._arrived = Unpacker()
        self._tasks: deque[tuple[int, TaskIn]] = deque()
        self._number = 0
        self._asked = 0
        self._over = False
        self._refused = ""
        self._sending = threading.Lock()

    def is_open(self) -> bool:
        if self._is_other_rank():
            return False
        self._look(0)
        return not self._over

    def next_task(self, timeout: float | None = None) -> TaskIn | None:
        if self._is_other_rank():
            return None
        end = None if timeout is None else time.monotonic() + timeout
        self._look(0)
        while not self._tasks and not self._over:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            if left is None and self._asked <= self._number:
                self._asked = self._number + 1
                self._say({"kind": "next", "number": self._number})
            self._look(left)
        if not self._tasks:
            return None
        self._number, task = self._tasks.pop()
        self._tasks.clear()
        return task

    def reply(self, model: FLModel) -> None:
        self._say({"kind": "result", "number": self._number, "model": model})

    def log(self, key: str, value: Any, data_type: AnalyticsDataType, **kwargs: Any) -> None:
        try:
            self._say({"kind": "log", "key": key, "value": value, "data_type": data_type, "kwargs": kwargs})
        except Exception as error:
            _log.error("%r was not logged: %s", key, error)

    def stop(self) -> None:
        if not self._is_other_rank():
            self._over = True
            self._say({"kind": "stop"})

    def _is_other_rank(self) -> bool:
        """Whether this is a process of distributed training that leaves the site to rank 0."""
        script = self.memo.get("script")
        rank = script.rank if isinstance(script, Script) else os.environ.get("RANK", "0")
        return str(rank) != "0"

    def _line(self) -> socket.socket | None:
        if self._socket is None and not self._over:
            try:
                self._socket = _connect(self._settings["socket"])
            except OSError:
                self._over = True
                return None
            _answer_dumps(self._settings["stacks"])
            _send(self._socket, {"kind": "hello", "pid": os.getpid()})
        return self._socket

    def _say(self, said: Said) -> None:
        with self._sending:
            sock = self._line()
            if sock is None:
                return
            try:
                _send(sock, said)
            except OSError:
                self._over = True

    def _look(self, timeout: float | None) -> None:
        """Take in what the site has said, waiting for it for `timeout` seconds."""
        with self._sending:
            sock = self._line()
        if sock is not None and not self._over:
            while select.select([sock], [], [], timeout)[0] and not self._over:
                timeout = 0
                chunk = sock.recv(_CHUNK)
                if not chunk:
                    self._over = True
                for packed in self._arrived.feed(chunk):
                    self._take(packed.load())
        if self._refused:
            raise ClientAPIError(self._refused)

    def _take(self, said: Said) -> None:
        if said["kind"] == "task":
            self._tasks.append((said["number"], TaskIn(name=said["task"], model=said["model"])))
        elif said["kind"] == "refused":
            self._refused = said["reason"]
        else:
            self._over = True


def _answer_dumps(path: str) -> None:
    """Write all threads' stacks to `path` on the signal, unless the script uses it itself."""
    if (
        signal.getsignal(DUMP_SIGNAL) is signal.SIG_DFL
        and threading.current_thread() is threading.main_thread()
    ):
        out = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives.
        faulthandler.register(DUMP_SIGNAL, file=out, all_threads=True)
        sys.modules[__name__].__dict__["_stacks"] = out
