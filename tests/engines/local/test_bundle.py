"""What a cable sends of many messages at once is, at the other end, what each of them would have been alone."""

from __future__ import annotations

import pickle
import socket

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedjob.engines.local.bundle import Alike, is_of_results, results_in
from fedjob.engines.local.cable import Cable
from fedjob.engines.local.hub import Hub
from fedjob.engines.local.link import Message
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.reply import reply_headers
from fedjob.engines.local.slab import LARGE
from fedjob.exchange.fl_model import FLModel

HEADERS = {"task": "train", "rc": "OK"}


def result(value, **metrics):
    return PlainResult.of(FLModel(params={"w": np.full(3, value, np.float32)}, metrics=metrics or None))


def gathered(*results):
    """What a cable makes of small results that are sent one after another, from its first place on."""
    here, there = socket.socketpair()
    with here, there:
        cable = Cable(Hub(), here)
        for place, each in enumerate(results):
            cable.send_result(place, dict(HEADERS), each)
        return cable._bundles


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
    (bundle,) = gathered(*results)
    parts = travelled(bundle)
    assert is_of_results(parts)
    headers, places, found = results_in(parts, bytes)
    assert (headers, places) == (HEADERS, list(range(len(rows))))
    for one, other in zip(results, found, strict=True):
        assert one.form is other.form
        assert repr(vars(one.model(1, own=True))) == repr(vars(other.model(1, own=True)))


def test_results_without_numbers_or_bytes_have_their_places():
    empty = PlainResult.of(FLModel(params={"w": np.zeros((0, 2))}))
    (bundle,) = gathered(empty, empty)
    _, places, found = results_in(travelled(bundle), bytes)
    assert places == [0, 1]
    assert [each.model(None, own=True).params["w"].shape for each in found] == [(0, 2)] * 2


def test_large_results_stay_where_they_are_lent():
    results = [PlainResult.of(FLModel(params={"w": np.full(LARGE, n, np.uint8)})) for n in (1, 2)]
    bundle = Alike(0, HEADERS, results[0])
    bundle.places.append(1)
    bundle.raws.append(results[1].raw)
    bundle.values.append(results[1].values)
    lent = [each.raw for each in results]
    parts = pickle.loads(pickle.dumps(bundle.parts(lambda raw: (lent.index(raw), len(raw))), 5))
    _, places, found = results_in(parts, lambda shown: lent[shown[0]])
    assert places == [0, 1]
    assert [each.raw is raw for each, raw in zip(found, lent, strict=True)] == [True, True]
    assert [each.model(1, own=False).params["w"][-1] for each in found] == [1, 2]


def test_results_that_differ_in_more_than_numbers_travel_apart():
    alike = [result(value, accuracy=0.5) for value in (1, 2)]
    bundles = gathered(alike[0], result(1, loss=0.5), *alike)
    assert [bundle.places for bundle in bundles] == [[0], [1], [2, 3]]


def test_results_travel_with_their_headers():
    here, there = socket.socketpair()
    with here, there:
        cable = Cable(Hub(), here)
        for place, task in enumerate(("train", "train", "validate")):
            cable.send_result(place, reply_headers(task, "OK"), result(1, accuracy=0.5))
        parts = [results_in(travelled(bundle), bytes) for bundle in cable._bundles]
    assert [(headers["task"], places) for headers, places, _ in parts] == [
        ("train", [0, 1]),
        ("validate", [2]),
    ]


def test_a_message_to_many_travels_once():
    message = Message(kind="task", headers={"task": "train"})
    equal = Message(kind="task", headers={"task": "train"})
    here, there = socket.socketpair()
    with here, there:
        cable = Cable(Hub(), here)
        cable.send(3, message, 1)
        cable.send(5, message, 2)
        cable.send(6, equal, 3)
        parts = [travelled(bundle) for bundle in cable._bundles]
    assert not any(map(is_of_results, parts))
    assert parts == [
        ("task", {"task": "train"}, None, [3, 5], [1, 2]),
        ("task", {"task": "train"}, None, [6], [3]),
    ]
