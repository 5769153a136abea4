import numpy as np
import pytest

from fedjob.recipe.np import NumpyFedAvgRecipe

#: Each site adds its number; the metric is the mean of what it got.
SCRIPT = """
import sys
import numpy as np
import nvflare.client as flare
from nvflare.client.tracking import SummaryWriter

flare.init()
number = float(flare.get_site_name()[-1])
scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
writer = SummaryWriter()
while flare.is_running():
    model = flare.receive()
    if flare.is_submit_model():
        flare.send(flare.FLModel(params={k: v + number for k, v in got.items()}))
        continue
    got = {k: np.asarray(v, float) for k, v in model.params.items()}
    mean = float(np.mean([v.mean() for v in got.values()]))
    writer.add_scalar("seen", mean, model.current_round)
    if flare.is_evaluate():
        flare.send(flare.FLModel(metrics={"accuracy": mean}))
        continue
    flare.send(flare.FLModel(params={k: v + number * scale for k, v in got.items()}, metrics={"accuracy": mean}))
"""


@pytest.fixture(autouse=True)
def repo(tmp_path, monkeypatch):
    """The user's repository: the current directory, with the script ``client.py``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "client.py").write_text(SCRIPT)
    return tmp_path


@pytest.fixture
def make():
    def make(**options):
        options = {"min_clients": 2, "train_script": "client.py", "model": np.zeros((2, 2)), **options}
        return NumpyFedAvgRecipe(**options)

    return make


def apps(recipe, release=None):
    """The apps of the exported job, by name."""
    return {app.name: app for app in recipe.as_job().freeze(release).apps}


def server(recipe, release=None):
    return next(app.server for app in apps(recipe, release).values() if app.server)


def client(recipe, release=None):
    return next(app.client for app in apps(recipe, release).values() if app.client)


def component(config, comp_id):
    return next(c for c in config.components if c.id == comp_id)
