"""The recipes beside FedAvg's: what they refuse, by release and by argument, and that they run."""

import json

import numpy as np
import pytest

from fedjob.errors import JobError, ReleaseError
from fedjob.recipe import FedTaskRecipe, SimEnv
from fedjob.recipe.cyclic import CyclicRecipe
from fedjob.recipe.fedeval import FedEvalRecipe
from fedjob.recipe.fedopt import FedOptRecipe
from fedjob.recipe.flower import FlowerRecipe
from fedjob.recipe.np import FedAvgLrRecipe, NumpyCrossSiteEvalRecipe
from fedjob.recipe.pt import CyclicRecipe as TorchCyclic
from fedjob.recipe.scaffold import ScaffoldRecipe
from fedjob.recipe.sklearn import KMeansFedAvgRecipe, SVMFedAvgRecipe
from fedjob.recipe.swarm import SwarmLearningRecipe
from fedjob.recipe.tf import FedOptRecipe as KerasFedOpt
from fedjob.result import RunResult
from tests.recipe.conftest import client, component, server

MODEL = {"class_path": "net.Net", "args": {}}
TRAIN = {"min_clients": 2, "train_script": "client.py"}


def swarm(**options):
    return SwarmLearningRecipe("swarm", MODEL, 3, "client.py", 2, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CyclicRecipe(train_script="client.py"), "a recipe needs a model"),
        (lambda: CyclicRecipe(model=[1.0], train_script="client.py"), "CyclicRecipe cannot keep a list"),
        (
            lambda: TorchCyclic(model=MODEL, train_script="client.py", min_clients=1),
            "min_clients must be an int of at least 2",
        ),
        (lambda: TorchCyclic(initial_ckpt="/m.pt", train_script="client.py"), "PyTorch needs the model"),
        (
            lambda: TorchCyclic(model=MODEL, train_script="client.py", server_config_overrides={"rounds": 1}),
            "server_config_overrides has 'rounds'; it can have allow_early_termination",
        ),
        (
            lambda: TorchCyclic(model=MODEL, train_script="client.py", client_config_overrides=["x"]),
            "client_config_overrides must be a dict, but got list",
        ),
        (lambda: FedOptRecipe(**TRAIN), "FedOpt needs a model"),
        (lambda: FedOptRecipe(model=MODEL, **TRAIN), "cannot build the model net.Net"),
        (
            lambda: ScaffoldRecipe(model=MODEL, server_expected_format="x", **TRAIN),
            "invalid server_expected_format",
        ),
        (
            lambda: FedEvalRecipe(model=1, eval_ckpt="/m.pt", min_clients=2, eval_script="client.py"),
            "model must be a torch.nn.Module or a dict",
        ),
        (lambda: swarm(expected_data_kind="METRICS"), "expected_data_kind is METRICS"),
        (lambda: swarm(train_args={"script": "x"}), "train_args has 'script', which the recipe sets itself"),
        (lambda: swarm(key_metric_mode="most"), "invalid key_metric_mode 'most'; choose one of max, min"),
        (
            lambda: swarm(server_config_overrides={"min_clients": 1}),
            "server_config_overrides has 'min_clients'",
        ),
        (lambda: swarm(client_config_overrides={"persistor": 1}), "client_config_overrides has 'persistor'"),
        (
            lambda: swarm(max_concurrent_submissions=0),
            "max_concurrent_submissions must be an int of at least 1",
        ),
        (
            lambda: FedTaskRecipe(min_clients=2, num_clients=1, min_responses=2, task_script="client.py"),
            "min_responses=2, but only num_clients=1 are asked",
        ),
        (
            lambda: FedTaskRecipe(min_clients=2, timeout=-1, task_script="client.py"),
            "timeout must be an int of at least 0",
        ),
        (
            lambda: NumpyCrossSiteEvalRecipe(initial_ckpt="m.npy"),
            "initial_ckpt must be an absolute path here",
        ),
        (lambda: FedAvgLrRecipe(num_features=0, **TRAIN), "num_features must be an int of at least 1"),
        (lambda: FlowerRecipe(flower_content=".", run_config=[1]), "run_config must be a dict, but got list"),
        (
            lambda: FlowerRecipe(flower_content=".", extra_env={"CLIENT_API_TYPE": "IN_PROCESS_API"}),
            "extra_env must not set CLIENT_API_TYPE",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(JobError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "release", "message"),
    [
        (lambda: swarm(learn_task_timeout=3), "2.8", "learn_task_timeout in SwarmLearningRecipe"),
        (lambda: swarm(key_metric="loss"), "2.8", "key_metric in SwarmLearningRecipe"),
        (
            lambda: TorchCyclic(model=MODEL, train_script="client.py", task_assignment_timeout=5),
            "2.8",
            "task_assignment_timeout in recipes",
        ),
        (
            lambda: TorchCyclic(
                model=MODEL, train_script="client.py", launch_external_process=True, command="python3"
            ),
            "2.8",
            r"CyclicRecipe of FLARE 2\.8 forgets the command",
        ),
        (lambda: FedTaskRecipe(min_clients=2, task_script="client.py"), "2.8", r"FLARE 2\.8 has no"),
    ],
)
def test_what_a_release_lacks_is_refused(make, release, message):
    recipe = make()
    recipe.as_job().freeze()
    with pytest.raises(ReleaseError, match=message):
        recipe.as_job().freeze(release)


