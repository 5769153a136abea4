"""What is added to a recipe by functions of its own: tracking, evaluation, meta."""

import json

import numpy as np
import pytest

from fedjob.errors import ArgumentNotSerializable, JobError, JobTypeError, ReleaseError
from fedjob.exchange.job_def import JobMetaKey
from fedjob.recipe import (
    FedAvgRecipe,
    SimEnv,
    add_cross_site_evaluation,
    add_experiment_tracking,
    add_final_global_evaluation,
    set_per_site_config,
    set_recipe_meta,
)
from fedjob.recipe.pt import FedAvgRecipe as TorchRecipe
from fedjob.result import RunResult
from tests.recipe.conftest import apps, client, component, server

TORCH = {"model": {"class_path": "net.Net"}, "min_clients": 2, "train_script": "client.py"}


class TestTracking:
    def test_mlflows_names_are_the_recipes_since_2_9(self, make):
        recipe = make(name="mine")
        add_experiment_tracking(recipe, "mlflow", {"kw_args": {"run_name": "r"}}, client_side=True)
        assert component(server(recipe), "receiver").args["kw_args"] == {
            "experiment_name": "mine-experiment",
            "run_name": "r",
        }
        assert component(client(recipe), "client_receiver").args["events"] == ["analytix_log_stats"]
        assert component(server(recipe, "2.8"), "receiver").args["kw_args"] == {"run_name": "r"}

    def test_the_callers_settings_are_copied(self, make):
        settings = {"tb_folder": "there", "events": ["mine"]}
        recipe = make()
        add_experiment_tracking(recipe, "tensorboard", settings, client_side=True, server_side=False)
        settings["events"].append("later")
        assert component(client(recipe), "client_receiver").args == {"tb_folder": "there", "events": ["mine"]}
        assert "receiver" not in {c.id for c in server(recipe).components}

    def test_single_clients(self, make):
        recipe = make()
        set_per_site_config(recipe, {"site-1": {}, "site-2": {}})
        add_experiment_tracking(recipe, "tensorboard", client_side=True, clients=["site-2"])
        having = [
            n
            for n, a in apps(recipe).items()
            if a.client and "client_receiver" in {c.id for c in a.client.components}
        ]
        assert having == ["app_site-2"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"tracking_type": "excel"},
                "invalid tracking type 'excel'; choose one of mlflow, tensorboard, wandb",
            ),
            ({"tracking_type": "wandb", "server_side": False}, "tracking needs a place"),
            ({"tracking_type": "wandb", "clients": ["a"]}, "give client_side=True"),
            (
                {"tracking_type": "mlflow", "tracking_config": {"kw_args": [1]}},
                "kw_args must be a dict, but got list",
            ),
        ],
    )
    def test_wrong_arguments_are_refused(self, make, arguments, message):
        with pytest.raises(JobError, match=message):
            add_experiment_tracking(make(), **arguments)

    @pytest.mark.parametrize(
        ("tracker", "settings", "file"),
        [
            ("mlflow", None, "mlflow.jsonl"),
            (
                "wandb",
                {"wandb_args": {"name": "n", "project": "p", "job_type": "t"}, "mode": "online"},
                "wandb.jsonl",
            ),
        ],
    )
    def test_no_service_is_reached(self, make, tmp_path, tracker, settings, file):
        recipe = make(num_rounds=2)
        add_experiment_tracking(recipe, tracker, settings)
        recipe.run(SimEnv(num_clients=2, workspace_root=str(tmp_path)))
        lines = (tmp_path / "fedavg" / "server" / "simulate_job" / file).read_text().splitlines()
        kept = sorted((json.loads(line) for line in lines), key=lambda line: (line["step"], line["site"]))
        assert kept == [
            {"site": f"site-{site}", "type": "METRIC", "tag": "seen", "value": 1.5 * step, "step": step}
            for step in (0, 1)
            for site in (1, 2)
        ]


