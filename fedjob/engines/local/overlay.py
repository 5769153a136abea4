"""A slab that a site has for itself: mapped copy on write, so that only the pages that are written to are copied.

A site's arrays are its own and may be changed, but most scripts only read what they receive. What a script leaves
alone is read where the sender has put it, and its pages stay mapped for the next block in the same slab. Once a script
has written much, or forked, copying at once is cheaper, and that is done from then on.

Only where the kernel tells which pages were written (/proc/self/pagemap) and copies the others when it is asked to
(Linux 5.14); elsewhere nothing is lent out of an overlay.
"""

from __future__ import annotations

import mmap
import os
import resource
import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedjob.engines.local.slab import Lease

#: Bytes; a copy of a smaller block costs as little.
LARGE = 1 << 20

#: Who has had more than this part of a block copied gets copies from then on.
_MUCH = 1 / 8

#: From linux/mman.h; Python has no name for it.
_MADV_POPULATE_WRITE = 23

#: An entry of pagemap for each page, in bytes. In its highest byte: there is a page, in memory or swapped; it is a
#: file's (here the slab's) and no copy.
_ENTRY, _THERE, _SLABS = 8, 0xC0, 0x20


class Overlay:
    """The memory behind a descriptor, mapped copy on write; one block at a time is lent out of it."""

    def __init__(self, fd: int, size: int) -> None:
        self._memory = mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        #: Of the first byte, once something was lent.
        self._address = 0
        self._owner: weakref.ref[Any] | None = None
        self._lease: Lease | None = None
        #: How many page faults this process had had when the block was lent.
        self._faults = 0

    def lend(self, lease: Lease) -> memoryview | None:
        """The block of `lease`, to be written to; the lease lasts until nobody refers to that memory.

        None where a copy has to be made, or is cheaper.
        """
        numpy = sys.modules.get("numpy")
        if self._owner is not None or numpy is None or lease.size < LARGE or not _habits.pay():
            return None
        # Unlike a memoryview, an array can be watched.
        array = numpy.frombuffer(self._memory, numpy.uint8, lease.size)
        self._address = self._address or array.__array_interface__["data"][0]
        self._owner, self._lease = weakref.ref(array, self._end), lease
        self._faults = _faults()
        _lent.add(self)
        return memoryview(array)

    def keep(self, lease: Lease) -> None:
        """Copy what is still the slab's, if it is lent by that lease: the lease ends, its memory is still looked at."""
        if lease is self._lease:
            self._memory.madvise(_MADV_POPULATE_WRITE)
            self._lease = None

    def keep_lent(self) -> None:
        """The same whoever has lent it."""
        if self._lease is not None:
            self.keep(self._lease)

    def _end(self, _: weakref.ref[Any]) -> None:
        """Nobody looks at the block any more: what was written gives way to the slab."""
        _lent.discard(self)
        size = len(self._memory)
        # A copy is a page fault; without any, which is cheaper to ask, none was made.
        copied = 0 if _faults() == self._faults else _copied(self._address, size)
        if copied != 0:
            self._memory.madvise(mmap.MADV_DONTNEED)
        if copied is None or copied > _MUCH * size:
            _habits.writes = True
        self._owner = self._lease = None


class _Habits:
    """What is known of this process: whether its scripts write (or fork), and whether the kernel does what is needed."""

    def __init__(self) -> None:
        self.writes = False
        self._able: bool | None = None

    def pay(self) -> bool:
        """Whether overlays are worth while."""
        if self._able is None:
            self._able = _is_able()
        return self._able and not self.writes


_habits = _Habits()

#: The overlays that somebody looks at.
_lent: set[Overlay] = set()


def _keep_all() -> None:
    """Before a fork: the child would go on looking at slabs that this process has given back."""
    for overlay in tuple(_lent):
        overlay.keep_lent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_keep_all)


def _faults() -> int:
    """How many page faults this process has had."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt + usage.ru_majflt


def _copied(address: int, size: int) -> int | None:
    """How many bytes of the mapping at `address` are copies; None if the kernel does not tell."""
    page = mmap.PAGESIZE
    try:
        # Opened each time: it is about the process that opens it, not about those forked from that.
        pages = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        try:
            entries = os.pread(pages, size // page * _ENTRY, address // page * _ENTRY)
        finally:
            os.close(pages)
    except OSError:
        return None
    if len(entries) != size // page * _ENTRY:
        return None
    flags = entries[_ENTRY - 1 if sys.byteorder == "little" else 0 :: _ENTRY]
    return page * sum(flags.count(flag) for flag in set(flags) if flag & _THERE and not flag & _SLABS)


def _is_able() -> bool:
    """Whether the kernel does, on a few pages, all that an overlay asks of it."""
    size = 4 * mmap.PAGESIZE
    try:
        fd = os.memfd_create("fedjob", os.MFD_CLOEXEC)
        try:
            os.pwrite(fd, b"s" * size, 0)
            memory = mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(fd)
        import numpy as np

        address = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
        found = []
        first, faults = memory[0], [_faults()]
        memory[mmap.PAGESIZE] = first + 1
        found.append(_copied(address, size))
        faults.append(_faults())
        memory.madvise(_MADV_POPULATE_WRITE)
        found.append(_copied(address, size))
        faults.append(_faults())
        memory.madvise(mmap.MADV_DONTNEED)
        found.append(_copied(address, size))
        counted = faults[0] < faults[1] < faults[2]
        return counted and found == [mmap.PAGESIZE, size, 0] and memory[:] == b"s" * size
    except (AttributeError, OSError):
        return False
