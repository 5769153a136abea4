import os

import pytest

from fedjob.engines.local.lending import Borrowed
from fedjob.engines.local.slab import AVAILABLE, Slab

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="shared memory by descriptor is Linux")


@pytest.fixture
def borrowed():
    slab = Slab(7, 1 << 16)
    slab.fill([memoryview(b"abc")], 64)
    borrowed = Borrowed()
    borrowed.attach(7, os.dup(slab.fd))
    yield borrowed
    assert not borrowed._leases  # nothing is kept of what was given back.


def test_what_nobody_refers_to_is_given_back(borrowed):
    leases = [borrowed.take(7, 3) for _ in range(3)]
    assert [bytes(lease.view) for lease in leases] == [b"abc"] * 3
    del leases[:2]
    assert (borrowed.count, borrowed.pop_returned()) == (2, [7, 7])
    leases.clear()
    assert (borrowed.count, borrowed.pop_returned()) == (3, [7])


def test_what_is_held_can_be_given_back_at_once(borrowed):
    lease = borrowed.take(7, 3)
    borrowed.detach()
    assert borrowed.pop_returned() == [7]
    assert bytes(lease.view) == b"abc"
    del lease
    assert (borrowed.count, borrowed.pop_returned()) == (1, [])
