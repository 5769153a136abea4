"""FedAvgRecipe and those made of it: what they refuse, and what they say about the model."""

import numpy as np
import pytest

from fedjob.components.aggregators.intime_accumulate import InTimeAccumulateWeightedAggregator
from fedjob.errors import JobError, JobTypeError, ReleaseError
from fedjob.recipe import FedAvgRecipe
from fedjob.recipe.np import NumpyFedAvgRecipe
from fedjob.recipe.pt import FedAvgRecipe as TorchRecipe
from fedjob.recipe.pt import FedProxRecipe
from fedjob.recipe.sklearn import KMeansFedAvgRecipe, SklearnFedAvgRecipe, SVMFedAvgRecipe
from fedjob.recipe.tf import FedAvgRecipe as KerasRecipe
from tests.recipe import conftest
from tests.recipe.conftest import client, component, server

TRAIN = {"min_clients": 2, "train_script": "client.py"}
BY_PATH = {"class_path": "net.Net", "args": {"width": 3}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": None}, "a recipe needs a model: give model, initial_ckpt or model_persistor"),
        ({"min_clients": 0}, "min_clients must be an int of at least 1, but is 0"),
        ({"num_rounds": 0}, "num_rounds must be an int of at least 1, but is 0"),
        ({"num_rounds": 1.5}, "num_rounds must be an int, but is 1.5"),
        ({"patience": "few"}, "patience must be an int or None, but is 'few'"),
        ({"command": ["python3", "-u"]}, r"command must be a str, but is \['python3', '-u'\]"),
        ({"launch_once": None}, "launch_once must be a bool, but is None"),
        (
            {"aggregation_weights": {"site-1": "much"}},
            "aggregation_weights must be a dict of numbers by site or None",
        ),
        ({"client_memory_gc_rounds": -1}, "memory_gc_rounds must be an int of 0 or more, but is -1"),
        (
            {"launch_external_process": True, "shutdown_timeout": -1},
            r"shutdown_timeout must be a number of seconds of 0 or more, or None, but is -1\.0",
        ),
        ({"model": "x"}, "model must be a numpy array or a list, but got str"),
        ({"model": None, "initial_ckpt": "not_here.npy"}, "there is no checkpoint not_here.npy"),
        ({"server_expected_format": "csv"}, "invalid server_expected_format 'csv'"),
        ({"params_transfer_type": "HALF"}, "invalid params_transfer_type 'HALF'; choose one of FULL, DIFF"),
        ({"aggregator_data_kind": "METRICS"}, "aggregator_data_kind is METRICS"),
        ({"aggregator_data_kind": None}, "must be WEIGHTS or WEIGHT_DIFF for the built-in aggregator"),
        ({"key_metric_mode": "most"}, "key_metric_mode must be 'min' or 'max', but got 'most'"),
        ({"best_model_filename": "a", "save_filename": "b"}, "name the same file; give one of them"),
        ({"stop_cond": "accuracy > 0.5", "key_metric_mode": "min"}, "contradicts stop_cond"),
        ({"framework": "numpy"}, "NumpyFedAvgRecipe takes no argument 'framework'"),
    ],
)
def test_wrong_arguments_are_refused(make, options, message):
    with pytest.raises(JobError, match=message):
        make(**options).as_job()


def test_what_stands_for_a_value_is_taken(make):
    """As from a command line: FLARE takes it too."""
    recipe = make(
        num_rounds="3", min_clients=2.0, launch_once="no", shutdown_timeout=5, aggregation_weights={"a": "2"}
    )
    assert (recipe.num_rounds, recipe.min_clients, recipe.launch_once) == (3, 2, False)
    assert type(recipe.min_clients) is int
    assert (recipe.shutdown_timeout, recipe.aggregation_weights) == (5.0, {"a": 2.0})


@pytest.mark.parametrize("model", [np.ones((2, 1)), [[1.0], [1.0]]])
def test_a_numpy_model_is_in_the_job(make, model):
    assert component(server(make(model=model)), "persistor").args == {"model": [[1.0], [1.0]]}


def test_a_relative_checkpoint_travels(make, tmp_path):
    np.save(tmp_path / "start.npy", np.ones(2))
    recipe = make(model=None, initial_ckpt="start.npy")
    app = recipe.as_job().freeze().apps[0]
    assert "custom/start.npy" in {file.path for file in app.files}
    assert component(server(recipe), "persistor").args == {"source_ckpt_file_full_name": "start.npy"}


def test_the_mode_follows_the_stop_condition_since_2_9(make):
    recipe = make(key_metric="loss", stop_cond="loss < 0.5")
    assert component(server(recipe), "model_selector").args["negate_key_metric"] is True
    for config in (server(recipe, "2.8"), server(make(stop_cond="loss < 0.5"))):
        assert "negate_key_metric" not in component(config, "model_selector").args


@pytest.mark.parametrize(
    ("options", "release", "message"),
    [
        ({"key_metric_mode": "min"}, "2.8", "FLARE 2.8 has no key_metric_mode; it came with 2.9"),
        ({"best_model_filename": "b.pt"}, "2.7", "FLARE 2.7 has no best_model_filename; it came with 2.8"),
    ],
)
def test_what_a_release_lacks_is_refused(make, options, release, message):
    recipe = make(**options)
    recipe.as_job().freeze()
    with pytest.raises(ReleaseError, match=message):
        recipe.as_job().freeze(release)


