"""TensorFlow from end to end: a Keras model at the server, layer weights in the script."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

from fedjob import FedAvg, FedJob, FrameworkType, ScriptRunner, TFModel
from jobs import run

if find_spec("tensorflow") is None:
    if os.environ.get("CI"):
        raise RuntimeError("tensorflow must be installed under CI")
    pytest.skip("needs TensorFlow", allow_module_level=True)

NET = """
import tensorflow as tf

class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = tf.keras.layers.Dense(2, kernel_initializer="ones")
        self(tf.zeros((1, 3)))

    def call(self, x):
        return self.dense(x)
"""

TRAIN = """
import nvflare.client as flare
from tf_net import Net

flare.init()
net = Net()
while flare.is_running():
    model = flare.receive()
    for name, weights in model.params.items():
        net.get_layer(name).set_weights(weights)
    own = 1.0 if flare.get_site_name() == "site-1" else 3.0
    net.dense.set_weights([w + own for w in net.dense.get_weights()])
    params = {layer.name: layer.get_weights() for layer in net.layers}
    flare.send(flare.FLModel(params=params, metrics={"accuracy": own / 4}))
"""


@pytest.mark.filterwarnings("ignore")
def test_keras_weights_are_averaged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tf_net.py").write_text(NET)
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.syspath_prepend(tmp_path)
    from tf_net import Net

    job = FedJob(name="keras", min_clients=2)
    job.to_server(TFModel(Net()))
    job.to_server(FedAvg(num_clients=2, num_rounds=2))
    job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.TENSORFLOW))
    result = run(job, tmp_path, timeout=120)
    assert result.ok, result
    assert result.metric("accuracy").values == (0.5, 0.5)

    saved = Net()
    saved.load_weights(result.models["global"])
    kernel, bias = saved.dense.get_weights()
    np.testing.assert_array_equal(kernel, np.full((3, 2), 1 + 2 * 2.0, np.float32))
    np.testing.assert_array_equal(bias, np.full(2, 2 * 2.0, np.float32))
