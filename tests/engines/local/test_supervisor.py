from __future__ import annotations

import pytest

from jobs import ISOLATIONS


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_run_comes_to_its_end(crew, isolation):
    outcome = crew(isolation=isolation, n_clients=3, rounds=4)
    assert outcome.status == "ok", outcome.events
    assert outcome.errors == []
    assert len(outcome.all("round_done")) == 4
    assert [e["site"] for e in outcome.all("site_ready")].sort() == ["site-1", "site-2", "site-3"].sort()
    assert outcome.all("end")[0]["total"] == [255.0] * 3
