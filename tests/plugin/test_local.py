"""The whole road once, on the local engine: a user's own script, exported, pinned and run."""

import re

pytest_plugins = ["pytester"]

TRAIN = """
import numpy as np
import nvflare.client as flare

STEP = {"site-1": 1.0, "site-2": 3.0}

def fit(model):
    if model.current_round == FAILING and flare.get_site_name() == "site-2":
        raise ValueError("boom in the third layer")
    return {name: value + STEP[flare.get_site_name()] for name, value in model.params.items()}

flare.init()
while flare.is_running():
    model = flare.receive()
    params = fit(model)
    accuracy = float(next(iter(model.params.values())).mean()) / 10
    flare.send(flare.FLModel(params=params, metrics={"accuracy": accuracy}))
"""

JOB = """
import argparse

from nvflare.app_common.np.np_model_persistor import NPModelPersistor
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import FrameworkType, ScriptRunner

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=3)
job = FedJob(name="steps", min_clients=2)
job.to_server(FedAvg(num_clients=2, num_rounds=parser.parse_args().rounds))
job.to_server(NPModelPersistor(), id="persistor")
job.to_clients(ScriptRunner(script="train.py", framework=FrameworkType.NUMPY))
job.simulator_run("work", n_clients=2)
"""


def prepare(suite, failing="None"):
    suite.write("pytest.ini", "[pytest]\nfedjob_shim = always\n")
    suite.write("job.py", JOB)
    suite.write("train.py", TRAIN.replace("FAILING", failing))


def test_the_whole_road(suite):
    prepare(suite)
    suite.test("""
@pytest.fixture
def job(fedjob):
    return fedjob.script("job.py", ["--rounds", "2"])

def test_configuration(fedjob, job):
    fedjob.golden(job)
    assert fedjob.check(job) == ()

@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_learns(fedjob, job, isolation):
    result = fedjob.simulate(job, clients=2, seed=1, isolation=isolation)
    accuracy = result.metric("accuracy")
    assert accuracy.at(1) - accuracy.at(0) == pytest.approx(0.2)
    fedjob.golden(result, name="metrics")
""")
    suite.run().assert_outcomes(passed=3)
    assert not (suite.path / "work").exists()
    assert "  steps: 2 rounds, 2 sites, local, " in suite.summary
    assert re.search(r"^    accuracy  ▁█  \S+ \S+$", suite.summary, re.MULTILINE)
    suite.run("--fedjob-golden=check").assert_outcomes(passed=3)
    assert suite.summary.endswith("goldens: 2 equal")


def test_a_client_that_raises(suite):
    prepare(suite, failing="1")
    suite.test("""
def test_learns(fedjob):
    fedjob.simulate(fedjob.script("job.py"), clients=2)
""")
    suite.run().assert_outcomes(failed=1)
    # Python 3.11 marks the failing expression below its line.
    head = re.sub(r"\n +\^+$", "", suite.failure.partition("\n\nalso:")[0], flags=re.MULTILINE)
    assert (
        head
        == (
            "fedjob.errors.RunFailed: job 'steps' failed on the local engine: "
            "site-2, round 1, task 'train': exception: ValueError: boom in the third layer\n"
            "\n"
            "Traceback (most recent call last):\n"
            f'  File "{suite.path}/train.py", line 15, in <module>\n'
            "    params = fit(model)\n"
            f'  File "{suite.path}/train.py", line 9, in fit\n'
            '    raise ValueError("boom in the third layer")\n'
            "ValueError: boom in the third layer"
        )
        or "^^^^" not in head
    )
