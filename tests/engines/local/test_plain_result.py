"""A result taken apart and put together again is the result that FLARE's road would have brought."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.engines.local import slab, wire
from fedjob.engines.local.bundle import Alike, results_in
from fedjob.engines.local.plain import NotPlain
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.slab import LARGE
from fedjob.engines.local.wire import freeze, share_blocks, thaw
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.fl_model_utils import FLModelUtils


def travelled(result):
    """What the other end of a cable has."""
    lent = []

    def show(block):
        lent.append(block)
        return len(lent) - 1, 0

    shown = Alike(0, {}, result).parts(show)
    *_, (found,) = results_in(pickle.loads(pickle.dumps(shown, 5)), lambda block: lent[block[0]])
    return found


def road(model):
    """What the server has on the long way."""
    return FLModelUtils.from_shareable(thaw(freeze(FLModelUtils.to_shareable(copy.deepcopy(model)))))


SHARED = np.ones(3)

PLAIN = {
    "arrays": FLModel(params={"w": np.arange(6.0).reshape(2, 3), "b": np.float32([1])}, metrics={"a": 0.5}),
    "scalars": FLModel(params={"w": np.array(3)}, metrics={"a": np.float32(0.5), "n": np.int64(3)}),
    "a difference": FLModel(
        "DIFF", {"w": np.array([True, False])}, meta={"NUM_STEPS_CURRENT_ROUND": np.int32(5)}
    ),
    "nothing in it": FLModel(params={"w": np.zeros((0, 3))}),
    "rounds": FLModel(params={"w": np.ones(3)}, start_round=2, current_round=4, total_rounds=9),
    "no start": FLModel(params={"w": np.ones(3)}, start_round=None),
    "metrics twice": FLModel(
        params={"w": np.ones(3)}, metrics={"a": 1}, meta={"initial_metrics": {"a": 2}, "x": "y"}
    ),
    "a list": FLModel(params={"w": np.ones(3)}, meta={"a": [1, "b", None], "c": []}),
    "large, and nothing last": FLModel(
        params={"w": np.arange(LARGE, dtype=np.uint8), "n": np.array(3.0), "e": np.zeros((0, 3))}
    ),
    "large": FLModel(params={"w": np.arange(LARGE, dtype=np.uint8), "b": np.arange(5), "c": np.ones((7, 9))}),
}

OTHER = {
    "no params": FLModel(metrics={"a": 1}),
    "empty": FLModel(params={}),
    "numbers": FLModel(params={"w": 1.0}),
    "columns": FLModel(params={"w": np.asfortranarray(np.arange(6.0).reshape(2, 3))}),
    "objects": FLModel(params={"w": np.array([None])}),
    "one array twice": FLModel(params={"a": SHARED, "b": SHARED}),
    "deep meta": FLModel(params={"w": np.ones(3)}, meta={"a": {"b": [1]}}),
    "a list of lists": FLModel(params={"w": np.ones(3)}, meta={"a": [[1]]}),
    "a header": FLModel(params={"w": np.ones(3)}, meta={"validate_type": "x"}),
    "a name that is none": FLModel(params={1: np.ones(3)}),
    "a type of its own": type("Own", (FLModel,), {})(params={"w": np.ones(3)}),
}


@pytest.fixture(params=["shared memory", "socket"])
def memory(request):
    if request.param == "shared memory":
        if not slab.AVAILABLE:
            pytest.skip("needs memfd")
        share_blocks(None)
    yield request.param
    wire._pool = None


@pytest.mark.parametrize("name", PLAIN)
def test_the_model_is_the_one_of_the_long_way(name, memory):
    model, long = PLAIN[name], road(PLAIN[name])
    result = travelled(PlainResult.of(copy.deepcopy(model)))
    for own in (True, False):
        short = result.model(model.current_round, own=own)
        assert repr(vars(short)) == repr(vars(long))
        assert [v.dtype for v in short.params.values()] == [v.dtype for v in long.params.values()]
        assert all(v.flags.writeable == own for v in short.params.values())
    assert repr(result.shareable(model.current_round)) == repr(FLModelUtils.to_shareable(model))
    assert result.nbytes >= sum(v.nbytes for v in model.params.values())


@pytest.mark.parametrize("name", OTHER)
def test_what_is_more_than_arrays_and_numbers_goes_the_long_way(name):
    with pytest.raises(NotPlain):
        PlainResult.of(OTHER[name])


@pytest.mark.parametrize("name", PLAIN)
def test_nothing_done_to_the_model_afterwards_reaches_it(name, memory):
    model = copy.deepcopy(PLAIN[name])
    before = repr(vars(road(model)))
    number = model.current_round
    result = PlainResult.of(model)
    for value in model.params.values():
        value[...] = 0
    model.meta["more"] = 1
    for numbers in (model.metrics, *(v for v in model.meta.values() if isinstance(v, dict))):
        if numbers:
            numbers["a"] = -1
    first = result.model(number, own=True)
    assert repr(vars(first)) == before
    for value in first.params.values():
        value[...] = 0
    if first.metrics:
        first.metrics["a"] = -1
    first.meta["more"] = 1
    assert repr(vars(result.model(number, own=True))) == before


numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.text(max_size=3),
    st.none(),
    st.binary(max_size=3),
)
dtypes = st.sampled_from(["f4", "f8", "i1", "i8", "u2", "?", "c16", "f2"])
arrays = st.builds(
    lambda dtype, shape: np.ones(shape).astype(dtype), dtypes, st.lists(st.integers(0, 3), max_size=3)
)


@given(
    params=st.dictionaries(st.text(max_size=5), arrays, min_size=1, max_size=4),
    metrics=st.none() | st.dictionaries(st.text(max_size=3), numbers, max_size=3),
    meta=st.dictionaries(
        st.text(max_size=3),
        numbers | st.dictionaries(st.text(max_size=2), numbers, max_size=2) | st.lists(numbers, max_size=3),
    ),
    kind=st.sampled_from(ParamsType),
)
def test_any_plain_model_survives(params, metrics, meta, kind):
    model = FLModel(kind, params, metrics=metrics, meta=meta)
    assert repr(vars(travelled(PlainResult.of(model)).model(None, own=True))) == repr(vars(road(model)))


@given(
    params=st.dictionaries(st.text(max_size=5), arrays, min_size=1, max_size=4),
    metrics=st.none() | st.dictionaries(st.text(max_size=3), numbers, max_size=3),
    kind=st.sampled_from(ParamsType),
    number=st.integers(0, 9),
)
def test_any_reply_that_is_no_more_than_a_result_survives(params, metrics, kind, number):
    reply = FLModelUtils.to_shareable(FLModel(kind, params, metrics=metrics, current_round=number))
    found = travelled(PlainResult.of_reply(reply, number)).shareable(number)
    assert repr(found) == repr(reply)
    assert type(found) is type(reply)


@pytest.mark.parametrize(
    ("meta", "simple"),
    [({"filter_history": ["Noise"]}, True), ({"names": ["a"]}, False), ({"n": 1}, True), ({}, True)],
)
def test_results_with_the_names_of_filters_are_added_up_together(meta, simple):
    assert PlainResult.of(FLModel(params={"w": np.ones(3)}, meta=meta)).form.is_simple is simple
