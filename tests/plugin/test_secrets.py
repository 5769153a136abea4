"""A job that refers to secrets: its golden holds the references, its scripts get what they lead to."""

pytest_plugins = ["pytester"]

TRAIN = """
import sys
import nvflare.client as flare

flare.init()
model = flare.receive()
key = sys.argv[sys.argv.index("--key") + 1]
flare.send(flare.FLModel(params=model.params, metrics={"length": len(key)}))
"""

JOB = """
from nvflare.app_common.np.recipes import NumpyFedAvgRecipe
from nvflare.recipe import secret_file_ref, secret_ref

def make(**options):
    options = {"train_args": f"--key 'Bearer {secret_ref('API_KEY')}'", **options}
    return NumpyFedAvgRecipe(name="hello", model=[1.0], min_clients=2, num_rounds=1, train_script="train.py", **options)
"""


def prepare(suite):
    suite.write("pytest.ini", "[pytest]\nfedjob_shim = always\npythonpath = .\n")
    suite.write("job.py", JOB)
    suite.write("train.py", TRAIN)


def test_scripts_get_what_references_lead_to(suite):
    prepare(suite)
    suite.test("""
@pytest.mark.parametrize("where", ["process", "shared", "inline", "external"])
def test_it(fedjob, where, monkeypatch):
    from job import make
    job = make(launch_external_process=where == "external")
    fedjob.golden(job, name=where)
    assert fedjob.check(job) == ()
    for key in ("sword fish", "cod"):
        monkeypatch.setenv("API_KEY", key)
        result = fedjob.simulate(job, isolation="process" if where == "external" else where)
        assert result.metric("length").last == len("Bearer " + key)
        held = [p for p in result.workspace.rglob("*") if p.is_file() and b"sword" in p.read_bytes()]
        assert held == []
""")
    suite.run().assert_outcomes(passed=4)
    for name in ("process", "external"):
        golden = suite.read(f"goldens/test_it/{name}.yaml")
        assert "${secret:API_KEY}" in golden


def test_a_reference_that_leads_nowhere_fails_the_run(suite):
    prepare(suite)
    suite.test("""
@pytest.mark.parametrize("where", ["process", "inline", "external"])
def test_it(fedjob, where, monkeypatch):
    from job import make
    from fedjob.errors import RunFailed
    job = make(launch_external_process=where == "external")
    monkeypatch.delenv("API_KEY", raising=False)
    with pytest.raises(RunFailed, match="this site has no environment variable API_KEY; set it"):
        fedjob.simulate(job, isolation="process" if where == "external" else where)
""")
    suite.run().assert_outcomes(passed=3)
