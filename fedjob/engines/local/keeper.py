"""The keeper of one run: forks its workers, tells of their exits, and leaves none of them behind.

It runs in a process of its own, forked from the nursery, and talks to the test process over one socket:
in comes the Plan, then commands; out go ``("started", pids)`` and ``("exited", shard, status, place, left)``.
When that socket closes, for whatever reason, everything that the run has started is killed.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
from typing import NoReturn

from fedjob.engines.local import pipe, worker
from fedjob.engines.local.plan import Plan
from fedjob.engines.local.reaper import (
    Children,
    adopt_orphans,
    die_with_parent,
    kill_descendants,
    kill_group,
)
from fedjob.engines.local.record import Place

#: Commands of the test process.
KILL, DUMP = "kill", "dump"


class Keeper:
    """Keeps the workers of one run."""

    def __init__(self, sock: socket.socket, path: list[str]) -> None:
        self._socket = sock
        self._path = path
        self._children = Children()
        self._running: dict[int, int] = {}  # shard number by pid.
        self._places: list[Place] = []

    def keep(self) -> None:
        """Serve one run to its end."""
        plan: Plan = pipe.receive(self._socket)
        worker.prepare(plan)
        self._fork_workers(plan)
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._children, selectors.EVENT_READ)
            while self._running:
                for key, _ in selector.select():
                    if key.fileobj is self._socket:
                        self._obey()
                    elif signal.SIGTERM in self._children.signals():
                        raise EOFError("the nursery ends")
                self._tell_exits()

    def _fork_workers(self, plan: Plan) -> None:
        """Fork one worker per shard, each with its end of a socket to the server's worker."""
        pairs = {number: socket.socketpair() for number in range(1, len(plan.shards))}
        self._places = [Place() for _ in plan.shards]
        for number in range(len(plan.shards)):
            pid = os.fork()
            if pid == 0:
                self._become_worker(plan, number, pairs)
            self._running[pid] = number
        for ends in pairs.values():
            ends[0].close()
            ends[1].close()
        pipe.send(self._socket, ("started", {number: pid for pid, number in self._running.items()}))

    def _become_worker(
        self, plan: Plan, number: int, pairs: dict[int, tuple[socket.socket, socket.socket]]
    ) -> NoReturn:
        """In the forked child: keep this worker's ends of the sockets, close all others, and work."""
        try:
            os.setsid()
            die_with_parent()
            self._children.forget_in_child()
            mine = {n: ends[0] for n, ends in pairs.items()} if number == 0 else {0: pairs[number][1]}
            for sock in (self._socket, *(sock for ends in pairs.values() for sock in ends)):
                if sock not in mine.values():
                    sock.close()
            worker.main(plan, number, mine, self._places[number], self._path)
        finally:
            os._exit(worker.BROKEN)

    def _obey(self) -> None:
        """Carry out a command; EOFError if the test process has gone."""
        command, *numbers = pipe.receive(self._socket)
        for pid, number in list(self._running.items()):
            if number in numbers or not numbers:
                if command == DUMP:
                    os.kill(pid, worker.DUMP_SIGNAL)
                else:
                    kill_group(pid)

    def _tell_exits(self) -> None:
        for pid, status in self._children.exits():
            number = self._running.pop(pid, None)
            if number is None:
                continue
            # What the worker started may hold its sockets open; the server must learn of the end now.
            kill_group(pid)
            place = self._places[number]
            pipe.send(self._socket, ("exited", number, status, place.get(), place.left))


def main(sock: socket.socket, path: list[str]) -> NoReturn:
    """The life of a keeper process, from just after its fork."""
    try:
        os.setsid()
        die_with_parent()
        adopt_orphans()
        keeper = Keeper(sock, path)
        try:
            keeper.keep()
        finally:
            for pid in keeper._running:
                kill_group(pid)
            kill_descendants()
    except (EOFError, OSError):
        pass
    finally:
        os._exit(0)
