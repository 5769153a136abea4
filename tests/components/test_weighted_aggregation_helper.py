import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.components.aggregators.weighted_aggregation_helper import WeightedAggregationHelper

MODULE = "app_common.aggregators.weighted_aggregation_helper"


def contributions():
    rng = np.random.default_rng(1)
    for i in range(4):
        data = {
            "f32": rng.normal(size=(3, 2)).astype(np.float32),
            "f64": rng.normal(size=5),
            "count": np.array(i * 3),
            "int": np.arange(4) * i,
            "scalar": np.float32(i) / 3,
            "plain": i + 0.1,
        }
        if i % 2:
            data["rare"] = np.full(2, 0.1, np.float32)
        yield data, [1.0, 3, 0.5, 7][i], f"site-{i}", i % 2


@pytest.mark.parametrize("kwargs", [{}, {"exclude_vars": "f32|pl"}, {"weigh_by_local_iter": False}])
def test_sums_as_flare_does(same_as_flare, kwargs):
    def scenario(world):
        helper = world(f"{MODULE}.WeightedAggregationHelper")(**kwargs)
        for item in contributions():
            helper.add(*item)
        before = helper.get_aggregation_stats(), helper.get_history(), helper.get_len()
        return before, helper.get_result(), helper.last_aggregation_stats, helper.get_len()

    same_as_flare(scenario)


@pytest.mark.torch
@pytest.mark.parametrize("weigh", [True, False])
def test_sums_tensors_as_flare_does(same_as_flare, weigh):
    torch = pytest.importorskip("torch")

    def scenario(world):
        helper = world(f"{MODULE}.WeightedAggregationHelper")(weigh_by_local_iter=weigh)
        for data, *rest in contributions():
            helper.add({k: torch.as_tensor(v) for k, v in data.items() if str(k).startswith("f")}, *rest)
        return helper.get_result()

    same_as_flare(scenario)


def test_leaves_contributions_alone(world):
    given = {"w": np.ones(2, np.float32)}
    helper = WeightedAggregationHelper(weigh_by_local_iter=False)
    helper.add(given, 1.0, "a", 0)
    helper.add(given, 1.0, "b", 0)
    assert helper.get_result()["w"].tolist() == [1.0, 1.0]
    assert given["w"].tolist() == [1.0, 1.0]


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 10)), min_size=1, max_size=8))
def test_is_the_weighted_mean(items):
    helper = WeightedAggregationHelper()
    for i, (value, weight) in enumerate(items):
        helper.add({"x": value}, weight, f"site-{i}", 0)
    expected = sum(v * w for v, w in items) / sum(w for _, w in items)
    assert helper.get_result()["x"] == pytest.approx(expected)


def test_float32_stays_float32():
    helper = WeightedAggregationHelper()
    helper.add({"w": np.ones(2, np.float32)}, 3.0, "a", 0)
    assert helper.get_result()["w"].dtype == np.float32


def test_metrics_without_a_mean_are_named_once_as_flare_does(same_as_flare):
    given = {"a": 1, "b": "x", "c": None, "d": np.float32(2), "e": [1], "f": True, "g": {}, "h": object()}

    def scenario(world):
        said, warned = [], set()
        skip = world(f"{MODULE}.filter_aggregatable_metrics")
        kept = [skip(given, lambda *a: said.append(a), warned) for _ in range(2)]
        return kept, said, skip(None), skip({})

    same_as_flare(scenario)


def test_tells_how_keys_matched_as_flare_does(same_as_flare):
    keys = {"b": ["x", "y"], "a": ["y"], "c": ["y", "z"]}
    same_as_flare(lambda world: [world(f"{MODULE}.compute_key_match_stats")(k) for k in (keys, {})])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.complex64])
@pytest.mark.parametrize("weights", [(1, 1, 1), (1.0, 2.5, 3), (np.float64(0.3), 1, 7), (0, 0.1, 1e-3)])
@pytest.mark.parametrize("weighted", [True, False])
def test_sums_in_place_have_the_bits_of_sums_that_are_not(dtype, weights, weighted):
    random = np.random.default_rng(3)
    values = [(random.normal(size=(4, 5)) * 50).astype(dtype) for _ in weights]
    kept = [value.copy() for value in values]
    helper = WeightedAggregationHelper(weigh_by_local_iter=weighted)
    total = None
    for value, weight in zip(values, weights, strict=True):
        helper.add({"w": value}, weight, "site", 0)
        part = value * weight if weighted else value
        total = part if total is None else total + part
    expected = total * (1.0 / sum(weights))
    obtained = helper.get_result()["w"]
    assert obtained.dtype == expected.dtype
    assert obtained.tobytes() == expected.tobytes()
    assert all(value.tobytes() == before.tobytes() for value, before in zip(values, kept, strict=True))


