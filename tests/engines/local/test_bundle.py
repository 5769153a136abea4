"""What a cable sends of many messages at once is, at the other end, what each of them would have been alone."""

from __future__ import annotations

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedjob.engines.local.bundle import Alike, Copies, is_of_results, results_in
from fedjob.engines.local.link import Message
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.slab import LARGE
from fedjob.exchange.fl_model import FLModel

HEADERS = {"task": "train", "rc": "OK"}


def result(value, **metrics):
    return PlainResult.of(FLModel(params={"w": np.full(3, value, np.float32)}, metrics=metrics or None))


def travelled(bundle):
    return pickle.loads(pickle.dumps(bundle.parts(bytes), 5))


@given(
    rows=st.lists(
        st.tuples(st.floats(width=32), st.one_of(st.integers(), st.floats(), st.text(max_size=3))),
        min_size=1,
        max_size=9,
    )
)
def test_results_of_one_form_come_out_as_they_went_in(rows):
    results = [result(value, accuracy=number) for value, number in rows]
    bundle = Alike(0, HEADERS, results[0])
    for place, each in enumerate(results[1:], 1):
        assert bundle.takes_result(place, dict(HEADERS), each)
    parts = travelled(bundle)
    assert is_of_results(parts)
    headers, places, found = results_in(parts, bytes)
    assert (headers, places) == (HEADERS, list(range(len(rows))))
    for one, other in zip(results, found, strict=True):
        assert one.form is other.form
        assert repr(vars(one.model(1, own=True))) == repr(vars(other.model(1, own=True)))


def test_results_without_numbers_or_bytes_have_their_places():
    empty = PlainResult.of(FLModel(params={"w": np.zeros((0, 2))}))
    bundle = Alike(4, HEADERS, empty)
    assert bundle.takes_result(7, HEADERS, empty)
    _, places, found = results_in(travelled(bundle), bytes)
    assert places == [4, 7]
    assert [each.model(None, own=True).params["w"].shape for each in found] == [(0, 2)] * 2


def test_large_results_stay_where_they_are_lent():
    results = [PlainResult.of(FLModel(params={"w": np.full(LARGE, n, np.uint8)})) for n in (1, 2)]
    bundle = Alike(0, HEADERS, results[0])
    assert bundle.takes_result(1, HEADERS, results[1])
    lent = [each.raw for each in results]
    parts = pickle.loads(pickle.dumps(bundle.parts(lambda raw: (lent.index(raw), len(raw))), 5))
    _, places, found = results_in(parts, lambda shown: lent[shown[0]])
    assert places == [0, 1]
    assert [each.raw is raw for each, raw in zip(found, lent, strict=True)] == [True, True]
    assert [each.model(1, own=False).params["w"][-1] for each in found] == [1, 2]


def test_results_that_differ_in_more_than_numbers_travel_apart():
    first = result(1, accuracy=0.5)
    bundle = Alike(0, HEADERS, first)
    large = PlainResult.of(FLModel(params={"w": np.zeros(LARGE, np.uint8)}))
    assert not bundle.takes_result(1, HEADERS, result(1, loss=0.5))
    assert not bundle.takes_result(1, HEADERS, large)
    assert not bundle.takes_result(1, {**HEADERS, "task": "validate"}, result(1, accuracy=0.5))
    assert not bundle.takes([1], Message(kind="end"), [0])
    assert bundle.takes_result(1, HEADERS, result(1, accuracy=0.5))


def test_results_do_not_travel_with_a_message_to_many():
    assert not Copies([3], Message(kind="task"), [1], None).takes_result(1, HEADERS, result(1, accuracy=0.5))


def test_a_message_to_many_travels_once():
    message = Message(kind="task", headers={"task": "train"})
    bundle = Copies([3], message, [1], None)
    assert bundle.takes([5, 6], message, [2, 4])
    assert not bundle.takes([7], Message(kind="task", headers={"task": "train"}), [3])
    parts = travelled(bundle)
    assert not is_of_results(parts)
    assert parts == ("task", {"task": "train"}, None, [3, 5, 6], [1, 2, 4])
