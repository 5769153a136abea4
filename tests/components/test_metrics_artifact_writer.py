import json
import math

import numpy as np
import pytest

PATH = "app_common.widgets.metrics_artifact_writer.MetricsArtifactWriter"


def play(world, rounds, info=None, best=None, **kwargs):
    """Rounds of [(site, metrics, steps)]; what the writer leaves behind."""
    writer = world.add(world(PATH)(**kwargs))
    world.fire("_start_run")
    flmodel = world("app_common.abstract.fl_model.FLModel")
    for number, (results, aggregated) in enumerate(rounds):
        for site, metrics, steps in results:
            result = world.result(round=number, initial_metrics=metrics, NUM_STEPS_CURRENT_ROUND=steps)
            world.fire(
                "_after_contribution_accept",
                world.context(site, result, current_round=number, _training_result_=result),
            )
        meta = {"current_round": number, "metrics_aggregation_info": info or {}}
        model = flmodel(params={"w": np.ones(1)}, metrics=aggregated, meta=meta)
        world.fire("_after_aggregation", world.context(_aggregation_result=model, current_round=number))
        if best:
            world.fire("_global_best_model_available", world.context(metrics_selection_info=best))
    world.fire("_end_run")
    del writer
    return world.files()


INFO = {
    "metric_source": "client_reported_flmodel_metrics",
    "metric_split": "validation\x07",
    "aggregation": {
        "method": "weighted_average",
        "n": 3,
        "odd": object(),
        "list": [1, None, math.nan, {"a": "b"}],
    },
    "key_metric": {"name": "acc", "mode": "max", "mode_source": "test"},
}
BEST = {
    "source": "Selector",
    "metric_source": "initial_metrics",
    "key_metric": {"name": "loss", "mode": "min"},
    "best_round": 0,
    "best_metrics": {"loss": 0.25},
    "best_aggregated_metrics": [
        {"name": "loss", "value": 0.3},
        {"name": "bad", "value": "text"},
        7,
        {"value": 1},
    ],
}
ROUNDS = [
    (
        [
            ("site-1", {"acc": 0.5, "n": np.int64(3), "ok": True, "name": "x\ny", "nan": math.nan}, 4),
            (
                "site-2",
                {"acc": np.float32(0.25), "big": 2**1024, "list": [1], "": 1, 5: 2, "s" * 300: 1},
                None,
            ),
            ("site-3", {}, 1),
        ],
        {"acc": 0.375, "text": "no", "inf": math.inf},
    ),
    ([("site-1", {"acc": 0.75}, True), ("site-2", {"acc": 0.5, "long": "x" * 1025}, -1)], {"acc": 0.7}),
    ([], None),
]
GIVEN_SITES = {
    "sites": [
        {"name": "a", "metrics": {"acc": 1, "bad": None}, "weight": 2, "weight_key": "k"},
        {"name": "b", "metrics": {}},
        "no site",
        {"metrics": {"acc": 0.5}, "weight": math.inf},
    ],
    "site_weights": [{"name": "a", "weight": 5}, {"name": ""}, {"name": "c", "weight": 0}, 3],
}


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"info": INFO},
        {"info": INFO, "best": BEST},
        {"info": GIVEN_SITES},
        {"info": GIVEN_SITES | {"sites": []}},
        {"info": {"use_contribution_sites": False}},
        {"info": {"metric_source": "custom_aggregator_flmodel_metrics"}},
        {"best": {"best_round": True, "best_metrics": "x"}},
        {"best": {"best_round": 1, "key_metric": {"name": ""}}},
        {"results_dir": "other", "summary_file_name": "s.json", "round_file_name": "r.jsonl"},
        {"limits": {"max_metrics_per_site_per_round": 2}},
        {"limits": {"max_sites_per_round": 1}},
        {"limits": {"max_sites_per_round": 1}, "info": GIVEN_SITES},
        {"limits": {"max_site_metric_records_per_round": 2}},
        {"limits": {"max_site_metric_records_per_round": 1}, "info": GIVEN_SITES},
        {"limits": {"max_skipped_metrics_per_round": 1}},
        {"limits": {"max_round_record_bytes": 150}},
        {"limits": {"max_round_record_bytes": 250}, "info": INFO},
        {"limits": {"max_round_record_bytes": 10}},
        {"limits": {"max_summary_bytes": 400}},
        {"limits": {"max_summary_bytes": 100}},
        {"limits": {"max_metric_name_length": 3, "max_int_bit_length": 1, "max_string_value_length": 1}},
    ],
    ids=lambda kwargs: "-".join(kwargs) or "plain",
)
def test_writes_flares_bytes(same_as_flare, kwargs):
    same_as_flare(lambda world: play(world, ROUNDS, **kwargs))


def test_names_are_values(world):
    files = play(world, ROUNDS, info=INFO, best=BEST)
    first = json.loads(files["metrics/round_metrics.jsonl"].splitlines()[0])
    assert first["aggregated_metrics"] == [{"name": "acc", "value": 0.375}]
    assert first["sites"][0]["metrics"][:2] == [{"name": "acc", "value": 0.5}, {"name": "n", "value": 3}]
    assert {"name": "nan", "reason": "non_finite_number", "site": "site-1"} in first["skipped_metrics"]
    summary = json.loads(files["metrics/metrics_summary.json"])
    assert (summary["final_round"], summary["best_round"]) == (1, 0)


def test_nothing_is_written_without_metrics(world):
    assert play(world, [([], None)]) == {}


@pytest.mark.parametrize("name", ["../x.json", "a/b.json", "", ".."])
def test_files_stay_in_their_folder(same_as_flare, name):
    def scenario(world):
        try:
            play(world, ROUNDS, round_file_name=name)
        except ValueError:
            return "ValueError"
        return "written"

    assert same_as_flare(scenario) == "ValueError"


def test_a_rejected_contribution_is_not_recorded(same_as_flare):
    def scenario(world):
        world.add(world(PATH)())
        world.fire("_start_run")
        result = world.result(initial_metrics={"acc": 1.0})
        world.fire(
            "_after_contribution_accept",
            world.context("site-1", result, _training_result_=result, _aggregation_accepted=False),
        )
        model = world("app_common.abstract.fl_model.FLModel")(metrics={"acc": 1.0}, current_round=0)
        shareable = world("app_common.utils.fl_model_utils.FLModelUtils").to_shareable(model)
        world.fire("_after_aggregation", world.context(_aggregation_result=shareable))
        return world.files()

    same_as_flare(scenario)
