import math

import pytest

PATH = "app_common.widgets.intime_model_selector.IntimeModelSelector"


def rounds(world, selector, contributions):
    """Play rounds of [(site, kwargs of the result)], give what was selected after each."""
    world.add(selector)
    world.fire("_start_run")
    for number, results in enumerate(contributions):
        world.fire("_round_started", world.context(current_round=number))
        for site, kwargs in results:
            result = world.result(**{"round": number, **kwargs})
            world.fire("_before_contribution_accept", world.context(site, result, current_round=number))
        ctx = world.fire("_before_aggregation", world.context(current_round=number))
        yield {
            "mean": selector.val_metric,
            "best": selector.best_val_metric,
            "fired": world.events.count("_global_best_model_available"),
            "info": ctx.get_prop("metrics_selection_info"),
            "result": ctx.get_prop("_validation_result_"),
        }


def metrics(**values):
    return {"initial_metrics": values}


PLAY = [
    [("site-1", metrics(acc=0.9)), ("site-2", metrics(acc=0.9))],
    [("site-1", metrics(acc=0.5)), ("site-2", metrics(acc=0.7))],
    [("site-1", metrics(acc=0.5)), ("site-2", metrics(acc=0.5))],
    [("site-1", metrics(acc=0.6) | {"NUM_STEPS_CURRENT_ROUND": 3}), ("site-2", metrics(acc=0.7))],
    [("site-1", metrics(other=1)), ("site-2", {})],
    [("site-1", metrics(acc="0.8")), ("site-2", metrics(acc=None)), ("site-3", metrics(acc=math.nan))],
    [("site-1", metrics(acc=9.0) | {"round": 2}), ("site-2", {"initial_metrics": 0.95})],
    [("site-1", metrics(acc=math.inf)), ("site-2", {"kind": "METRICS", "data": {"acc": 1.0}})],
]


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"negate_key_metric": True},
        {"weigh_by_local_iter": True},
        {"aggregation_weights": {"site-1": 0.5, "site-2": 0.0}},
        {"key_metric": "other"},
        {"validation_metric_name": "elsewhere"},
    ],
)
def test_selects_as_flare_does(same_as_flare, kwargs):
    same_as_flare(lambda world: list(rounds(world, world(PATH)(**{"key_metric": "acc", **kwargs}), PLAY)))


def test_round_0_does_not_count_and_a_tie_is_no_progress(world):
    told = list(rounds(world, world(PATH)(key_metric="acc"), PLAY[:4]))
    assert [t["fired"] for t in told] == [0, 1, 1, 2]
    assert [t["best"] for t in told] == pytest.approx([-math.inf, 0.6, 0.6, 0.65])


def test_no_weights_are_kept_as_an_empty_dict(world):
    assert world(PATH)().aggregation_weights == {}


@pytest.mark.parametrize(
    "name", ["val_loss", "error_rate", "MSE", "ppl", "neg_loss", "dice", "accuracy", "wer-x"]
)
def test_warns_of_metrics_that_look_lower_is_better_as_flare_does(same_as_flare, caplog, name):
    def scenario(world):
        caplog.clear()
        world(PATH)(key_metric=name)
        return len([r for r in caplog.records if r.levelname == "WARNING"])

    same_as_flare(scenario)
