"""A job that is described by a recipe goes the same way as any other."""

import pytest

JOB = "../job.py"  # paths are seen from this file
HOSPITALS = 3


@pytest.fixture
def job(fedjob):
    return fedjob.script(JOB)


def test_configuration(fedjob, job):
    """What the recipe comes to: goldens/test_cancer_recipe/test_configuration.yaml."""
    fedjob.golden(job)


def test_learns(fedjob, job):
    result = fedjob.simulate(job, n_clients=HOSPITALS, seed=7)

    accuracy = result.metric("accuracy")
    assert len(accuracy) == 6
    assert accuracy.first < 0.5  # all weights are zero
    assert accuracy.last >= 0.95
    assert result.metric("loss").decreases()


def test_only_derivatives_leave_a_hospital(fedjob, job):
    """A contribution's size does not grow with the hospital's patients."""
    first, *_ = fedjob.simulate(job, n_clients=HOSPITALS, seed=7).rounds
    assert len({c.bytes for c in first.contributions}) == 1
    assert [c.weight for c in first.contributions] == [71, 142, 213]
