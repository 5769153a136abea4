"""What every recipe can: additions for clients and server, configuration by site, export, run."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedjob.components.filters.percentile_privacy import PercentilePrivacy
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.errors import JobError, JobTypeError, ReleaseError
from fedjob.folder.read import read
from fedjob.job import FedJob, ScriptRunner, load_script, run
from fedjob.job.exported import described
from fedjob.job.given import to_model
from fedjob.recipe import Recipe, SimEnv, set_per_site_config
from tests.recipe.conftest import apps, client, component, server


def test_a_recipe_is_taken_for_a_job(make, tmp_path):
    model = make().as_job().freeze()
    assert to_model(make(), None, tmp_path).digest == model.digest
    assert described(make(), None, tmp_path)[0].digest == model.digest
    make().export("jobs")
    assert read(tmp_path / "jobs" / "fedavg").digest == model.digest


def test_a_recipe_is_implemented_by_a_job():
    with pytest.raises(JobTypeError, match="a recipe is implemented by a FedJob, but got str"):
        Recipe("job")


def test_releases_before_2_7_have_no_recipes(make, tmp_path):
    with pytest.raises(ReleaseError, match=r"FLARE 2\.6 has no .*; export for 2\.7 or 2\.8 or 2\.9"):
        make().export(tmp_path, release="2.6")


def test_the_users_own_recipe_is_of_2_7_too(tmp_path):
    class Mine(Recipe):
        def __init__(self):
            job = FedJob("mine")
            job.to_server(FedAvg(num_clients=2))
            job.to_clients(ScriptRunner("client.py"))
            super().__init__(job)

    assert client(Mine()).executors[0].executor.args["task_script_path"] == "client.py"
    with pytest.raises(ReleaseError, match=r"FLARE 2\.5 has no nvflare\.recipe\.spec\.Recipe"):
        Mine().export(tmp_path, release="2.5")


def test_additions_go_where_they_are_sent(make):
    recipe = make()
    recipe.add_client_input_filter(PercentilePrivacy(percentile=1), tasks=["train"])
    recipe.add_client_output_filter(PercentilePrivacy(percentile=2), tasks=["train"])
    recipe.add_server_output_filter(PercentilePrivacy(percentile=3), tasks=["train"])
    recipe.add_server_input_filter(PercentilePrivacy(percentile=4), tasks=["train"])
    recipe.add_client_config({"c": 1})
    recipe.add_server_config({"s": 2})
    found = {
        (side, direction): chain.filters[0].args["percentile"]
        for side, config in (("client", client(recipe)), ("server", server(recipe)))
        for direction in ("task_data_filters", "task_result_filters")
        for chain in getattr(config, direction)
    }
    assert found == {
        ("client", "task_data_filters"): 1,
        ("client", "task_result_filters"): 2,
        ("server", "task_data_filters"): 3,
        ("server", "task_result_filters"): 4,
    }
    assert client(recipe).extra == {"c": 1}
    assert server(recipe).extra == {"s": 2}


def test_tensor_streaming_comes_once_and_in_the_servers_format(make):
    recipe = make()
    for arguments, message in (
        ({}, "cannot be streamed as 'pytorch': the server expects 'numpy'"),
        ({"format": "numpy", "tasks": []}, "tasks must not be empty"),
        ({"format": "numpy", "tasks": "train"}, "tasks must be a list, but got str"),
    ):
        with pytest.raises(JobError, match=message):
            recipe.enable_tensor_streaming(**arguments)
    recipe.enable_tensor_streaming(format="numpy")
    with pytest.raises(JobError, match="streams its tensors already"):
        recipe.enable_tensor_streaming(format="numpy")
    assert component(server(recipe), "tensor_server_streamer").args == {
        "format": "numpy",
        "tasks": ["train"],
    }
    with pytest.raises(ReleaseError, match=r"FLARE 2\.8 has no enable_tensor_streaming"):
        recipe.as_job().freeze("2.8")
    assert recipe.run(SimEnv(num_clients=2, workspace_root="work")).get_job_id() == "fedavg"


def test_files_travel(make, tmp_path):
    (tmp_path / "tool.py").write_text("A = 1\n")
    recipe = make(per_site_config={"site-1": {}, "site-2": {}})
    recipe.add_client_file("tool.py", clients=["site-2"])
    with_tool = {
        name for name, app in apps(recipe).items() if "custom/tool.py" in {f.path for f in app.files}
    }
    assert with_tool == {"app_site-2"}


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda r: r.add_client_config(["a"]), "config must be a dict, but got list"),
        (lambda r: r.add_server_config(None), "config must be a dict, but got NoneType"),
        (lambda r: r.add_client_file(1), "file_path must be a str, but got int"),
        (lambda r: r.add_client_config({}, clients="site-1"), "clients must be a list, but got str"),
        (lambda r: r.add_client_config({"a": 1}, clients=[]), "clients must not be empty"),
        (lambda r: r.add_client_config({"a": 1}, clients=["server"]), "invalid client name 'server'"),
        (lambda r: r.add_client_config({"a": 1}, clients=["@ALL"]), "invalid client name '@ALL'"),
        (
            lambda r: r.add_client_config({"a": 1}, clients=["site-1"]),
            "the recipe has one app for all clients",
        ),
    ],
)
def test_a_wrong_addition_is_refused(make, add, message):
    with pytest.raises(JobError, match=message):
        add(make())


class TestBySite:
    def test_each_site_has_its_own_app(self, make):
        recipe = make(train_args="1")
        set_per_site_config(recipe, {"site-1": {}, "site-2": {"train_args": "2", "framework": "pytorch"}})
        args = {
            name: app.client.executors[0].executor.args
            for name, app in apps(recipe).items()
            if app.client is not None
        }
        assert {name: a["task_script_args"] for name, a in args.items()} == {
            "app_site-1": "1",
            "app_site-2": "2",
        }
        assert args["app_site-2"]["params_exchange_format"] == "pytorch"
        assert recipe.configured_sites() == ["site-1", "site-2"]

    def test_the_callers_dict_is_copied(self, make):
        config = {"site-1": {"train_args": "1"}, "site-2": {}}
        recipe = make(per_site_config=config)
        config["site-1"]["train_args"] = "later"
        assert apps(recipe)["app_site-1"].client.executors[0].executor.args["task_script_args"] == "1"

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ([], "per-site config must be a dict, but got list"),
            ({}, "per-site config must not be empty"),
            ({1: {}}, "a site's name in per-site config must be a str, but got int"),
            ({"site-1": 2}, "per-site config for site 'site-1' must be a dict, but got int"),
            ({"site-1": {}}, "there are 1 sites in per_site_config, but min_clients=2"),
            ({"server": {}, "site-1": {}}, "'server' is not the name of a site"),
            ({"a/b": {}, "site-1": {}}, "a name must not hold /"),
            ({"site-1": {"framework": "x"}, "site-2": {}}, "framework 'x' is not supported"),
        ],
    )
    def test_wrong_config_is_refused_and_the_recipe_as_before(self, make, config, message):
        recipe = make()
        with pytest.raises(JobError, match=message):
            recipe.set_per_site_config(config)
        recipe.set_per_site_config({"site-1": {}, "site-2": {}})
        assert recipe.configured_sites() == ["site-1", "site-2"]

    def test_it_comes_once_and_first(self, make):
        recipe = make(per_site_config={"site-1": {}, "site-2": {}})
        with pytest.raises(JobError, match="already been applied"):
            recipe.set_per_site_config({"site-1": {}, "site-2": {}})
        recipe = make()
        recipe.add_client_config({"a": 1})
        with pytest.raises(JobError, match="right after the recipe"):
            recipe.set_per_site_config({"site-1": {}, "site-2": {}})

    def test_an_unknown_site_gets_nothing(self, make):
        recipe = make(per_site_config={"site-1": {}, "site-2": {}})
        with pytest.raises(
            JobError, match=r"unknown clients \['site-3'\]: the recipe has apps for \['site-1', 'site-2'\]"
        ):
            recipe.add_client_config({"a": 1}, clients=["site-1", "site-3"])


JSON = st.dictionaries(st.text("abc", min_size=1, max_size=2), st.integers(), max_size=3)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(server_params=st.none() | JSON, client_params=st.none() | JSON, kept=JSON)
def test_parameters_of_one_export_leave_no_trace(make, tmp_path, server_params, client_params, kept):
    recipe = make()
    if kept:
        recipe.add_client_config(kept)
    before = recipe.as_job().freeze().digest
    recipe.export(tmp_path / "jobs", server_exec_params=server_params, client_exec_params=client_params)
    config = tmp_path / "jobs" / "fedavg" / "app" / "config"
    expected = {} if client_params == {} else {**kept, **(client_params or {})}
    written = json.loads((config / "config_fed_client.json").read_text())
    assert {k: v for k, v in written.items() if k in {*kept, *(client_params or {})}} == expected
    written = json.loads((config / "config_fed_server.json").read_text())
    assert {k: v for k, v in written.items() if k in (server_params or {})} == (server_params or {})
    assert recipe.as_job().freeze().digest == before


def test_parameters_of_a_job_that_is_handed_over_stay(make):
    caught = []
    with run.handing_over(caught.append):
        make().run(SimEnv(num_clients=2), client_exec_params={"rate": 1})
    assert next(a.client for a in caught[0].freeze().apps if a.client).extra == {"rate": 1}


@pytest.mark.parametrize(
    "args", [[], ["--export"], ["--export", "--export-dir", "there"], ["--export-dir=there"]]
)
def test_a_recipes_script_is_loaded_whatever_export_it_asks_for(args, tmp_path):
    (tmp_path / "job.py").write_text(
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('--rounds', type=int)\n"
        "args = parser.parse_args()\n"
        "from nvflare.app_common.np.recipes import NumpyFedAvgRecipe\n"
        "from nvflare.recipe import SimEnv\n"
        "recipe = NumpyFedAvgRecipe(model=[1.0], min_clients=2, num_rounds=args.rounds, train_script='client.py')\n"
        "print(recipe.execute(SimEnv(num_clients=2)).get_result())\n"
    )
    job = load_script(tmp_path / "job.py", [*args, "--rounds", "3"], shim="always")
    assert next(a.server for a in job.freeze().apps if a.server).workflows[0].args["num_rounds"] == 3
    assert not (tmp_path / "there").exists()
