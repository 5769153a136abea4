"""Whatever arguments a recipe is given: what FLARE refuses is refused, and all else is exported as FLARE exports it."""

import copy
import importlib
import json
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedjob.flare import shim

pytestmark = [
    pytest.mark.flare,
    pytest.mark.skipif(not shim.real_flare(), reason="nvflare is not installed here"),
    pytest.mark.filterwarnings("ignore"),
]

_SCRIPT = {
    "name": ["a", "b-c", 3],
    "min_clients": [1, 2, 3, 0, "2", 2.5, True],
    "num_rounds": [1, 5, "3", 2.0],
    "train_args": ["", "--x 1", None, ["a", "b"]],
    "launch_external_process": [True, False, 1, "yes", None],
    "command": ["python3", "python3 -u -X dev", None],
    "client_memory_gc_rounds": [0, 1, -1, "1"],
}
_EXCHANGE = {
    "server_expected_format": ["numpy", "pytorch", "raw", "bad"],
    "params_transfer_type": ["FULL", "DIFF", "diff"],
    "cuda_empty_cache": [True, False, None],
}
_PER_SITE = [
    None,
    {},
    {"site-1": {}, "site-2": {"train_args": "x"}},
    {
        "site-1": {"launch_external_process": True},
        "site-2": {"launch_once": False},
        "site-3": {"command": "python"},
    },
]
_AVERAGING = {
    "key_metric": ["", "loss", "accuracy", None],
    "key_metric_mode": ["min", "max", None, "best"],
    "launch_once": [True, False, 0, None],
    "shutdown_timeout": [0.0, 5, -1.0, None],
    "aggregator_data_kind": ["WEIGHTS", "WEIGHT_DIFF", "METRICS"],
    "per_site_config": _PER_SITE,
}
_SELECTION = {
    "stop_cond": [None, "loss < 1", "accuracy >= 0.5", "bad"],
    "patience": [None, 1, "1", -3],
    "best_model_filename": [None, "best.pt"],
    "save_filename": [None, "s.pt"],
    "exclude_vars": [None, "x.*", 3],
    "aggregation_weights": [None, {}, {"site-1": "2.0"}, [1]],
}
_CHECKPOINT = {"initial_ckpt": [None, "start", "/there/start", "nowhere"]}

#: FLARE's module and class, ours, and what its arguments may be.
RECIPES = {
    "numpy": (
        ("nvflare.app_common.np.recipes.fedavg", "NumpyFedAvgRecipe"),
        "fedjob.recipe.np",
        {"model": [[1.0, 2.0], np.ones((2, 2)), None, "x"], **_SCRIPT, **_EXCHANGE, **_AVERAGING, **_SELECTION, **_CHECKPOINT},
    ),
    "pytorch": (
        ("nvflare.app_opt.pt.recipes.fedavg", "FedAvgRecipe"),
        "fedjob.recipe.pt",
        {
            "model": [{"class_path": "torch.nn.Linear", "args": {"in_features": 2, "out_features": 1}}, {"path": 3}, None],
            "launch_timeout": [300.0, None, 5, -1],
            "server_memory_gc_rounds": [0, 1],
            "enable_tensor_disk_offload": [True, False],
            **_SCRIPT, **_EXCHANGE, **_AVERAGING, **_SELECTION, **_CHECKPOINT,
        },
    ),
    "cyclic": (
        ("nvflare.app_opt.pt.recipes.cyclic", "CyclicRecipe"),
        "fedjob.recipe.pt",
        {
            "model": [{"class_path": "torch.nn.Linear", "args": {"in_features": 2, "out_features": 1}}],
            "task_assignment_timeout": [5, 0, -1, "2"],
            **_SCRIPT, **_EXCHANGE, **_CHECKPOINT,
        },
    ),
    "k-means": (
        ("nvflare.app_opt.sklearn.recipes.kmeans", "KMeansFedAvgRecipe"),
        "fedjob.recipe.sklearn",
        {"n_clusters": [1, 3, 0], **{k: v for k, v in _SCRIPT.items() if k != "client_memory_gc_rounds"}, "key_metric": ["a", 3]},
    ),
}  # fmt: skip


@st.composite
def calls(draw, options):
    names = draw(st.lists(st.sampled_from(sorted(options)), unique=True, max_size=5))
    needed = {"min_clients", *({"model"} & options.keys())} - set(names)
    return {name: draw(st.sampled_from(options[name])) for name in names} | {
        name: options[name][0] for name in needed
    }


def exported(module, name, arguments, folder):
    """The files of the job, or that it was refused."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        recipe = getattr(importlib.import_module(module), name)(
            train_script="client.py", **copy.deepcopy(arguments)
        )
        recipe.export(str(folder))
    except (ValueError, TypeError) as error:
        return type(error)
    return {
        str(path.relative_to(folder)): json.loads(path.read_text())
        if path.suffix == ".json"
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("recipe", RECIPES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_recipe_is_exported_or_refused_as_flare_does(recipe, data, repo, capsys):
    if recipe != "numpy":
        pytest.importorskip("sklearn" if recipe == "k-means" else "torch")
    (module, name), ours, options = RECIPES[recipe]
    (repo / "start").write_text("")
    arguments = data.draw(calls(options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        obtained = exported(ours, name, arguments, repo / "ours")
        expected = exported(module, name, arguments, repo / "theirs")
    if isinstance(expected, dict):
        assert obtained == expected
    else:
        assert isinstance(obtained, type)
