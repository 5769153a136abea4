import pytest

from fedjob.flare import described
from fedjob.job.api import FedJob


class Flare:
    """FLARE's component classes by their last name, without importing FLARE."""

    PATHS = {
        "FedAvg": "nvflare.app_common.workflows.fedavg.FedAvg",
        "Cyclic": "nvflare.app_common.workflows.cyclic.Cyclic",
        "Executor": "nvflare.apis.executor.Executor",
        "Controller": "nvflare.apis.impl.controller.Controller",
        "Filter": "nvflare.apis.filter.Filter",
        "MetricsArtifactWriter": "nvflare.app_common.widgets.metrics_artifact_writer.MetricsArtifactWriter",
        "NPTrainer": "nvflare.app_common.np.np_trainer.NPTrainer",
        "PercentilePrivacy": "nvflare.app_common.filters.percentile_privacy.PercentilePrivacy",
    }

    def __getattr__(self, name):
        return described.find(self.PATHS[name])


@pytest.fixture(scope="session")
def flare():
    return Flare()


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """An empty user's repository that is the current directory and importable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def job(repo, flare):
    job = FedJob("job")
    job.to_server(flare.FedAvg(num_clients=2))
    return job


def server(job, release=None):
    return next(app.server for app in job.freeze(release).apps if app.server)


def client(job, release=None):
    return next(app.client for app in job.freeze(release).apps if app.client)


def travelling(job, release=None):
    """Paths of the files that travel, without their apps."""
    return sorted({file.path for app in job.freeze(release).apps for file in app.files})