def test_a_swarm_selects_its_best_model_since_2_9():
    assert component(client(swarm(key_metric_mode="min")), "model_selector").args["negate_key_metric"] is True
    assert "model_selector" not in {c.id for c in client(swarm(), "2.8").components}
    assert "model_selector" not in {c.id for c in client(swarm(key_metric=None)).components}


def test_flowers_apps_know_their_api_before_2_9(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "pyproject.toml").write_text("")
    recipe = FlowerRecipe(flower_content="app", extra_env={"A": "1"})
    assert client(recipe).executors[0].executor.args["extra_env"] == {"A": "1"}
    older = client(recipe, "2.8").executors[0].executor.args["extra_env"]
    assert older == {"A": "1", "CLIENT_API_TYPE": "EX_PROCESS_API"}


def test_settings_of_an_optimizer_are_data():
    optimizer = {"class_path": "tensorflow.keras.optimizers.SGD", "args": {"learning_rate": 0.1}}
    recipe = KerasFedOpt(model=MODEL, optimizer_args=optimizer, **TRAIN)
    assert server(recipe).workflows[0].args["optimizer_args"] == {
        **optimizer,
        "path": "tensorflow.keras.optimizers.SGD",
        "config_type": "dict",
    }
    assert "config_type" not in optimizer


def script(tmp_path, text):
    (tmp_path / "client.py").write_text(
        "import numpy as np\nimport nvflare.client as flare\n\nflare.init()\nnumber = float(flare.get_site_name()[-1])\n"
        f"while flare.is_running():\n    model = flare.receive()\n{text}"
    )


def ran(recipe, tmp_path, sites=2):
    recipe.run(SimEnv(num_clients=sites, workspace_root=str(tmp_path / "work")))
    return RunResult.load(tmp_path / "work" / recipe.name)


def test_one_task_is_answered_once(tmp_path):
    script(
        tmp_path,
        "    flare.send(flare.FLModel(params={'n': number}, metrics={'given': model.params['a']}))\n",
    )
    result = ran(FedTaskRecipe(min_clients=2, task_data={"a": 3}, task_script="client.py"), tmp_path)
    assert [c.metrics["given"] for r in result.rounds for c in r.contributions] == [3, 3]


def test_logistic_regression_steps_by_newtons_method(tmp_path):
    script(
        tmp_path,
        "    w = model.params['numpy_key']\n"
        "    gradient, hessian = (w - number), np.eye(len(w))\n"
        "    flare.send(flare.FLModel(params={'gradient': gradient, 'hessian': hessian}, metrics={'w': float(w[0].sum())}))\n",
    )
    recipe = FedAvgLrRecipe(num_rounds=2, num_features=1, damping_factor=1.0, **TRAIN)
    # The Hessian is I and epsilon 1, so a step is half the mean of -1 and -2.
    assert ran(recipe, tmp_path).metric("w").values == pytest.approx((0.0, -0.75))


def test_k_means_weighs_centres_by_counts(tmp_path):
    pytest.importorskip("sklearn")
    script(
        tmp_path,
        "    center = np.asarray(model.params.get('center', np.zeros((1, 2))))\n"
        "    params = {'center': center + number, 'count': np.array([number])}\n"
        "    flare.send(flare.FLModel(params=params, metrics={'metrics': float(center.mean())}))\n",
    )
    result = ran(KMeansFedAvgRecipe(num_rounds=3, n_clusters=1, **TRAIN), tmp_path)
    # First the mean of 1 and 2; then (1 * 2.5 + 2 * 3.5) / 3.
    assert result.metric("metrics", site="site-1").values == pytest.approx((0.0, 1.5, 1.5 + 5 / 3))


def test_a_support_vector_machine_is_fitted_on_all_vectors(tmp_path):
    pytest.importorskip("sklearn")
    script(
        tmp_path,
        "    got = model.params.get('support_x')\n"
        "    x = np.array([[0.0, 0.0], [10.0, 10.0]]) + number * np.array([[1.0], [-1.0]])\n"
        "    params = {'support_x': x, 'support_y': np.array([0, 1])}\n"
        "    flare.send(flare.FLModel(params=params, metrics={'AUC': -1.0 if got is None else float(got.sum())}))\n",
    )
    result = ran(SVMFedAvgRecipe(kernel="linear", **TRAIN), tmp_path)
    # The nearest points of the two classes, (2, 2) and (8, 8), are all that supports the margin.
    assert result.metric("AUC", site="site-1").values == (-1.0, 20.0)


def test_models_that_are_there_are_evaluated(tmp_path):
    np.save(tmp_path / "m.npy", np.ones((2, 2)))
    script(
        tmp_path,
        "    if flare.is_submit_model():\n        flare.send(flare.FLModel(params={'x': np.ones(1)}))\n        continue\n"
        "    flare.send(flare.FLModel(metrics={'sum': float(sum(v.sum() for v in model.params.values()))}))\n",
    )
    recipe = NumpyCrossSiteEvalRecipe(eval_script="client.py", initial_ckpt=str(tmp_path / "m.npy"))
    recipe.run(SimEnv(num_clients=2, workspace_root=str(tmp_path / "work")))
    folder = tmp_path / "work" / recipe.name / "server" / "simulate_job" / "cross_site_val"
    assert json.loads((folder / "cross_val_results.json").read_text())["site-2"]["SRV_server"] == {"sum": 4.0}
