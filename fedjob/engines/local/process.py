"""One process of a site's own, started from a command: its output, its end, and the socket that it speaks over.

The command runs on a leash (`leash.py`), a small process that ends everything that was started when this one lets go
of it. The hub watches its sockets while the process is at work, and leaves time alone: it runs by a clock of its own.
While the process waits for us nothing is watched, so that it is no reason for anyone to wait.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fedjob.client.external import Packed, Said, Unpacker, address, pack
from fedjob.engines.local.hub import Hub, Mailbox

_CHUNK = 1 << 18
_LEASH = str(Path(__file__).with_name("leash.py"))

#: Seconds that a leash has to kill what it holds.
_KILL_TIME = 5.0
#: Characters of a process's output that are shown when it has failed.
_TAIL = 4000


class Line:
    """One connection to a process: `send` does not wait, `said` gets what arrives, None at its end."""

    def __init__(self, hub: Hub, sock: socket.socket, said: Callable[[Line, Packed | None], None]) -> None:
        self._hub = hub
        self._socket = sock
        self._said = said
        self._arrived = Unpacker()
        self._out: deque[bytes | memoryview] = deque()
        self._watched = False
        self.closed = False
        sock.setblocking(False)

    def send(self, said: Said) -> None:
        if not self.closed:
            # What is queued must not change with the caller's arrays.
            self._out.extend(bytes(piece) for piece in pack(said))
            self._write()

    def watch(self, on: bool) -> None:
        self._watched = on and not self.closed
        if self._watched:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
            self._hub.sockets.watch(self._socket, events, self._ready, inner=True)
        else:
            self._hub.sockets.unwatch(self._socket)

    def read(self) -> None:
        """Take in what is there."""
        while not self.closed:
            try:
                chunk = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError:
                chunk = b""
            for packed in self._arrived.feed(chunk):
                self._said(self, packed)
            if not chunk:
                self.close()
                self._said(self, None)

    def close(self) -> None:
        if not self.closed:
            self.watch(on=False)
            self.closed = True
            self._out.clear()
            self._socket.close()

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._write()
        if events & selectors.EVENT_READ:
            self.read()

    def _write(self) -> None:
        waited = bool(self._out)
        try:
            while self._out:
                piece = memoryview(self._out[0])
                sent = self._socket.send(piece)
                if sent < len(piece):
                    self._out[0] = piece[sent:]
                else:
                    self._out.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._out.clear()  # the reader hears of the end.
        if self._watched and waited:
            self.watch(on=True)


class Process:
    """A command that runs. `heard` is a mailbox of (Line, Packed | None), and of (None, status) at its end.

    A status is the exit status, negative for a signal, None when the leash was killed.
    """

    def __init__(
        self, hub: Hub, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, address: Path
    ) -> None:
        self._hub = hub
        self._address = address
        self._log = log
        self._lines: list[Line] = []
        self.is_busy = False
        self._told = bytearray()
        self.heard: Mailbox[tuple[Line | None, Any]] = hub.mailbox()
        self.pid: int | None = None
        self.ended = False
        self._listener = self._listen()
        self._start(command, cwd, env)
        self.busy(True)

    def _listen(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        self._address.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            with address(str(self._address)) as place:
                sock.bind(place)
        finally:
            os.umask(mask)
        sock.listen()
        sock.setblocking(False)
        return sock

    def _start(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self._leash, theirs = socket.socketpair()
        self._leash.setblocking(False)
        with theirs, self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", _LEASH, str(theirs.fileno()), *command],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def busy(self, on: bool) -> None:
        """Whether the process is at work, so that it is to be waited for."""
        if self.ended or on == self.is_busy:
            return
        self.is_busy = on
        for line in self._lines:
            line.watch(on)
        if on:
            self._hub.sockets.watch(self._listener, selectors.EVENT_READ, self._accept, inner=True)
            self._hub.sockets.watch(self._leash, selectors.EVENT_READ, self._hear_leash)
        else:
            self._hub.sockets.unwatch(self._listener)
            self._hub.sockets.unwatch(self._leash)

    def kill(self) -> None:
        """End the process, and all that it has started, and wait until it has gone."""
        if not self.ended:
            self._end(None)

    def tail(self) -> str:
        """The end of what the process has printed."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(self._log_start, self._log.stat().st_size - _TAIL))
                return log.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def _accept(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            line = Line(self._hub, self._listener.accept()[0], self._hear)
            self._lines.append(line)
            line.watch(self.is_busy)

    def _hear(self, line: Line, packed: Packed | None) -> None:
        self.heard.put((line, packed))

    def _hear_leash(self, _events: int) -> None:
        try:
            chunk = self._leash.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._told += chunk
        words = dict(line.split() for line in self._told.decode().splitlines() if " " in line)
        if self.pid is None and self._told.count(b"\n"):
            self.pid = int(words["pid"])
        if not chunk:
            self._end(int(words["exit"]) if "exit" in words else None)

    def _end(self, status: int | None) -> None:
        """The command has ended, or is to: take in its last words, then let go of everything."""
        self.busy(True)
        self._accept(0)
        for line in list(self._lines):
            line.read()
            line.close()
        self.ended, self.is_busy = True, False
        for sock in (self._listener, self._leash):
            self._hub.sockets.unwatch(sock)
            sock.close()
        self._address.unlink(missing_ok=True)
        try:
            self._process.wait(_KILL_TIME)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.heard.put((None, status))


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
