from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from fedjob.engines.local.threads import OneThread, _libraries, _openblas


@pytest.mark.skipif(not _libraries(), reason="this numpy has no OpenBLAS, or the system does not tell")
def test_openblas_has_one_thread_within_the_block_and_as_many_as_before_after_it():
    np.ones((2, 2)) @ np.ones((2, 2))
    (get, put), *_ = _openblas()
    before = get()
    put(2)
    try:
        with OneThread():
            assert get() == 1
        assert get() == 2
    finally:
        put(before)


@pytest.mark.torch
def test_torch_has_one_thread_within_the_block_and_as_many_as_before_after_it():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with OneThread() as threads:
            assert torch.get_num_threads() == 1
            torch.set_num_threads(3)
            threads.limit_torch()
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


PRODUCTS = """
import hashlib
def work(model, number, site, hub):
    a, b = np.random.rand(513, 2049), np.random.rand(2049, 77)
    found = [a @ b, np.linalg.inv(np.random.rand(200, 200)), TORCH]
    bits = hashlib.sha256(b"".join(np.asarray(one).tobytes() for one in found))
    return model + int(bits.hexdigest()[:12], 16)
"""


@pytest.mark.parametrize("torch", [pytest.param(True, marks=pytest.mark.torch), False])
def test_matrix_products_are_the_same_in_every_isolation(crew, torch):
    if torch:
        pytest.importorskip("torch")
    sums = "__import__('torch').rand(1_000_000).sum().item()" if torch else "0.0"
    work = PRODUCTS.replace("TORCH", sums)
    seen = set()
    for isolation in ("process", "shared", "inline"):
        outcome = crew(work, isolation=isolation, name=isolation, seed=3, timeout=120)
        assert outcome.status == "ok", outcome.errors
        seen.add(tuple(outcome.all("end")[0]["total"]))
    assert len(seen) == 1


def test_without_maps_there_is_nothing_to_ask(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_: (_ for _ in ()).throw(OSError))
    assert _libraries() == []
    assert sys.modules["numpy"] is np
