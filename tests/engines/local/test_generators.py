from __future__ import annotations

import random

import numpy as np
import numpy.random
import pytest

from fedjob.engines.local import generators
from fedjob.engines.local.generators import Generators, NumpyRandom, PythonRandom, restore, snapshot


@pytest.fixture(autouse=True)
def put_back():
    states = snapshot()
    yield
    restore(states)


def draws():
    return [
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),
        np.random.randn(),
        np.random.standard_normal(),
    ]


def turns(sites, rounds=4):
    """What each site draws when they take turns."""
    drawn = {name: [] for name in sites}
    for _ in range(rounds):
        for name, states in sites.items():
            states.resume()
            drawn[name] += draws()
            states.suspend()
    return drawn


def test_taking_turns_changes_nothing_in_what_each_draws():
    together = turns({name: Generators(5, name) for name in "ab"})
    for name in "ab":
        assert turns({name: Generators(5, name)})[name] == together[name]
    assert together["a"] != together["b"]


def test_the_slow_way_gives_the_same_numbers(monkeypatch):
    expected = turns({name: Generators(5, name) for name in "ab"})
    slow = PythonRandom(), NumpyRandom()
    slow[0]._memory = slow[1]._memories = None
    monkeypatch.setattr(generators, "_found", dict(zip(("random", "numpy"), slow, strict=True)))
    monkeypatch.setattr(generators, "_modules_seen", len(generators.sys.modules))
    assert turns({name: Generators(5, name) for name in "ab"}) == expected


def test_memory_is_used_where_it_is_as_expected():
    assert PythonRandom()._memory is not None
    assert NumpyRandom()._memories is not None


def test_finding_the_memory_leaves_the_state_as_it_was():
    np.random.seed(1)
    np.random.randn()
    expected = np.random.RandomState(1).randn(4)[1:]
    NumpyRandom()
    assert np.random.randn(3).tolist() == expected.tolist()


def test_without_a_seed_nobody_draws_the_same():
    one, two = (turns({"a": Generators(None, "a")})["a"] for _ in range(2))
    assert one != two


KINDS = {
    "nothing": lambda: 0,
    "one number": lambda: (random.random(), np.random.rand()),
    "half a pair": lambda: (random.gauss(0, 1), np.random.randn()),
    "a whole block": lambda: ([random.getrandbits(32) for _ in range(624)], np.random.bytes(4 * 624).hex()),
    "another seed": lambda: (random.seed(3), np.random.seed(3)),
    "the same seed": lambda: (random.seed(1), np.random.seed(1)),
}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_every_draw_is_noticed_whatever_it_leaves_unchanged(first, second):
    sites = {name: Generators(9, name) for name in "ab"}
    alone = {name: Generators(9, name) for name in "ab"}

    def play(states, step):
        states.resume()
        result = repr(KINDS[step]())
        states.suspend()
        return result

    steps = [first, "nothing", second, "one number", second]
    together = {name: [] for name in "ab"}
    for step in steps:
        for name, states in sites.items():
            together[name].append(play(states, step))
    for name, states in alone.items():
        assert [play(states, step) for step in steps] == together[name]


def test_a_site_that_draws_nothing_keeps_no_state_of_numpy_for_it():
    states = Generators(5, "a")
    states.resume()
    states.suspend()
    assert states.states["numpy"] is None
    kept = states.states["random"]
    states.resume()
    states.suspend()
    assert states.states["random"] is kept
    turns({"a": states})
    assert states.states["numpy"] is not None
    assert states.states["random"] is not kept
