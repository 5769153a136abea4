"""A job taken out of a user's script: the script's surroundings, and what it leaves behind."""

import os
import sys

import pytest

from fedjob.errors import JobError, ResourceError
from fedjob.flare import shim
from fedjob.folder.read import read
from fedjob.job import FedJob, foreign, load_script
from tests.job.conftest import travelling

JOB = """
import sys
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.job_config.api import FedJob
{before}
job = FedJob(name={name!r})
job.to_server(FedAvg(num_clients=2))
{after}
"""


def script(root, *, before="", after="job.export_job('out')", name="mine", file="job.py"):
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(JOB.format(before=before, after=after, name=name))
    return path


def load(path, args=(), shim="always"):
    return load_script(path, args, shim=shim)


@pytest.mark.parametrize("after", ["job.export_job('out')", "job.simulator_run('ws', n_clients=2)"])
def test_the_job_is_handed_over_instead(tmp_path, after):
    job = load(script(tmp_path, after=after))
    assert isinstance(job, FedJob)
    assert job.name == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job.py"]


def test_exporting_and_running_one_job_is_one_job(tmp_path):
    job = load(script(tmp_path, after="job.export_job('a'); job.simulator_run('b'); job.export_job('c')"))
    assert job.name == "mine"


SITES = [
    ("job.export_job('a')", None),
    ("job.simulator_run('a', n_clients=3)", 3),
    ("job.simulator_run('a', 3)", 3),
    ("job.simulator_run('a', clients=['x', 'y'])", ("x", "y")),
    ("job.export_job('a'); job.simulator_run('b', n_clients=3); job.export_job('c')", 3),
]

RECIPE = """
from nvflare.app_common.np.recipes import NumpyFedAvgRecipe
from nvflare.recipe import PocEnv, SimEnv

recipe = NumpyFedAvgRecipe(name="mine", model=[1.0], min_clients=2, train_script="train.py")
recipe.{call}
"""

RECIPE_SITES = [
    ("export('a')", None),
    ("run(SimEnv(num_clients=3))", 3),
    ("execute(env=SimEnv(clients=['x', 'y']))", ("x", "y")),
    ("execute(PocEnv(num_clients=4))", 4),
]


def recipe(root, call):
    (root / "train.py").write_text("import nvflare.client as flare\n")
    path = root / "recipe.py"
    path.write_text(RECIPE.format(call=call))
    return path


@pytest.mark.parametrize(("after", "sites"), SITES)
def test_the_sites_that_the_script_asks_for_are_known(tmp_path, after, sites):
    assert load(script(tmp_path, after=after)).default_sites == sites


@pytest.mark.parametrize(("call", "sites"), RECIPE_SITES)
def test_and_those_of_a_recipes_environment(tmp_path, call, sites):
    assert load(recipe(tmp_path, call)).default_sites == sites


def test_the_script_finds_itself_at_home(tmp_path):
    (tmp_path / "near.py").write_text("NAME = 'from-near'\n")
    before = (
        "import os, near\nassert __name__ == '__main__' and os.path.samefile(__file__, 'job.py'), __file__\n"
    )
    path = script(tmp_path, before=before + "job_name = '-'.join([near.NAME, *sys.argv[1:]])", name="x")
    path.write_text(path.read_text().replace("name='x'", "name=job_name"))
    assert load(path, ["--rounds", "2"]).name == "from-near---rounds-2"


def test_everything_is_as_before(tmp_path):
    (tmp_path / "near_module.py").write_text("x = 1\n")
    state = (sys.argv, sys.path, os.getcwd(), sys.modules["__main__"], set(sys.modules))
    load(script(tmp_path, before="import near_module"))
    assert (sys.argv, sys.path, os.getcwd(), sys.modules["__main__"]) == state[:4]
    assert "near_module" not in sys.modules
    assert not {m for m in set(sys.modules) - state[4] if m.startswith("nvflare")}


def test_equally_named_modules_of_two_scripts_do_not_meet(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "net.py").write_text(
            f"class Net:\n    def __init__(self, where={place!r}): self.where = 0\n"
        )
        script(
            tmp_path / place,
            before="from net import Net",
            after="job.to_server(Net()); job.export_job('o')",
            name=place,
        )
    jobs = [load(tmp_path / place / "job.py") for place in ("one", "two")]
    for job in jobs:
        (file,) = [f for app in job.freeze().apps for f in app.files]
        assert file.source == tmp_path / job.name / "net.py"


