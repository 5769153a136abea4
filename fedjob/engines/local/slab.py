"""Shared memory for large blocks: written once by the sender, read where it lies by every receiver.

Fresh pages cost ten times what copying into old ones costs, so slabs are used again: a pool lends them out
and a lease gives them back. They are anonymous files (memfd), passed as descriptors: when the
processes are gone, however they went, so is the memory. Where there are none, blocks travel in the socket.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fedjob.engines.local.overlay import Overlay

if TYPE_CHECKING:
    from fedjob.engines.local.hub import Hub

AVAILABLE = hasattr(os, "memfd_create")

#: Bytes; smaller blocks go through the socket.
LARGE = 1 << 18

#: Bytes, and leases, that a worker of sites has out before it waits: with half as much, it waits for the server again
#: and again, and a round takes an eighth longer.
MOST, FEW = 1 << 25, 4

_GRAIN = 1 << 16

#: From linux/mman.h; Python has no name for it.
_MADV_POPULATE_READ = 22


class Slab:
    """A piece of shared memory that this process has made."""

    def __init__(self, number: int, size: int) -> None:
        self.number = number
        self.size = size
        self.fd = os.memfd_create("fedjob", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, size)
        self._memory = mmap.mmap(self.fd, size)
        self.view = memoryview(self._memory)
        self._fillings = 0
        #: Bytes of the first filling.
        self._there = 0

    def fill(self, buffers: Sequence[memoryview], align: int) -> None:
        """Put in buffers of bytes, each at a multiple of `align`; OSError if the system has no memory.

        A page costs half when it first comes by a write to the file, and less when it is then mapped with all others.
        """
        self._fillings += 1
        if self._fillings == 2:
            with contextlib.suppress(OSError):  # before Linux 5.14 they are mapped one by one.
                self._memory.madvise(_MADV_POPULATE_READ, 0, self._there)
        at = 0
        for buffer in buffers:
            if self._fillings == 1:
                self._write(buffer, at)
                self._there = at + buffer.nbytes
            else:
                self.view[at : at + buffer.nbytes] = buffer
            at += buffer.nbytes + -buffer.nbytes % align

    def _write(self, buffer: memoryview, at: int) -> None:
        done = 0
        while done < buffer.nbytes:
            done += os.pwrite(self.fd, buffer[done:], at + done)

    def __del__(self) -> None:
        os.close(self.fd)


class Lease:
    """The use of `view` until nobody refers to the lease any more; then `end(lease)` is called."""

    __slots__ = ("__weakref__", "_end", "number", "size", "slab", "view")

    def __init__(
        self, number: int, view: memoryview, end: Callable[[Lease], None], slab: Slab | None = None
    ) -> None:
        self.number = number
        self.view = view
        #: In bytes.
        self.size = view.nbytes
        #: The slab itself, for its maker; None at a receiver's.
        self.slab = slab
        self._end: Callable[[Lease], None] | None = end

    def own(self) -> memoryview | None:
        """The bytes as memory that is the caller's own to write to; this lease lasts as long as that is referred to.

        None where that would take a copy.
        """
        attached = self.view.obj
        overlay = attached.overlay if isinstance(attached, _Attached) else None
        return overlay.lend(self) if overlay is not None else None

    def detach(self) -> None:
        """End the lease and go on with a copy."""
        attached = self.view.obj
        if isinstance(attached, _Attached) and attached.overlay is not None:
            attached.overlay.keep(self)
        self.view = memoryview(bytes(self.view))
        if self._end is not None:
            end, self._end = self._end, None
            end(self)

    def __del__(self) -> None:
        if self._end is not None:
            self._end(self)


class Pool:
    """The slabs of this process.

    With a `hub`, the process waits for a lease while MOST bytes are out (in FEW leases or more), all of its strands with it, so
    that a worker of many sites does not fill the memory with results that the server has not looked at yet.
    """

    def __init__(self, hub: Hub | None = None) -> None:
        self._numbers = itertools.count()
        self._free: dict[int, Slab] = {}
        self._used: dict[int, Slab] = {}
        self._out = 0
        self._hub = hub
        #: A lease is waited for.
        self.is_full = False

    def lease(self, size: int) -> Lease:
        """Room for `size` bytes; OSError if the system has none."""
        while self._out > MOST and len(self._used) >= FEW and self._hub is not None:
            self.is_full = True
            self._hub.pump()
        self.is_full = False
        self._out += size
        slab = self._find(size) or Slab(next(self._numbers), -(-size // _GRAIN) * _GRAIN)
        self._free.pop(slab.number, None)
        self._used[slab.number] = slab
        return Lease(slab.number, slab.view[:size], self._take_back, slab)

    def _find(self, size: int) -> Slab | None:
        """A free slab of that size or not much more."""
        for slab in self._free.values():
            if size <= slab.size <= size + size // 2 + _GRAIN:
                return slab
        return None

    def _take_back(self, lease: Lease) -> None:
        self._free[lease.number] = self._used.pop(lease.number)
        self._out -= lease.size


class _Attached(mmap.mmap):
    """The memory of another process, to read from."""

    overlay: Overlay | None = None


#: Whether the blocks that this process receives may be had for oneself, see `Lease.own`.
_overlays = False


def use_overlays(wanted: bool) -> None:
    """From now on have overlays over what is attached, or none: their leases last as long as the received arrays."""
    global _overlays  # noqa: PLW0603
    _overlays = wanted


def attach(fd: int) -> memoryview:
    """The memory behind a descriptor that another process sent, to read from; closes the descriptor."""
    try:
        size = os.fstat(fd).st_size
        memory = _Attached(fd, size, prot=mmap.PROT_READ)
        if _overlays:
            memory.overlay = Overlay(fd, size)
        return memoryview(memory)
    finally:
        os.close(fd)
