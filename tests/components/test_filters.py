import numpy as np
import pytest

from tests.components.world import outcome

FILTERS = "app_common.filters"


def weights():
    rng = np.random.default_rng(3)
    return {
        "conv.weight": rng.normal(scale=0.01, size=(4, 3)).astype(np.float32),
        "conv.bias": rng.normal(scale=0.01, size=3),
        "fc.weight": rng.normal(size=(2, 2)).astype(np.float32),
        "steps": np.array(0.5),
    }


def filtered(world, path, kwargs, kind="WEIGHTS", data=None, meta=None, task_data=None, rc=None):
    np.random.seed(0)
    chosen = world(path)(**kwargs)
    shareable = world.dxo(kind, weights() if data is None else data, **(meta or {})).to_shareable()
    if rc:
        shareable.set_return_code(rc)
    ctx = world.context(__task_data__=task_data)
    result = chosen.process(shareable, ctx)
    return world("apis.dxo.from_shareable")(result)


@pytest.mark.parametrize("kind", ["WEIGHTS", "WEIGHT_DIFF", "METRICS"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"percentile": 50, "gamma": 0.005},
        {"percentile": 0},
        {"percentile": 101},
        {"gamma": 0},
        {"data_kinds": ["WEIGHTS"]},
    ],
    ids=str,
)
def test_percentile_privacy(same_as_flare, kwargs, kind):
    meta = {"NUM_STEPS_CURRENT_ROUND": 3}
    same_as_flare(
        lambda w: filtered(w, f"{FILTERS}.percentile_privacy.PercentilePrivacy", kwargs, kind, meta=meta)
    )


@pytest.mark.parametrize("kind", ["WEIGHTS", "WEIGHT_DIFF", "METRICS"])
@pytest.mark.parametrize(
    "given", [None, "conv", ["fc.weight", "absent"], "", "nothing", [], ["a", 1], 5], ids=str
)
def test_exclude_vars(same_as_flare, given, kind):
    path = f"{FILTERS}.exclude_vars.ExcludeVars"
    same_as_flare(lambda w: filtered(w, path, {"exclude_vars": given}, kind))


def test_exclude_vars_in_a_collection(same_as_flare):
    def scenario(world):
        parts = {"a": world.dxo("WEIGHTS", weights()), "b": world.dxo("METRICS", {"conv": 1})}
        parts["c"] = world.dxo("COLLECTION", {"d": world.dxo("WEIGHT_DIFF", weights())})
        return filtered(
            world, f"{FILTERS}.exclude_vars.ExcludeVars", {"exclude_vars": "conv"}, "COLLECTION", parts
        )

    same_as_flare(scenario)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"fraction": 1.0},
        {"fraction": 0.0},
        {"replace": False, "fraction": 0.5},
        {"epsilon_threshold": 0.02},
        {"epsilon_query": 0.02, "epsilon_release": 3.0},
        {"epsilon_query": 0.2},
        {"epsilon_threshold": 0.01, "epsilon_query": 0.01},
        {"epsilon": -1},
        {"noise_var": 0},
        {"gamma": 0.1, "tau": 0.01, "data_kinds": ["WEIGHT_DIFF"]},
    ],
    ids=str,
)
def test_svt_privacy(same_as_flare, kwargs):
    def scenario(world):
        path = f"{FILTERS}.svt_privacy.SVTPrivacy"
        meta = {"NUM_STEPS_CURRENT_ROUND": 2, "current_round": 4}
        return outcome(lambda: filtered(world, path, kwargs, "WEIGHT_DIFF", meta=meta))

    same_as_flare(scenario)


def test_svt_privacy_without_scalars_adds_up_what_it_spent(same_as_flare):
    def scenario(world):
        np.random.seed(1)
        chosen = world.add(world(f"{FILTERS}.svt_privacy.SVTPrivacy")(fraction=0.4))
        data = {k: v for k, v in weights().items() if k != "steps"}
        told = []
        for _ in range(2):
            shareable = chosen.process(world.dxo("WEIGHT_DIFF", dict(data)).to_shareable(), world.context())
            told.append(world("apis.dxo.from_shareable")(shareable).meta)
        spent = chosen.get_privacy_spent(), chosen.get_privacy_ledger()
        world.fire("_start_run")
        return told, spent, chosen.get_privacy_spent()

    same_as_flare(scenario)


