"""The documentation example's shape, on scikit-learn's digits."""

import os

import pytest

try:
    import torch
except ImportError:
    if os.environ.get("CI"):
        raise  # a CI that lost its torch must not pass by skipping
    pytest.skip("needs PyTorch: pip install 'pytest-fedjob[torch]'", allow_module_level=True)

JOB = "../job.py"


@pytest.fixture
def job(fedjob):
    return fedjob.script(JOB)


def test_configuration(fedjob, job):
    fedjob.golden(job)


def test_learns(fedjob, job):
    result = fedjob.simulate(job, n_clients=2, seed=7)

    assert result.metric("accuracy").increases()
    assert result.metric("accuracy").last >= 0.75
    assert result.best_round == 2


def test_saves_a_model_that_loads_into_the_network(fedjob, job):
    result = fedjob.simulate(job, n_clients=2, seed=7)
    weights = result.model("global")
    assert weights["conv1.weight"].shape == (8, 1, 3, 3)
    assert all(torch.isfinite(torch.tensor(w)).all() for w in weights.values())
