"""The nursery's own process: gets ready, then keeps one run after another until the test process has gone.

A run that begins while another is on gets a keeper process of its own, so that what user code has left behind is
always known to be of one run.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NoReturn

from fedjob.engines.local import keeper, pipe, reaper, worker
from fedjob.engines.local.imports import HeldBack
from fedjob.engines.local.keeper import Keeper
from fedjob.engines.local.nursery import GRACE, LATE_IN_TORCH
from fedjob.engines.local.plan import ENGINE


def live(descriptor: int, parent: int, preload: Iterable[str]) -> NoReturn:
    """The life of the nursery; `parent` is the pid of the test process, `preload` what its runs will want."""
    reaper.adopt_orphans()
    children = reaper.Children()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=descriptor)
    _warm_up(preload)
    worker.keep_freed_memory()
    worker.open_streams()
    gc.freeze()  # what came in since the last import, too.
    cradle = Cradle(sock, children)
    with contextlib.suppress(EOFError, OSError):
        cradle.rock(parent)
    cradle.end()
    os._exit(0)


class Cradle:
    """Opens runs, keeps one of them at a time, and ends with the test process."""

    def __init__(self, sock: socket.socket, children: reaper.Children) -> None:
        self._socket = sock
        self._children = children
        self._selector = selectors.DefaultSelector()
        #: The run that is kept here.
        self._run: Keeper | None = None
        #: Processes that keep other runs.
        self._keepers: set[int] = set()
        #: Workers that have left, while the system frees their memory: nobody waits for that.
        self._leaving: set[int] = set()

    def rock(self, parent: int) -> NoReturn:
        """Serve; EOFError when the test process has gone."""
        sources: tuple[Any, ...] = (self._socket, self._children, *_parent_handle(parent))
        for source in sources:
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._socket:
                    self._open()
                elif self._run is not None and key.fileobj is self._run.socket:
                    if not self._run.hear():
                        self._selector.unregister(self._run.socket)
                elif key.fileobj is not self._children or signal.SIGTERM in self._children.signals():
                    raise EOFError("the test process has gone")
            self._take_exits()

    def end(self) -> None:
        """Leave nothing behind."""
        for kill in (signal.SIGTERM, signal.SIGKILL):
            self._end_keepers(kill)
        reaper.kill_descendants()

    def _open(self) -> None:
        """Import what a run wants preloaded, answer, and keep the run or fork its keeper."""
        (preload, learned), (descriptor,) = pipe.receive_with_descriptors(self._socket, 1)
        run = socket.socket(fileno=descriptor)
        problem = _preload(preload)
        _import_all(learned)
        if problem:
            run.close()
        elif self._run is None:
            self._run = Keeper(run, list(sys.path), self._children, private=(self._socket,))
            self._selector.register(run, selectors.EVENT_READ)
        else:
            self._keepers.add(self._fork_keeper(run))
        pipe.send(self._socket, problem)

    def _fork_keeper(self, run: socket.socket) -> int:
        """The pid of a process that keeps another run."""
        here = os.getpid()
        with run:
            pid = os.fork()
            if pid == 0:
                self._children.forget_in_child()
                self._socket.close()
                if self._run is not None:
                    self._run.socket.close()
                keeper.main(run, list(sys.path), here)
        return pid

    def _take_exits(self) -> None:
        for pid, status in self._children.exits():
            self._keepers.discard(pid)
            self._leaving.discard(pid)
            if self._run is not None:
                self._run.ended(pid, status)
        if self._run is None:
            return
        self._leaving |= self._run.take_leave()
        # Killed children end a little later, which brings us here again.
        if self._run.is_done and not reaper.doom(keep=self._keepers | self._leaving):
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._run.socket)
            self._run.socket.close()
            self._run = None

    def _end_keepers(self, number: signal.Signals) -> None:
        """Send keepers a signal and wait, for a while, until they have gone."""
        for pid in self._keepers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + GRACE
        with selectors.DefaultSelector() as selector:
            selector.register(self._children, selectors.EVENT_READ)
            while self._keepers and time.monotonic() < end:
                selector.select(end - time.monotonic())
                self._children.signals()
                self._keepers.difference_update([pid for pid, _ in self._children.exits()])


def _parent_handle(parent: int) -> list[int]:
    """A descriptor that becomes readable when the test process ends, even if a copy of it holds our socket."""
    try:
        return [os.pidfd_open(parent)]
    except ProcessLookupError:
        raise EOFError("the test process has gone") from None
    except (AttributeError, OSError):
        return []


def _warm_up(preload: Iterable[str]) -> None:
    """Do once what every worker would do first, so that each is forked with it done."""
    from fedjob import hooks
    from fedjob.engines.local import generators
    from fedjob.flare import further, names, shim

    _import_all(("numpy", *ENGINE))
    if "numpy.random" not in sys.modules:
        # Imported here, where it is done once, but a site that does not draw shall have no state to keep.
        _import_all(("numpy.random",))
        HeldBack("numpy.random").install()
    generators.present()
    names.modules()
    names.module_of("")  # another table that is made when it is first asked.
    if not hooks.installed():  # a plugin could do anything when it is loaded, so that is left to the workers.
        further.modules()
    _hold_random_back()
    shim.install()  # for all workers: to look for modules of the real package costs each of them half a millisecond.
    _preload(preload)


def _hold_random_back() -> None:
    """Have Python's own `random` come with its first import, too, if nobody may draw from it without one."""
    from fedjob.engines.local import generators

    held: Any = sys.modules["random"]
    draws = [v for v in vars(held).values() if getattr(v, "__self__", None) is held._inst]
    looked_for = set(map(id, (held, *draws)))
    users = {
        name
        for name, module in sys.modules.items()
        if module is not held and not looked_for.isdisjoint(map(id, getattr(module, "__dict__", {}).values()))
    }
    if users <= _NO_DRAWS | _IMPORTED_ANEW:
        for name in users & _IMPORTED_ANEW:
            package, _, attribute = name.rpartition(".")
            delattr(sys.modules[package], attribute)
            del sys.modules[name]
        HeldBack("random").install()
        generators.put_aside("random")


#: Modules that have `random`: those that do not draw at a site, and those that come anew, and with them `random`, for
#: whoever imports them.
_NO_DRAWS = frozenset(
    {"fedjob.engines.local.generators", "fedjob.components.workflows.base_model_controller"}
)
_IMPORTED_ANEW = frozenset({"email.utils"})


def _preload(modules: Iterable[str]) -> str | None:
    """As `_import_all`; who has torch preloaded trains with it."""
    names = tuple(modules)
    problem = _import_all(names)
    if "torch" in names:
        _import_all((LATE_IN_TORCH,))
    return problem


def _import_all(modules: Iterable[str]) -> str | None:
    """Import modules that are not there yet; the first thing that went wrong as text, None if nothing did."""
    fresh = [name for name in modules if name not in sys.modules]
    problem = None
    for name in fresh:
        try:
            import_module(name)
        except Exception:
            problem = problem or traceback.format_exc()
    if "torch" in fresh and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if fresh:
        gc.collect()
        gc.freeze()  # what is here now is never collected, so a fork does not copy its pages.
    return problem
