"""What of shared memory a process has lent to the other end of a cable, and what it has borrowed from there."""

from __future__ import annotations

import weakref
from collections import defaultdict, deque
from collections.abc import Iterable

from fedjob.engines.local.slab import Lease, attach
from fedjob.engines.local.wire import is_waiting


class Lending:
    """The leases that the other end has the use of."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._lent: defaultdict[int, list[Lease]] = defaultdict(list)
        self._told = False

    def lend(self, lease: Lease) -> int | None:
        """Lend; the descriptor to send along if the other end has not seen this slab yet."""
        assert lease.slab is not None
        self._lent[lease.number].append(lease)
        new = lease.number not in self._known
        self._known.add(lease.number)
        return lease.slab.fd if new else None

    def returned(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._lent[number].pop()
        self._told = False

    def is_stuck(self) -> bool:
        """Whether we wait for what is lent; said once until something comes back."""
        stuck = not self._told and any(self._lent.values()) and is_waiting()
        self._told = self._told or stuck
        return stuck

    def end(self) -> None:
        """The other end has gone and uses nothing any more."""
        self._lent.clear()


class Borrowed:
    """The slabs of the other end, mapped once each, and what is to be given back."""

    def __init__(self) -> None:
        self._views: dict[int, memoryview] = {}
        #: By id, as long as they are held; a WeakSet takes five times as long.
        self._leases: dict[int, weakref.ref[Lease]] = {}
        #: How many were ever given back.
        self.count = 0
        #: The numbers of the slabs of those that the other end has not been told of.
        self.returned: deque[int] = deque()

    def attach(self, number: int, fd: int) -> None:
        """Map a slab from which blocks will be lent."""
        self._views[number] = attach(fd)

    def take(self, number: int, size: int) -> Lease:
        """The block that was lent: the first `size` bytes of that slab."""
        lease = Lease(number, self._views[number][:size], self._give_back)
        self._leases[id(lease)] = weakref.ref(lease)
        return lease

    def _give_back(self, lease: Lease) -> None:
        # Whenever, and in whichever thread, the last reference goes.
        self.count += 1
        self._leases.pop(id(lease), None)
        self.returned.append(lease.number)

    def detach(self) -> None:
        """Turn into copies what is held."""
        for lease in [held() for held in list(self._leases.values())]:
            if lease is not None:
                lease.detach()

    def pop_returned(self) -> list[int]:
        """The numbers of the slabs that were given back since the last call."""
        numbers = []
        while self.returned:
            numbers.append(self.returned.popleft())
        return numbers
