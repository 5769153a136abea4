import json
import random
from itertools import pairwise

import numpy as np
import pytest

from tests.components.world import outcome

STATS = "app_common.statistics"


def of_sites():
    rng = np.random.default_rng(2)
    return {
        site: {ds: {f: rng.normal() * 10 for f in ("age", "bmi")} for ds in ("train", "test")}
        for site in ("site-1", "site-2", "site-3")
    }


def histograms(world, sites):
    spec = "app_common.abstract.statistics_spec"
    bin_, histogram, kind = (world(f"{spec}.{n}") for n in ("Bin", "Histogram", "HistogramType"))
    edges = [0.00001, 1.23456, 2.5, 4.0]
    return {
        site: {
            "train": {
                "age": histogram(
                    kind.STANDARD, [bin_(a, b, i + k) for k, (a, b) in enumerate(pairwise(edges))]
                )
            }
        }
        for i, site in enumerate(sites)
    }


@pytest.mark.parametrize("precision", [4, 1])
def test_combines_as_flare_does(same_as_flare, precision):
    def scenario(world):
        combine = world(f"{STATS}.numeric_stats.get_global_stats")
        counts = {site: {"train": {"age": 5, "bmi": 7}, "test": {"age": 2, "bmi": 3}} for site in of_sites()}
        first = {"count": counts, "sum": of_sites(), "mean": of_sites(), "min": of_sites(), "max": of_sites()}
        variances = {
            s: {d: {f: abs(v) for f, v in fs.items()} for d, fs in ds.items()} for s, ds in of_sites().items()
        }
        variances["site-1"]["train"]["age"] = None
        second = {
            "failure_count": counts,
            "var": variances,
            "stddev": variances,
            "histogram": histograms(world, of_sites()),
        }
        found = combine({}, first, "fed_stats_1st_statistics", {}, precision)
        return combine(found, {**first, **second}, "fed_stats_2nd_statistics", {}, precision)

    same_as_flare(scenario)


def statistics(world):
    hists = histograms(world, ["site-1"])["site-1"]
    return {
        "count": {"train": {"age": 20, "bmi": 3}},
        "failure_count": {"train": {"age": 4, "bmi": 1}},
        "min": {"train": {"age": 5.0, "bmi": 0}},
        "max": {"train": {"age": -5.0, "bmi": 2}},
        "histogram": hists,
    }


CLEANSERS = [
    ("min_count_cleanser.MinCountCleanser", {"min_count": 10}),
    ("min_count_cleanser.MinCountCleanser", {"min_count": 2}),
    ("min_count_cleanser.MinCountCleanser", {"min_count": -1}),
    ("min_max_cleanser.AddNoiseToMinMax", {"min_noise_level": 0.1, "max_noise_level": 0.3}),
    ("min_max_cleanser.AddNoiseToMinMax", {"min_noise_level": 0.4, "max_noise_level": 0.3}),
    ("min_max_cleanser.AddNoiseToMinMax", {"min_noise_level": 0.1, "max_noise_level": 1.3}),
    ("histogram_bins_cleanser.HistogramBinsCleanser", {"max_bins_percent": 10}),
    ("histogram_bins_cleanser.HistogramBinsCleanser", {"max_bins_percent": 50}),
    ("histogram_bins_cleanser.HistogramBinsCleanser", {"max_bins_percent": 101}),
]


@pytest.mark.parametrize(("path", "kwargs"), CLEANSERS, ids=str)
def test_cleanses_as_flare_does(same_as_flare, path, kwargs):
    def scenario(world):
        random.seed(4)
        return outcome(lambda: world(f"{STATS}.{path}")(**kwargs).apply(statistics(world), "site-1"))

    same_as_flare(scenario)


def test_noise_moves_outwards(world):
    cleanser = world(f"{STATS}.min_max_cleanser.AddNoiseToMinMax")(0.1, 0.3)
    given = {"min": {"d": {"a": 5.0, "b": -5.0, "c": 0}}, "max": {"d": {"a": 5.0, "b": -5.0, "c": 0}}}
    found, changed = cleanser.apply(given, "site-1")
    assert changed
    assert found["min"]["d"]["a"] < 5 and found["min"]["d"]["b"] < -5 and found["min"]["d"]["c"] < 0
    assert found["max"]["d"]["a"] > 5 and found["max"]["d"]["b"] > -5 and found["max"]["d"]["c"] > 0


def filtered(world, ids):
    fobs = world("fuel.utils.fobs")
    for i, (path, kwargs) in enumerate([CLEANSERS[0], CLEANSERS[6]]):
        world.add(world(f"{STATS}.{path}")(**kwargs), f"c{i}")
    world.add(world("widgets.widget.Widget")(), "other")
    if not world.ours:
        world("app_common.statistics.statisitcs_objects_decomposer.fobs_registration")()
    task = "fed_stats_2nd_statistics"
    data = {"fed_stats_task_key": task, task: fobs.dumps(statistics(world))}
    chosen = world("app_common.filters.statistics_privacy_filter.StatisticsPrivacyFilter")(ids)
    result = chosen.process(world.dxo("STATISTICS", data).to_shareable(), world.context())
    return fobs.loads(world("apis.dxo.from_shareable")(result).data[task])


@pytest.mark.parametrize("ids", [["c0", "c1"], ["c1"], [], ["absent"], ["other"]], ids=str)
def test_the_privacy_filter_applies_cleansers(same_as_flare, ids):
    same_as_flare(lambda world: outcome(lambda: filtered(world, ids)))


