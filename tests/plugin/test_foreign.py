"""Jobs of the real FLARE through the fixture: what fails is shown in the user's own files, and measured there."""

import pytest

from fedjob.flare import shim

pytest_plugins = ["pytester"]
pytestmark = [
    pytest.mark.flare,
    pytest.mark.skipif(not shim.real_flare(), reason="nvflare is not installed here"),
]

JOB = """
from nvflare.app_common.np.np_model_persistor import NPModelPersistor
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import FrameworkType, ScriptRunner

def make():
    job = FedJob(name="theirs", min_clients=2)
    job.to_server(FedAvg(num_clients=2, num_rounds=1))
    job.to_server(NPModelPersistor(), id="persistor")
    job.to_clients(ScriptRunner(script="src/train.py", framework=FrameworkType.NUMPY))
    return job

if __name__ == "__main__":
    make().simulator_run("workdir", n_clients=2)
"""

TRAIN = """
import nvflare.client as flare

flare.init()
model = flare.receive()
flare.send(flare.FLModel(params=model.params, metrics={{"accuracy": {accuracy}}}))
"""


def test_a_failure_is_shown_in_the_users_file(suite):
    suite.write("job.py", JOB)
    suite.write("src/train.py", TRAIN.format(accuracy="model.no_such_thing"))
    suite.test("""
@pytest.mark.parametrize("described", ["script", "object"])
def test_a(fedjob, described):
    from fedjob.errors import RunFailed
    from job import make

    with pytest.raises(RunFailed, match="no_such_thing") as error:
        fedjob.simulate(fedjob.script("job.py") if described == "script" else make())
    assert f'File "{Path(__file__).parent / "src" / "train.py"}", line 6' in str(error.value)
""")
    suite.run().assert_outcomes(passed=2)


def test_what_a_script_runs_is_measured_in_the_users_file(pytester):
    src = pytester.mkdir("src")
    (src / "train.py").write_text(TRAIN.format(accuracy="0.5"))
    pytester.makepyfile(
        job=JOB,
        test_it="""
def test_a(fedjob):
    fedjob.simulate(fedjob.script("job.py"))
""",
        measured="""
import sys
import coverage
import pytest

measuring = coverage.Coverage(source=["src"], data_suffix=True)
measuring.start()
status = pytest.main(["-q", "-p", "no:cacheprovider"])
measuring.stop()
measuring.save()
measuring.combine()
(path,) = [name for name in measuring.get_data().measured_files() if name.endswith("train.py")]
# Line 0 is where Python says that a module begins.
print(path, sorted(set(measuring.get_data().lines(path)) - {0}))
sys.exit(status)
""",
    )
    done = pytester.runpython(pytester.path / "measured.py")
    assert done.ret == 0, done.outlines + done.errlines
    assert done.outlines[-1] == f"{src / 'train.py'} [2, 4, 5, 6]"
