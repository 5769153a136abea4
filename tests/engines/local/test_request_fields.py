"""What a request may ask of a run, besides its sites: threads, GPUs, logging."""

import json

import pytest

from fedjob.errors import RequestError
from jobs import ONE_CORE, run, script_job

SCRIPT = """
import json, logging, os, time
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    began = time.monotonic()
    for _ in range(200_000): pass
    with open({log!r}, "a") as f:
        f.write(json.dumps([began, time.monotonic(), os.environ.get("CUDA_VISIBLE_DEVICES")]) + "\\n")
    logging.getLogger("mine").info("round %d", model.current_round)
    flare.send(flare.FLModel(params=model.params, metrics={{"accuracy": 0.5}}))
"""


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def job(tmp_path):
    return script_job(tmp_path, SCRIPT.format(log=str(tmp_path / "spans")), sites=3, rounds=2)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_sites_than_threads_are_at_work_at_a_time(tmp_path, threads):
    result = run(job(tmp_path), tmp_path, n_clients=3, threads=threads)
    assert result.ok
    spans = sorted(tuple(json.loads(line)[:2]) for line in (tmp_path / "spans").read_text().splitlines())
    assert len(spans) == 6
    for begun, _ in spans:
        assert sum(begin <= begun < end for begin, end in spans) <= threads


def test_sites_see_their_gpus_in_flares_syntax(tmp_path):
    result = run(job(tmp_path), tmp_path, n_clients=3, gpu="[0,1],[2]")
    assert dict(result.devices) == {"site-1": "0,1", "site-2": "2", "site-3": "0,1"}
    seen = [json.loads(line)[2] for line in (tmp_path / "spans").read_text().splitlines()]
    assert sorted(set(seen)) == ["0,1", "2"]


@pytest.mark.parametrize(
    ("log_config", "line"), [("msg_only", "round 1\n"), ("info", " - mine - INFO - round 1\n"), (None, None)]
)
@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
def test_sites_log_as_asked_each_to_its_own_log(tmp_path, log_config, line, isolation):
    run(job(tmp_path), tmp_path, n_clients=3, log_config=log_config, isolation=isolation)
    for site in ("site-1", "site-2", "site-3"):
        path = tmp_path / "ws" / site / "log.txt"
        log = path.read_text() if path.exists() else ""
        assert log.count(line or "round 1") == (1 if line else 0)
    assert "round 1" not in (tmp_path / "ws" / "server" / "log.txt").read_text()


def test_a_log_config_that_is_none_is_refused(tmp_path):
    with pytest.raises(
        RequestError, match=r"^log_config='loud' is neither a mode \(concise, full, msg_only, verbose\)"
    ):
        run(job(tmp_path), tmp_path, n_clients=3, log_config="loud")