def test_launch_timeout_is_of_2_9():
    recipe = FedAvgRecipe(model=BY_PATH, launch_external_process=True, launch_timeout=5.0, **TRAIN)
    assert client(recipe).executors[0].executor.args["launch_timeout"] == 5.0
    with pytest.raises(ReleaseError, match=r"launch_timeout in recipes; it came with 2\.9"):
        recipe.as_job().freeze("2.8")


def test_a_dict_is_the_controllers_where_no_framework_keeps_it():
    workflow = server(FedAvgRecipe(model=BY_PATH, **TRAIN)).workflows[0]
    assert workflow.args["model"] == {"path": "net.Net", "args": {"width": 3}}
    with pytest.raises(
        JobTypeError, match="takes a model as a dict, but got object; use the recipe of the model's"
    ):
        FedAvgRecipe(model=object(), **TRAIN)
    with pytest.raises(JobError, match="must name its class as 'class_path'"):
        FedAvgRecipe(model={"args": {}}, **TRAIN)


@pytest.mark.filterwarnings("error")
def test_an_aggregator_of_the_other_kind_is_left_out_with_a_warning(make):
    with pytest.warns(UserWarning, match="is no ModelAggregator: FLARE's recipes leave it out") as told:
        recipe = make(aggregator=InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHTS"))
    assert "aggregator" not in server(recipe).workflows[0].args
    assert told[0].filename == conftest.__file__  # where `make` calls the recipe


def test_an_aggregator_must_expect_what_the_recipe_says(make):
    with pytest.raises(
        JobError, match=r"aggregator_data_kind=WEIGHTS, but .* expects WEIGHT_DIFF; let them agree"
    ):
        make(aggregator=InTimeAccumulateWeightedAggregator(expected_data_kind="WEIGHT_DIFF"))


class TestTorch:
    def test_the_persistor_has_the_model(self):
        recipe = TorchRecipe(
            model=BY_PATH, server_expected_format="pytorch", save_filename="best.pt", **TRAIN
        )
        persistor = component(server(recipe), "persistor")
        assert persistor.args == {
            "model": {"path": "net.Net", "args": {"width": 3}},
            "allow_numpy_conversion": False,
            "best_global_model_file_name": "best.pt",
        }
        # Before 2.8, save_filename is the controller's alone.
        assert "best_global_model_file_name" not in component(server(recipe, "2.7"), "persistor").args
        assert server(recipe, "2.7").workflows[0].args["save_filename"] == "best.pt"

    def test_a_checkpoint_needs_the_model(self):
        with pytest.raises(JobError, match="PyTorch needs the model beside initial_ckpt"):
            TorchRecipe(initial_ckpt="/net.pt", **TRAIN)

    @pytest.mark.parametrize("mu", [-0.1, True, "0.1", float("nan")])
    def test_a_wrong_fedprox_mu_is_refused(self, mu):
        with pytest.raises(JobError, match="fedprox_mu must be a number of 0 or more"):
            FedProxRecipe(model=BY_PATH, fedprox_mu=mu, **TRAIN)

    def test_fedprox_is_of_2_9(self):
        recipe = FedProxRecipe(model=BY_PATH, **TRAIN)
        assert server(recipe).workflows[0].args["fedprox_mu"] == 0.01
        with pytest.raises(ReleaseError):
            recipe.as_job().freeze("2.8")


def test_keras_keeps_a_model_by_class_path():
    recipe = KerasRecipe(model=BY_PATH, **TRAIN)
    assert component(server(recipe), "persistor").path.endswith("TFModelPersistor")
    with pytest.raises(JobTypeError, match="FedAvgRecipe takes no argument 'stop_cond'"):
        KerasRecipe(model=BY_PATH, stop_cond="accuracy > 1", **TRAIN)


class TestSklearn:
    def test_the_parameters_start_from_what_is_given(self):
        recipe = SklearnFedAvgRecipe(model_params={"n_classes": 2}, model_path="/m.joblib", **TRAIN)
        assert component(server(recipe), "persistor").args == {
            "initial_params": {"n_classes": 2},
            "model_path": "/m.joblib",
        }
        with pytest.raises(JobError, match="model_path must be an absolute path"):
            SklearnFedAvgRecipe(model_path="m.joblib", **TRAIN)

    @pytest.mark.parametrize(
        ("recipe", "assembler", "args"),
        [
            (lambda: KMeansFedAvgRecipe(n_clusters=4, **TRAIN), "kmeans_assembler", {"n_clusters": 4}),
            (lambda: SVMFedAvgRecipe(kernel="poly", **TRAIN), "svm_assembler", {"kernel": "poly"}),
        ],
    )
    def test_an_assembler_puts_the_parts_together(self, recipe, assembler, args):
        config = server(recipe())
        assert component(config, assembler)
        assert component(config, "persistor").args["initial_params"] == args
        assert config.workflows[0].args["aggregator"]["args"] == {"assembler_id": assembler}

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: KMeansFedAvgRecipe(n_clusters=0, **TRAIN), "n_clusters must be an int of at least 1"),
            (
                lambda: SVMFedAvgRecipe(kernel="cubic", **TRAIN),
                "invalid kernel 'cubic'; choose one of linear",
            ),
            (
                lambda: SVMFedAvgRecipe(num_rounds=3, **TRAIN),
                "SVMFedAvgRecipe takes no argument 'num_rounds'",
            ),
        ],
    )
    def test_wrong_arguments_are_refused(self, make, message):
        with pytest.raises(JobError, match=message):
            make()


def test_an_unknown_argument_is_pythons_error():
    with pytest.raises(TypeError, match="rounds"):
        NumpyFedAvgRecipe(model=[1.0], rounds=3, **TRAIN)