def test_classes_of_the_script_itself_travel(tmp_path):
    job = load(
        script(tmp_path, before="class Mine:\n    x = 1", after="job.to_server(Mine()); job.export_job('o')")
    )
    assert [c.path for c in job.freeze().app("app_server").server.components] == ["job.Mine"]
    assert travelling(job) == ["custom/job.py"]
    assert [c.path for c in job.freeze("2.8").app("app_server").server.components] == ["job.Mine"]


def test_what_comes_after_the_job_may_fail(tmp_path):
    after = "job.simulator_run('ws', n_clients=2)\nopen('ws/server/results.json')"
    assert load(script(tmp_path, after=after)).name == "mine"


def test_what_comes_before_the_job_may_not(tmp_path):
    with pytest.raises(ZeroDivisionError) as caught:
        load(script(tmp_path, before="1 / 0"))
    assert caught.traceback[-1].path == tmp_path / "job.py"


def test_no_job(tmp_path):
    path = script(tmp_path, after="")
    with pytest.raises(JobError) as caught:
        load(path)
    assert str(caught.value) == f"{path} describes no job: it calls neither export_job nor simulator_run"


def test_several_jobs(tmp_path):
    path = script(tmp_path, after="job.export_job('o')\nother = FedJob(name='other')\nother.export_job('o')")
    with pytest.raises(JobError) as caught:
        load(path)
    assert str(caught.value) == f"{path} describes 2 jobs (mine, other); give it arguments that leave one"


def test_no_script(tmp_path):
    with pytest.raises(ResourceError) as caught:
        load(tmp_path / "nowhere.py")
    assert (
        str(caught.value) == f"there is no job script {tmp_path}/nowhere.py; give the path of a Python file"
    )


def test_an_early_exit(tmp_path):
    with pytest.raises(JobError) as caught:
        load(script(tmp_path, before="sys.exit(3)"))
    assert str(caught.value) == "job.py exited with status 3 before it described a job"


@pytest.mark.flare
@pytest.mark.skipif(not shim.real_flare(), reason="nvflare is not installed here")
class TestRealFlare:
    def test_its_job_is_exported_by_flare(self, tmp_path):
        (tmp_path / "train.py").write_text("x = 1\n")
        job = load(script(tmp_path, after="job.to_clients('train.py'); job.export_job('out')"), shim="never")
        assert job.name == "mine"
        assert foreign.export(job, tmp_path / "unused") == job.folder
        assert [f.path for f in read(job.folder).app("app").files] == ["custom/train.py"]
        assert not (tmp_path / "out").exists()

    def test_its_recipe_is_exported_by_flare(self, tmp_path):
        (tmp_path / "train.py").write_text("x = 1\n")
        path = tmp_path / "job.py"
        path.write_text(
            "from nvflare.app_common.np.recipes.fedavg import NumpyFedAvgRecipe\n"
            "from nvflare.recipe import SimEnv\n"
            "recipe = NumpyFedAvgRecipe(name='r', min_clients=2, num_rounds=2, train_script='train.py', model=[1, 2])\n"
            "run = recipe.execute(SimEnv(num_clients=2))\n"
            "print(run.get_status(), run.get_result(), run.get_job_id())\n"
        )
        job = load(path, shim="never")
        assert read(job.folder).meta.name == "r"

    @pytest.mark.parametrize(("after", "sites"), SITES)
    def test_the_sites_that_the_script_asks_for_are_known(self, tmp_path, after, sites):
        assert load(script(tmp_path, after=after), shim="never").default_sites == sites

    @pytest.mark.parametrize(("call", "sites"), RECIPE_SITES)
    def test_and_those_of_a_recipes_environment(self, tmp_path, call, sites):
        assert load(recipe(tmp_path, call), shim="never").default_sites == sites

    def test_its_classes_are_as_before(self, tmp_path):
        from nvflare.job_config.api import FedJob as real

        before = (real.export_job, real.simulator_run)
        load(script(tmp_path), shim="never")
        assert (real.export_job, real.simulator_run) == before
