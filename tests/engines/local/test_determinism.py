"""Law 6: the same folder, request and seed give the same bits, however the run is carried out."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedjob.components.workflows.fedavg import FedAvg
from fedjob.engines.local.nursery import NURSERY
from jobs import ISOLATIONS, ONE_CORE, run, script_job

#: Draws from every generator, computes in float32, and takes its time as the test tells it to.
SCRIPT = """
import json, random, time
import numpy as np
import nvflare.client as flare

flare.init()
with open({delays!r}) as f: delays = json.load(f)
rng = np.random.default_rng(np.random.randint(2**31))
while flare.is_running():
    model = flare.receive()
    time.sleep(delays[flare.get_site_name()])
    noise = rng.normal(size=(3, 3)).astype(np.float32) + random.random() + np.random.rand()
    params = {{name: value / 3 + noise.astype(np.float32) for name, value in model.params.items()}}
    metrics = {{"noise": float(noise.sum()), "more": random.gauss(0, 1)}}
    flare.send(flare.FLModel(params=params, metrics=metrics, meta={{"NUM_STEPS_CURRENT_ROUND": random.randint(1, 9)}}))
"""
SITES = 3


def outcome(base, **request):
    """Metrics and model of one run, as they are bit for bit."""
    result = run(
        script_job(base, SCRIPT.format(delays=str(base / "delays")), sites=SITES),
        base,
        n_clients=SITES,
        **request,
    )
    assert result.ok, result
    rounds = [
        (r.number, r.metrics, [(c.site, c.metrics, c.weight) for c in r.contributions]) for r in result.rounds
    ]
    return repr(rounds), result.model()["numpy_key"].tobytes()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    base = tmp_path_factory.mktemp("reference")
    (base / "delays").write_text(json.dumps({f"site-{n + 1}": 0 for n in range(SITES)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        return outcome(base, seed=7, isolation="process")


@pytest.mark.parametrize("isolation", ["shared", ONE_CORE, "inline"])
def test_without_a_seed_each_site_and_each_run_draws_numbers_of_its_own(isolation, tmp_path, monkeypatch):
    (tmp_path / "delays").write_text(json.dumps({f"site-{n + 1}": 0 for n in range(SITES)}))
    monkeypatch.chdir(tmp_path)
    job = script_job(tmp_path, SCRIPT.format(delays=str(tmp_path / "delays")), rounds=1, sites=SITES)
    runs = [run(job, tmp_path, n_clients=SITES, isolation=isolation) for _ in range(2)]
    drawn = {c.metrics[name] for result in runs for c in result.rounds[0].contributions for name in c.metrics}
    assert len(drawn) == 2 * SITES * 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    isolation=st.sampled_from(ISOLATIONS),
    threads=st.sampled_from([None, 1, 2, 3]),
    delays=st.permutations([0.0, 0.01, 0.03]),
)
def test_the_bits_are_the_same(reference, tmp_path_factory, isolation, threads, delays):
    base = tmp_path_factory.mktemp("run")
    (base / "delays").write_text(json.dumps({f"site-{n + 1}": d for n, d in enumerate(delays)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        assert outcome(base, seed=7, isolation=isolation, threads=threads) == reference


#: Who draws, how and from which round on; the others never do.
LATE = """
import sys
import nvflare.client as flare

flare.init()
site = flare.get_site_name()
while flare.is_running():
    model = flare.receive()
    drawn = 0.0
    if site == "site-2":
        import random
        drawn = random.random()
    if site == "site-3" and model.current_round:
        from random import gauss
        drawn = gauss(0, 1)
    if site == "site-4" and model.current_round > 1:
        import email.utils, hashlib
        drawn = float(int(hashlib.sha256(email.utils.make_msgid().split(".")[2].encode()).hexdigest()[:8], 16))
    if site == "site-5" and model.current_round == 1:
        import threading
        found = []
        thread = threading.Thread(target=lambda: found.append(__import__("random").randrange(1000)))
        thread.start()
        thread.join()
        drawn = float(found[0])
    params = {name: value + drawn for name, value in model.params.items()}
    known = float("random" in sys.modules)
    flare.send(flare.FLModel(params=params, metrics={"drawn": drawn, "known": known}))
"""


#: The same where nobody draws.
NEVER = LATE.replace('site == "site-2"', "False").replace("model.current_round", "False")


def in_each_isolation(base, monkeypatch, source, sites, **job):
    """The result of a run in each isolation."""
    results = []
    for isolation in ("process", "shared", "inline"):
        home = base / isolation
        home.mkdir()
        monkeypatch.chdir(home)
        made = script_job(home, source, sites=sites, **job)
        results.append(run(made, home, n_clients=sites, isolation=isolation, seed=3))
        assert results[-1].ok, results[-1].problems
    return results


def test_who_imports_random_late_or_never_draws_what_a_process_of_its_own_would(tmp_path, monkeypatch):
    seen = []
    for result in in_each_isolation(tmp_path, monkeypatch, LATE, 8, rounds=4):
        drawn = [{c.site: c.metrics["drawn"] for c in r.contributions} for r in result.rounds]
        seen.append((drawn, result.model()["numpy_key"].tobytes()))
    assert seen[0] == seen[1] == seen[2]
    assert len({drawn["site-2"] for drawn in seen[0][0]}) == 4


def test_the_server_chooses_the_same_sites_in_every_isolation(tmp_path, monkeypatch):
    workflow = FedAvg(num_clients=3, num_rounds=4)
    chosen = [
        [tuple(c.site for c in r.contributions) for r in result.rounds]
        for result in in_each_isolation(tmp_path, monkeypatch, NEVER, 9, workflow=workflow)
    ]
    assert chosen[0] == chosen[1] == chosen[2]
    assert len(set(chosen[0])) > 1


def test_sites_that_never_import_random_do_not_have_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # A nursery that has imported nothing for the tests before.
    monkeypatch.setattr(NURSERY, "_learned", {})
    NURSERY.close()
    result = run(script_job(tmp_path, NEVER, rounds=2, sites=6), tmp_path, n_clients=6, isolation="shared")
    assert {c.metrics["known"] for r in result.rounds for c in r.contributions} == {0.0}


def test_another_seed_gives_other_numbers(reference, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "delays").write_text(json.dumps({f"site-{n + 1}": 0 for n in range(SITES)}))
    assert outcome(tmp_path, seed=8) != reference


def test_the_callers_generators_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "delays").write_text(json.dumps({f"site-{n + 1}": 0 for n in range(SITES)}))
    before = np.random.get_state()[1].copy()
    outcome(tmp_path, seed=7, isolation="inline")
    assert (np.random.get_state()[1] == before).all()
