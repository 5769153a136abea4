"""A workflow changes a task's data while the task is on its way from site to site, and nobody listens to the events."""

from __future__ import annotations

import pytest

from fedjob.components.generators.full_model import FullModelShareableGenerator
from fedjob.components.workflows.cyclic_ctl import CyclicController
from jobs import ISOLATIONS, run, script_job

#: Each site adds its own number to what it gets, and tells what it got.
SCRIPT = """
import numpy as np
import nvflare.client as flare

flare.init()
number = float(flare.get_site_name()[-1])
while flare.is_running():
    model = flare.receive()
    got = {k: np.asarray(v, float) for k, v in model.params.items()}
    metrics = {"got": float(sum(v.sum() for v in got.values()))}
    flare.send(flare.FLModel(params={k: v + number for k, v in got.items()}, params_type="FULL", metrics=metrics))
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_the_next_site_gets_what_the_last_has_made(isolation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = script_job(tmp_path, SCRIPT, workflow=CyclicController(num_rounds=2))
    job.to_server(FullModelShareableGenerator(), id="shareable_generator")
    result = run(job, tmp_path, isolation=isolation)
    assert result.ok, result.problems
    got = [[contribution.metrics["got"] for contribution in r.contributions] for r in result.rounds]
    first = got[0][0]
    # Nine numbers, each greater by 1 after site-1 and by 2 after site-2.
    assert got == [[first, first + 9], [first + 27, first + 36]]