class TestEvaluation:
    def test_a_script_answers(self, tmp_path):
        recipe = FedAvgRecipe(
            model=np.zeros((2, 2)), framework="numpy", min_clients=2, num_rounds=1, train_script="client.py"
        )
        add_cross_site_evaluation(recipe)
        # The script does not submit models; the server's is evaluated.
        recipe.job.apps["server"]._live.workflows
        recipe.run(SimEnv(num_clients=2, workspace_root=str(tmp_path)))
        found = json.loads(
            (
                tmp_path / "fedavg" / "server" / "simulate_job" / "cross_site_val" / "cross_val_results.json"
            ).read_text()
        )
        assert found["site-1"]["SRV_server"] == {"accuracy": 1.5}

    def test_numpys_validator_comes_with_its_recipe(self, make):
        recipe = make()
        add_cross_site_evaluation(recipe)
        assert [e.tasks for e in client(recipe).executors] == [("*",), ("validate",)]
        assert client(recipe).executors[1].executor.path.endswith("NPValidator")

    @pytest.mark.parametrize("add", [add_cross_site_evaluation, add_final_global_evaluation])
    def test_once(self, add):
        recipe = TorchRecipe(**TORCH)
        add(recipe)
        with pytest.raises(JobError, match="recipe 'fedavg' has a cross-site evaluation already"):
            add_cross_site_evaluation(recipe)
        with pytest.raises(JobError, match="recipe 'fedavg' has a cross-site evaluation already"):
            add_final_global_evaluation(recipe)

    def test_a_model_that_nobody_keeps_is_not_found(self):
        recipe = FedAvgRecipe(**TORCH)
        with pytest.raises(JobError, match="cross-site evaluation needs a model that FedAvgRecipe keeps"):
            add_cross_site_evaluation(recipe)
        with pytest.raises(JobError, match="the evaluation needs a model that FedAvgRecipe keeps"):
            add_final_global_evaluation(recipe)

    def test_the_final_evaluation_is_pytorchs(self, make):
        with pytest.raises(JobError, match="is for recipes of PyTorch"):
            add_final_global_evaluation(make())
        with pytest.raises(JobError, match="participating_clients must not be empty"):
            add_final_global_evaluation(TorchRecipe(**TORCH), participating_clients=[])
        recipe = TorchRecipe(**TORCH)
        add_final_global_evaluation(recipe, participating_clients=["site-1"], validation_timeout=5)
        args = server(recipe).workflows[1].args
        assert (args["submit_model_task_name"], args["participating_clients"]) == ("", ["site-1"])
        with pytest.raises(ReleaseError, match=r"add_final_global_evaluation; it came with 2\.9"):
            recipe.as_job().freeze("2.8")


class TestMeta:
    def test_it_is_json(self, make):
        recipe = make()
        set_recipe_meta(recipe, JobMetaKey.CUSTOM_PROPS, {"team": ("a", "b"), 1: None})
        set_recipe_meta(recipe, JobMetaKey.SCOPE, "private")
        meta = recipe.as_job().freeze().meta.to_dict()
        assert (meta["custom_props"], meta["scope"]) == ({"team": ["a", "b"], "1": None}, "private")

    @pytest.mark.parametrize(
        ("key", "value", "error", "message"),
        [
            ("scope", "x", JobTypeError, "must be a JobMetaKey, but got str"),
            (
                JobMetaKey.MIN_CLIENTS,
                2,
                JobError,
                "MIN_CLIENTS cannot be set in a recipe's meta; choose one of CUSTOM_PROPS",
            ),
            (JobMetaKey.SCOPE, 2, JobTypeError, "SCOPE must be a str, but got int"),
            (JobMetaKey.CUSTOM_PROPS, "x", JobTypeError, "CUSTOM_PROPS must be a dict, but got str"),
            (JobMetaKey.RESOURCE_SPEC, {"site-1": 1}, JobTypeError, "must hold a dict for each site's name"),
            (
                JobMetaKey.CUSTOM_PROPS,
                {"a": float("nan")},
                ArgumentNotSerializable,
                "cannot be written as JSON",
            ),
            (JobMetaKey.CUSTOM_PROPS, {"a": object()}, ArgumentNotSerializable, "cannot be written as JSON"),
        ],
    )
    def test_wrong_values_are_refused(self, make, key, value, error, message):
        with pytest.raises(error, match=message):
            set_recipe_meta(make(), key, value)


def test_the_numbers_are_in_the_result_too(make, tmp_path):
    recipe = make(num_rounds=2)
    add_experiment_tracking(recipe, "mlflow")
    recipe.run(SimEnv(num_clients=2, workspace_root=str(tmp_path)))
    result = RunResult.load(tmp_path / "fedavg")
    assert {(s.site, s.name, s.step, s.value) for s in result.scalars} >= {("site-1", "seen", 1, 1.5)}
