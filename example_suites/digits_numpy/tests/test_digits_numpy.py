"""The federated job, tested like a function."""

import pytest

JOB = "../job.py"  # paths are seen from this file
SITES = 4


@pytest.fixture
def job(fedjob):
    return fedjob.script(JOB)


def test_configuration(fedjob, job):
    """What the job exports is what was reviewed: goldens/test_digits_numpy/test_configuration.yaml."""
    fedjob.golden(job)


def test_learns(fedjob, job):
    result = fedjob.simulate(job, n_clients=SITES, seed=7)

    accuracy = result.metric("accuracy")
    assert len(accuracy) == 5
    assert accuracy.increases(tolerance=0.01)
    assert accuracy.last >= 0.85
    assert result.metric("loss").decreases()
    assert result.metric("accuracy").at(4, site="site-3") >= 0.85


def test_metrics_stay_as_they_were(fedjob, job):
    """The same run pinned number by number (a metric golden); the simulation itself is shared with test_learns."""
    result = fedjob.simulate(job, n_clients=SITES, seed=7)
    fedjob.golden(result, rtol=1e-3)


def test_every_site_has_its_own_share(fedjob, job):
    result = fedjob.simulate(job, n_clients=SITES, seed=7)
    weights = [c.weight for c in result.rounds[0].contributions]
    assert len(set(weights)) == SITES
    assert sum(weights) == 1437  # the digits that are not held out


@pytest.mark.parametrize("rounds", [1, 2])
def test_rounds_argument(fedjob, rounds):
    job = fedjob.script(JOB, ["--rounds", str(rounds)])
    assert len(fedjob.simulate(job, n_clients=SITES).rounds) == rounds