@pytest.mark.parametrize("values", [[1.0, 2, 3, 4], [1.0, np.inf, 2], [1.0, -np.inf, 2, np.inf]], ids=str)
def test_histograms_of_arrays(same_as_flare, values):
    pytest.importorskip("pandas")

    def scenario(world):
        buckets = world(f"{STATS}.numpy_utils.get_std_histogram_buckets")
        limits = world("app_common.abstract.statistics_spec.BinRange")(0, 4)
        return outcome(lambda: [list(b) for b in buckets(np.array(values), 3, limits)])

    same_as_flare(scenario)


def test_types_of_columns(world):
    told = world(f"{STATS}.numpy_utils.dtype_to_data_type")
    kinds = {
        "f4": "FLOAT",
        "f8": "FLOAT",
        "i4": "INT",
        "u1": "INT",
        "?": "INT",
        "M8[s]": "DATETIME",
        "m8[s]": "DATETIME",
        "O": "STRING",
    }
    assert {k: told(np.dtype(k)).name for k in kinds} == kinds


@pytest.mark.parametrize(
    "kwargs",
    [
        {"output_path": "a/b.json"},
        {"output_path": ""},
        {"output_path": "../../out.json"},
        {"output_path": "/abs.json"},
        {"output_path": "a.json", "json_encoder_path": 5},
        {"output_path": "a.json", "json_encoder_path": "nvflare.app_common.utils.json_utils.ObjectEncoder"},
    ],
    ids=str,
)
def test_writes_json(same_as_flare, kwargs):
    def scenario(world):
        writer = world(f"{STATS}.json_stats_file_persistor.JsonStatsFileWriter")(**kwargs)
        data = {
            "age": {"histogram": histograms(world, ["s"])["s"]["train"]["age"].bins},
            "n": np.int64(3),
            "x": np.float32(0.5),
            "a": np.arange(3),
        }
        writer.save(data, True, world.context())
        return world.files()

    same_as_flare(lambda world: outcome(lambda: scenario(world)))


def test_does_not_overwrite_unless_told_to(world):
    writer = world(f"{STATS}.json_stats_file_persistor.JsonStatsFileWriter")("a.json")
    writer.save({"a": 1}, False, world.context())
    with pytest.raises(FileExistsError):
        writer.save({"a": 2}, False, world.context())
    assert json.loads(world.files()["a.json"]) == {"a": 1}


def numbers(world):
    spec = "app_common.abstract.statistics_spec"
    feature, types, bin_, histogram, kind = (
        world(f"{spec}.{n}") for n in ("Feature", "DataType", "Bin", "Histogram", "HistogramType")
    )

    class Numbers(world(f"{spec}.Statistics")):
        data = np.arange(10.0)

        def features(self):
            named = [("age", types.INT), ("bmi", types.FLOAT), ("name", types.STRING)]
            return {"train": [feature(*f) for f in named]}

        def count(self, dataset_name, feature_name):
            return len(self.data)

        def sum(self, dataset_name, feature_name):
            return float(self.data.sum()) / 3

        def stddev(self, dataset_name, feature_name):
            raise ValueError("no spread")

        def variance_with_mean(self, dataset_name, feature_name, global_mean, global_count):
            return float(((self.data - global_mean) ** 2).sum()) / (global_count - 1)

        def max_value(self, dataset_name, feature_name):
            return 9.5

        def min_value(self, dataset_name, feature_name):
            return 0.5

        def histogram(self, dataset_name, feature_name, num_of_bins, low, high):
            return histogram(kind.STANDARD, [bin_(low, high, num_of_bins)])

        def pre_run(self, *told):
            return {"told": list(told)}

    return Numbers()


@pytest.mark.parametrize("task", ["fed_stats_pre_run", "fed_stats", "else"])
@pytest.mark.parametrize("generator", ["numbers", "absent"])
@pytest.mark.parametrize(
    "bins",
    [{"*": {"bins": 3}}, {"age": {"bins": 2, "range": [0, 4]}, "*": {"bins": 1}}, {"age": {}}],
    ids=str,
)
def test_a_site_answers_as_in_flare(same_as_flare, task, generator, bins):
    def scenario(world):
        fobs = world("fuel.utils.fobs")
        config = world("app_common.abstract.statistics_spec.StatisticConfig")
        world.add(numbers(world), "numbers")
        executor = world.add(
            world("app_common.executors.statistics.statistics_executor.StatisticsExecutor")(generator, 2)
        )
        world.fire("_start_run")
        names = ["sum", "mean", "stddev", "var", "histogram", "min", "max", "failure_count"]
        of_hist = {"histogram", "min", "max"}
        data = world("apis.shareable.Shareable")()
        data["statistics"] = fobs.dumps([config(n, bins if n in of_hist else {}) for n in names])
        data["fed_stats_task_key"] = "fed_stats_1st_statistics"
        per_feature = {"train": {"age": 4.5, "bmi": 2.0}}
        data.update(
            {
                "global_mean": per_feature,
                "global_count": {"train": {"age": 20}},
                "min": per_feature,
                "max": per_feature,
            }
        )
        result = executor.execute(task, data, world.context(), world("apis.signal.Signal")())
        rc = result.get_return_code()
        if rc != "OK":
            return rc, len(world.engine.panics)
        found = world("apis.dxo.from_shareable")(result).data
        return rc, {k: fobs.loads(v) if isinstance(v, bytes) else v for k, v in found.items()}

    same_as_flare(scenario)