@pytest.mark.parametrize("direction", ["weights_to_diff", "diff_to_weights", "sideways"])
@pytest.mark.parametrize("kind", ["WEIGHTS", "WEIGHT_DIFF"])
@pytest.mark.parametrize("base", ["WEIGHTS", "WEIGHT_DIFF", "nothing"])
@pytest.mark.parametrize("meta", [{}, {"PROCESSED_ALGORITHM": "x"}], ids=str)
def test_convert_weights(same_as_flare, direction, kind, base, meta):
    def scenario(world):
        task_data = None
        if base != "nothing":
            task_data = world.dxo(base, {"conv.bias": np.ones(3), "other": np.ones(1)}).to_shareable()
        path = f"{FILTERS}.convert_weights.ConvertWeights"
        return outcome(
            lambda: filtered(world, path, {"direction": direction}, kind, meta=meta, task_data=task_data)
        )

    same_as_flare(scenario)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"data_kinds": ["WEIGHTS"]},
        {"data_kinds": ["WEIGHTS"], "allow_data_kinds": True},
        {"data_kinds": ["METRICS"]},
        {"data_kinds": ["METRICS"], "allow_data_kinds": True},
        {"data_kinds": []},
        {"data_kinds": "WEIGHTS"},
        {"data_kinds": [1]},
    ],
    ids=str,
)
def test_dxo_blocker(same_as_flare, kwargs):
    def scenario(world):
        blocked = world("apis.filter.ContentBlockedException")
        try:
            return filtered(world, f"{FILTERS}.dxo_blocker.DXOBlocker", kwargs)
        except blocked:
            return "blocked"
        except ValueError:
            return "ValueError"

    same_as_flare(scenario)


def test_replies_that_report_an_error_pass_untouched(same_as_flare):
    path = f"{FILTERS}.exclude_vars.ExcludeVars"
    same_as_flare(lambda w: filtered(w, path, {"exclude_vars": "conv"}, rc="EXECUTION_EXCEPTION"))


def test_what_is_no_dxo_passes_untouched(world):
    shareable = world("apis.shareable.Shareable")({"a": 1})
    chosen = world(f"{FILTERS}.percentile_privacy.PercentilePrivacy")()
    assert chosen.process(shareable, world.context()) is shareable


@pytest.mark.parametrize("kinds", [(["WEIGHTS"], ["METRICS"]), ("WEIGHTS", None), (None, "WEIGHTS")])
def test_dxo_filter_refuses_kinds_as_flare_does(same_as_flare, kinds):
    def scenario(world):
        base = world("apis.dxo_filter.DXOFilter")
        own = type("Own", (base,), {"process_dxo": lambda self, dxo, shareable, fl_ctx: None})
        return outcome(lambda: own(*kinds).data_kinds)

    same_as_flare(scenario)


@pytest.mark.parametrize("how", ["same", "new", "none", "wrong"])
def test_a_filters_history_travels(same_as_flare, how):
    def scenario(world):
        base = world("apis.dxo_filter.DXOFilter")
        dxo_class = world("apis.dxo.DXO")

        class Own(base):
            def process_dxo(self, dxo, shareable, fl_ctx):
                new = {"same": dxo, "none": None, "wrong": "text"}
                return new.get(how, dxo_class("WEIGHTS", {"new": 1}))

        first = outcome(
            lambda: filtered(world, f"{FILTERS}.exclude_vars.ExcludeVars", {"exclude_vars": "conv"})
        )
        shareable = world.dxo("WEIGHTS", {"a": 1}, filter_history=["First"]).to_shareable()
        chosen = Own(None, None)
        second = outcome(lambda: world("apis.dxo.from_shareable")(chosen.process(shareable, world.context())))
        return first, second

    same_as_flare(scenario)
