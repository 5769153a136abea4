"""Recipes take the same road, described by a script with FLARE's imports, or handed to the fixture as they are."""

pytest_plugins = ["pytester"]

TRAIN = """
import sys
import nvflare.client as flare

step = float(sys.argv[1])
flare.init()
while flare.is_running():
    model = flare.receive()
    params = {name: value + step for name, value in model.params.items()}
    flare.send(flare.FLModel(params=params, metrics={"accuracy": float(model.params["numpy_key"].mean())}))
"""

RECIPE = """
from nvflare.app_common.np.recipes import NumpyFedAvgRecipe
from nvflare.recipe import SimEnv, add_experiment_tracking, set_per_site_config

def make(steps=(1, 3)):
    recipe = NumpyFedAvgRecipe(
        name="hello", model=[[0.0, 2.0]], min_clients=len(steps), num_rounds=2, train_script="train.py", train_args="1"
    )
    set_per_site_config(recipe, {f"clinic-{i}": {"train_args": str(step)} for i, step in enumerate(steps)})
    add_experiment_tracking(recipe, "tensorboard")
    return recipe

if __name__ == "__main__":
    run = make().execute(SimEnv(clients=["clinic-0", "clinic-1"]))
    print(run.get_status(), run.get_result())
"""


def prepare(suite):
    suite.write("pytest.ini", "[pytest]\nfedjob_shim = always\npythonpath = .\n")
    suite.write("recipe.py", RECIPE)
    suite.write("train.py", TRAIN)


def test_a_recipes_script(suite):
    prepare(suite)
    suite.test("""
@pytest.fixture
def job(fedjob):
    return fedjob.script("recipe.py")

def test_configuration(fedjob, job):
    fedjob.golden(job)
    assert fedjob.check(job) == ()

@pytest.mark.parametrize("isolation", ["process", "shared", "inline"])
def test_learns(fedjob, job, isolation):
    result = fedjob.simulate(job, seed=1, isolation=isolation)
    assert result.sites == ("clinic-0", "clinic-1")
    assert result.metric("accuracy").values == (1.0, 3.0)
    assert result.model("global")["numpy_key"].tolist() == [[4.0, 6.0]]
""")
    suite.run().assert_outcomes(passed=4)
    suite.run("--fedjob-golden=check").assert_outcomes(passed=4)
    suite.write("train.py", TRAIN.replace("step = float", "step = 2 * float"))
    suite.write("recipe.py", RECIPE.replace("num_rounds=2", "num_rounds=3"))
    suite.run("--fedjob-golden=check", "-k", "configuration").assert_outcomes(failed=1)
    assert "num_rounds" in suite.failure
    assert "train.py" in suite.failure


def test_the_sites_are_those_that_the_script_asks_for(suite):
    prepare(suite)
    suite.write(
        "recipe.py", RECIPE.replace("    set_per_site_config", "    recipe.name or set_per_site_config")
    )
    suite.test("""
@pytest.mark.parametrize(("wish", "sites"), [
    ({}, ("clinic-0", "clinic-1")), ({"clients": 3}, ("site-1", "site-2", "site-3")), ({"clients": ["a", "b"]}, ("a", "b")),
])
def test_a(fedjob, wish, sites):
    assert fedjob.simulate(fedjob.script("recipe.py"), **wish).sites == sites
""")
    suite.run().assert_outcomes(passed=3)


def test_a_recipe_as_an_object(suite):
    prepare(suite)
    suite.test("""
def test_a(fedjob):
    from recipe import make

    recipe = make(steps=(2, 4, 6))
    fedjob.golden(recipe)
    assert (fedjob.export(recipe) / "app_clinic-2").is_dir()
    assert fedjob.check(recipe) == ()
    result = fedjob.simulate(recipe)
    assert result.metric("accuracy").at(1, site="clinic-2") == 5.0
""")
    suite.run().assert_outcomes(passed=1)


def test_a_failure_is_shown_in_the_users_file(suite):
    prepare(suite)
    suite.write("train.py", TRAIN.replace("+ step", "+ stride"))
    suite.test("""
def test_a(fedjob):
    fedjob.simulate(fedjob.script("recipe.py"))
""")
    suite.run().assert_outcomes(failed=1)
    assert f'File "{suite.path}/train.py", line 9' in suite.failure
    assert "NameError: name 'stride' is not defined" in suite.failure
