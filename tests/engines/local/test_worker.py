from __future__ import annotations

import gc

import pytest

from fedjob.engines.local.worker import _FreezeOnce


@pytest.fixture
def threshold():
    before = gc.get_threshold()
    yield before[0]
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.parametrize("sites", [3, 10_000])
def test_the_collector_looks_in_proportion_to_the_sites(threshold, sites):
    once = _FreezeOnce(sites)
    at_first = gc.get_threshold()[0]
    assert at_first >= max(250_000, 500 * sites)
    once(idle=False)
    assert gc.get_threshold()[0] == at_first
    frozen = gc.get_freeze_count()
    once(idle=True)
    assert threshold < gc.get_threshold()[0] < threshold + 100 * sites
    assert gc.get_freeze_count() > frozen