@pytest.mark.parametrize(
    "rows",
    [
        [np.ones(3, "f4"), np.ones(3, "f4"), np.full(3, 0.1, "f8")],
        [np.ones(3, "f4"), np.ones(3, "f4"), 2.5],
    ],
    ids=["dtypes", "kinds"],
)
def test_a_stack_of_arrays_that_differ_is_added_up_as_one_by_one(rows):
    one, all_at_once = WeightedAggregationHelper(), WeightedAggregationHelper()
    for row in rows:
        one.add({"w": row}, 0.3, "site", 1)
    all_at_once.add_stack({"w": rows}, [0.3] * 3, ["site"] * 3, 1)
    expected, obtained = one.get_result()["w"], all_at_once.get_result()["w"]
    assert (obtained.dtype, obtained.tobytes()) == (expected.dtype, expected.tobytes())


def tensors(rows):
    torch = pytest.importorskip("torch")
    return [torch.as_tensor(row) for row in rows]


@pytest.mark.parametrize(
    "kind", [list, pytest.param(tensors, marks=pytest.mark.torch)], ids=["arrays", "tensors"]
)
@pytest.mark.parametrize("other", [(3,), (1, 3), (2, 1), (2, 4)])
def test_arrays_of_different_shapes_have_no_mean_though_numpy_would_stretch_them(kind, other):
    rows = kind([np.ones((2, 3), "f4"), np.ones((2, 3), "f4"), np.ones(other, "f4")])
    message = f"site-2 sent 'w' with shape {other}, and others with (2, 3): there is no mean of arrays of different shapes"
    helper = WeightedAggregationHelper()
    with pytest.raises(ValueError) as error:
        for number, row in enumerate(rows):
            helper.add({"w": row}, 0.3, f"site-{number}", 1)
    assert str(error.value) == message
    with pytest.raises(ValueError) as error:
        WeightedAggregationHelper().add_stack({"w": rows}, [0.3] * 3, ["site-0", "site-1", "site-2"], 1)
    assert str(error.value) == message


shapes = st.sampled_from([(1,), (9,), (2, 3), (0, 2)])
weights = st.just(1.0) | st.floats(0.01, 1e6)


@given(
    data=st.data(),
    dtype=st.sampled_from(["f2", "f4", "f8", "i8"]),
    shape=shapes,
    given=st.lists(weights, min_size=1, max_size=40),
    before=st.booleans(),
    apart=st.booleans(),
    kwargs=st.sampled_from([{}, {"exclude_vars": "w"}, {"weigh_by_local_iter": False}]),
)
def test_a_stack_is_added_up_as_one_by_one(data, dtype, shape, given, before, apart, kwargs):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    rows = (rng.normal(size=(len(given), *shape)) * 100).astype(dtype)
    metrics = data.draw(
        st.lists(st.floats(allow_nan=False) | st.integers(-9, 9), min_size=len(given), max_size=len(given))
    )
    names = [f"site-{n}" for n in range(len(given))]
    one, all_at_once = (WeightedAggregationHelper(**kwargs) for _ in range(2))
    with np.errstate(all="ignore"):
        if before:
            for helper in (one, all_at_once):
                helper.add({"w": rows[0] * 3, "accuracy": np.float32(0.1)}, 0.3, "first", 1)
        for name, weight, row, number in zip(names, given, rows, metrics, strict=True):
            one.add({"w": row, "accuracy": number}, weight, name, 1)
        all_at_once.add_stack({"w": list(rows) if apart else rows, "accuracy": metrics}, given, names, 1)
        assert one.get_history() == all_at_once.get_history()
        assert one.get_aggregation_stats() == all_at_once.get_aggregation_stats()
        results = [helper.get_result() for helper in (one, all_at_once)]
    assert [list(result) for result in results] == [list(results[0])] * 2
    for name, value in results[0].items():
        other = results[1][name]
        assert type(value) is type(other)
        assert np.asarray(value).dtype == np.asarray(other).dtype
        assert np.asarray(value).tobytes() == np.asarray(other).tobytes()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("weights", [(1, 1, 1, 1), (1, 2.0, 0.5, 3)])
def test_large_arrays_whatever_is_in_them_are_added_up_like_small_ones(dtype, weights):
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=(1500, 501)).astype(dtype) for _ in weights]
    arrays[1][7] = [np.nan, np.inf, -np.inf] * 167
    arrays[2] = np.asfortranarray(arrays[2])
    arrays[3] = arrays[3].repeat(2, axis=1)[:, ::2]
    for array in arrays:
        array.flags.writeable = False
    expected = arrays[0] * weights[0]
    for array, weight in zip(arrays[1:], weights[1:], strict=True):
        expected = expected + array * weight
    assert expected.nbytes > 1 << 20
    for stacked in (False, True):
        helper = WeightedAggregationHelper()
        if stacked:
            helper.add_stack({"w": arrays}, weights, "abcd", 0)
        else:
            for array, weight, name in zip(arrays, weights, "abcd", strict=True):
                helper.add({"w": array}, weight, name, 0)
        assert helper.total["w"].tobytes() == expected.tobytes()
