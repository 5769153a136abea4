"""The task written by hand, as little as a mechanism can cost: what an engine over it adds is the difference.

``python -m benchmarks.floors '{"floor": "loop", "sites": 2, "floats": 9, "rounds": [3]}'``. Each floor sums the
sites' models as they come and takes the mean, and is checked like everyone else.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from benchmarks.peers import task

Params = np.ndarray[Any, Any]


def loop(sites: int, rounds: int, params: Params) -> Params:
    """A function call per site and round."""
    for _ in range(rounds):
        total = np.zeros_like(params)
        for _ in range(sites):
            total += params + 1
        params = total / sites
    return params


def switches(sites: int, rounds: int, params: Params) -> Params:
    """A greenlet per site that is switched to and back."""
    from greenlet import getcurrent, greenlet

    def site(model: Params) -> None:
        while True:
            model = hub.switch(model + 1)

    hub = getcurrent()
    strands = [greenlet(site) for _ in range(sites)]
    for _ in range(rounds):
        total = np.zeros_like(params)
        for strand in strands:
            total += strand.switch(params)
        params = total / sites
    return params


def threads(sites: int, rounds: int, params: Params) -> Params:
    """A thread per site, with a queue there and one back."""

    def site(inbox: SimpleQueue[Params | None]) -> None:
        while (model := inbox.get()) is not None:
            back.put(model + 1)

    back: SimpleQueue[Params] = SimpleQueue()
    inboxes: list[SimpleQueue[Params | None]] = [SimpleQueue() for _ in range(sites)]
    workers = [threading.Thread(target=site, args=(inbox,)) for inbox in inboxes]
    for worker in workers:
        worker.start()
    for _ in range(rounds):
        for inbox in inboxes:
            inbox.put(params)
        total = np.zeros_like(params)
        for _ in range(sites):
            total += back.get()
        params = total / sites
    for inbox, worker in zip(inboxes, workers, strict=True):
        inbox.put(None)
        worker.join()
    return params


def pipes(sites: int, rounds: int, params: Params) -> Params:
    """A forked process per site, models pickled over pipes; forks and exits included."""

    def site(_: int, line: Connection) -> None:
        while (model := line.recv()) is not None:
            line.send(model + 1)

    with forked(sites, site) as lines:
        for _ in range(rounds):
            for line in lines:
                line.send(params)
            total = np.zeros_like(params)
            for line in lines:
                total += line.recv()
            params = total / sites
        for line in lines:
            line.send(None)
    return params


def memory(
    sites: int, rounds: int, params: Params, *, private: bool = True, save: Path | None = None
) -> Params:
    """A forked process per site, models in shared memory, a byte over a pipe says that one is there.

    Each site takes a private copy that its script may change. With `save` the model is written after each round.
    """
    slabs = [np.frombuffer(mmap.mmap(-1, max(params.nbytes, 1)), params.dtype) for _ in range(sites + 1)]
    slabs[0][:] = params

    def site(number: int, line: Connection) -> None:
        while line.recv_bytes() == b"train":
            model = slabs[0].copy() if private else slabs[0]
            np.add(model, 1, out=slabs[number + 1])
            line.send_bytes(b"done")

    total = np.empty_like(params)
    with forked(sites, site) as lines:
        for _ in range(rounds):
            for line in lines:
                line.send_bytes(b"train")
            total[:] = 0
            for line, slab in zip(lines, slabs[1:], strict=True):
                line.recv_bytes()
                total += slab
            np.divide(total, sites, out=slabs[0])
            if save is not None:
                np.save(save, slabs[0])
        for line in lines:
            line.send_bytes(b"end")
    final: Params = slabs[0].copy()
    return final


def zero_copy(sites: int, rounds: int, params: Params) -> Params:
    """The same where sites read the one model and must not change it."""
    return memory(sites, rounds, params, private=False)


def saving(sites: int, rounds: int, params: Params) -> Params:
    """The same with private copies and with what FLARE's FedAvg does: the model is saved after each round."""
    with tempfile.TemporaryDirectory() as directory:
        return memory(sites, rounds, params, save=Path(directory, "model.npy"))


@contextmanager
def forked(sites: int, body: Callable[[int, Connection], None]) -> Iterator[list[Connection]]:
    """Fork a process for each site that runs ``body(number, its end of a pipe)``; all have ended afterwards."""
    pairs = [Pipe() for _ in range(sites)]
    pids = []
    for number, (_, theirs) in enumerate(pairs):
        pid = os.fork()
        if pid == 0:
            try:
                body(number, theirs)
            finally:
                os._exit(0)
        pids.append(pid)
    yield [ours for ours, _ in pairs]
    for pid in pids:
        os.waitpid(pid, 0)
    for pair in pairs:
        for end in pair:
            end.close()


FLOORS = {
    "loop": loop,
    "greenlet": switches,
    "thread": threads,
    "pipes": pipes,
    "memory": memory,
    "zero_copy": zero_copy,
    "saving": saving,
}

if __name__ == "__main__":
    task.main(FLOORS[json.loads(sys.argv[1])["floor"]], ["numpy", "greenlet"])
