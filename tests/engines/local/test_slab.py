from __future__ import annotations

import mmap
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.engines.local import slab
from fedjob.engines.local.slab import Slab, attach

pytestmark = pytest.mark.skipif(not slab.AVAILABLE, reason="needs memfd")

SIZE = 1 << 18


@given(fillings=st.lists(st.lists(st.integers(1, 50_000), min_size=1, max_size=5), min_size=1, max_size=4))
def test_what_is_filled_in_is_read_at_the_other_end(fillings):
    made = Slab(0, SIZE)
    seen = attach(os.dup(made.fd))
    for number, sizes in enumerate(fillings):
        pieces = [bytes([number * 10 + place]) * size for place, size in enumerate(sizes)]
        made.fill([memoryview(piece) for piece in pieces], 64)
        at = 0
        for piece in pieces:
            assert seen[at : at + len(piece)] == piece
            assert made.view[at : at + len(piece)] == piece
            at += len(piece) + -len(piece) % 64


def test_no_more_memory_is_taken_than_is_filled():
    made = Slab(0, SIZE)
    for _ in range(3):
        made.fill([memoryview(b"x" * 5000)], 64)
    assert os.fstat(made.fd).st_blocks * 512 == -(-5000 // mmap.PAGESIZE) * mmap.PAGESIZE


def test_where_the_kernel_cannot_map_ahead_it_is_done_page_by_page(monkeypatch):
    monkeypatch.setattr(slab, "_MADV_POPULATE_READ", 12345)
    made = Slab(0, SIZE)
    for letter in b"abc":
        made.fill([memoryview(bytes([letter]) * 9000)], 64)
        assert bytes(made.view[:9000]) == bytes([letter]) * 9000
