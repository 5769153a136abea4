"""What a script has sent leaves at once, whatever it does next."""

from __future__ import annotations

from jobs import run, script_job

SENDS_AND_GOES_ON = """
import os
from pathlib import Path
import nvflare.client as flare

flare.init()
model = flare.receive()
flare.send(flare.FLModel(params={k: v + 1 for k, v in model.params.items()}, metrics={"m": 1.0}))
events = Path(os.getcwd()).parent / "events.jsonl"
for _ in range(10**6):
    if '"round_done"' in events.read_text():  # without ever giving way
        break
else:
    raise AssertionError("the server does not have the result")
"""


def test_a_result_leaves_although_the_script_goes_on_computing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(script_job(tmp_path, SENDS_AND_GOES_ON, rounds=1, sites=1), tmp_path, n_clients=1)
    assert result.ok, result.errors
