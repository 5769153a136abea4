"""The keeper of one run: forks its workers, tells of their exits, and leaves none of them behind.

It lives in the nursery's process, or in one of its own if the nursery keeps another run, and talks to the test process
over one socket: in comes the Plan, then commands; out go ``("exited", shard, status, place, left)`` and, when stacks
were asked for, ``("at", {shard: place})``.
When that socket closes, for whatever reason, everything that the run has started is killed; and only when nothing of
the run is left is it closed from this side. A worker that has nothing left but memory counts as gone: with torch loaded,
the system takes some 10 ms to free it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
from collections.abc import Sequence
from typing import NoReturn

from fedjob.engines.local import pipe, worker
from fedjob.engines.local.place import Place
from fedjob.engines.local.plan import Plan
from fedjob.engines.local.reaper import (
    Children,
    adopt_orphans,
    die_with_parent,
    kill_descendants,
    kill_group,
)

#: Commands of the test process.
KILL, DUMP = "kill", "dump"


class Keeper:
    """Keeps the workers of one run; whoever has it waits on `socket` and on `children`.

    `path` is the workers' ``sys.path``, `private` are sockets of this process that they have no business with.
    """

    def __init__(
        self, sock: socket.socket, path: list[str], children: Children, private: Sequence[socket.socket] = ()
    ) -> None:
        self.socket = sock
        self._path = path
        self._children = children
        self._private = (sock, *private)
        self._begun = False
        self._running: dict[int, int] = {}  # shard number by pid.
        self._places: list[Place] = []

    @property
    def is_done(self) -> bool:
        """Whether no worker is left; what they have started may be."""
        return self._begun and not self._running

    def hear(self) -> bool:
        """Take in what the test process says. If it has hung up, or anything fails, the run is over: False."""
        try:
            if self._begun:
                self._obey()
            else:
                self._begun = True
                self._begin(pipe.receive(self.socket))
        except Exception:  # the test process learns of it by the end of the run.
            self.kill()
            return False
        return True

    def ended(self, pid: int, status: int) -> None:
        """A child of this process has ended."""
        if pid in self._running:
            # What the worker started may hold its sockets open; the server must learn of the end now.
            kill_group(pid)
            self._tell(pid, status)

    def take_leave(self) -> set[int]:
        """The pids of the workers that are as good as ended, since the last call: the system has yet to free their memory."""
        left = {pid: s for pid, n in self._running.items() if (s := self._places[n].alone) is not None}
        for pid, status in left.items():
            self._tell(pid, status)
        return set(left)

    def _tell(self, pid: int, status: int) -> None:
        """Say that a worker is no more."""
        number = self._running.pop(pid)
        place = self._places[number]
        with contextlib.suppress(OSError):
            pipe.send(self.socket, ("exited", number, status, place.get(), place.left))

    def kill(self) -> None:
        """Kill the workers."""
        for pid in self._running:
            kill_group(pid)

    def _begin(self, plan: Plan) -> None:
        worker.prepare(plan)
        # One worker per shard, each with its end of a socket to the server's worker.
        pairs = {number: socket.socketpair() for number in range(1, len(plan.shards))}
        self._places = [Place(self._children.bell) for _ in plan.shards]
        here = os.getpid()
        for number in range(len(plan.shards)):
            pid = os.fork()
            if pid == 0:
                self._become_worker(plan, number, pairs, here)
            self._running[pid] = number
        for ends in pairs.values():
            ends[0].close()
            ends[1].close()

    def _become_worker(
        self, plan: Plan, number: int, pairs: dict[int, tuple[socket.socket, socket.socket]], parent: int
    ) -> NoReturn:
        """In the forked child: keep this worker's ends of the sockets, close all others, and work."""
        try:
            os.setsid()
            die_with_parent(parent)
            self._children.forget_in_child()
            mine = {n: ends[0] for n, ends in pairs.items()} if number == 0 else {0: pairs[number][1]}
            for sock in (*self._private, *(sock for ends in pairs.values() for sock in ends)):
                if sock not in mine.values():
                    sock.close()
            worker.main(plan, number, mine, self._places[number], self._path)
        finally:
            os._exit(worker.BROKEN)

    def _obey(self) -> None:
        """Carry out a command; EOFError if the test process has gone."""
        command, *numbers = pipe.receive(self.socket)
        for pid, number in list(self._running.items()):
            if number in numbers or not numbers:
                if command == DUMP:
                    os.kill(pid, worker.DUMP_SIGNAL)
                else:
                    kill_group(pid)
        if command == DUMP:
            pipe.send(self.socket, ("at", {n: self._places[n].get() for n in self._running.values()}))


def main(sock: socket.socket, path: list[str], parent: int) -> NoReturn:
    """The life of a process that keeps a run, from just after its fork by `parent`."""
    try:
        os.setsid()
        die_with_parent(parent)
        adopt_orphans()
        children = Children()
        keeper = Keeper(sock, path, children)
        try:
            _keep(keeper, children)
        finally:
            keeper.kill()
            kill_descendants()
    finally:
        os._exit(0)


def _keep(keeper: Keeper, children: Children) -> None:
    """Until no worker is left, or the nursery ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(keeper.socket, selectors.EVENT_READ)
        selector.register(children, selectors.EVENT_READ)
        while not keeper.is_done:
            for key, _ in selector.select():
                if key.fileobj is keeper.socket:
                    if not keeper.hear():
                        return
                elif signal.SIGTERM in children.signals():
                    return
            for pid, status in children.exits():
                keeper.ended(pid, status)
            keeper.take_leave()
