"""Metric goldens: tolerance per metric, nothing vanishes unseen, NaN is never equal unasked."""

import math

import pytest

from fedjob.engines.fake import FakeEngine
from fedjob.engines.request import RunRequest
from fedjob.errors import GoldenError
from fedjob.folder.write import write
from fedjob.golden.config import Header, read_text, write_text
from fedjob.golden.metrics import check, compare, keep_close, to_tree
from tests.folder.models import make_job


@pytest.fixture
def play(tmp_path):
    """Run scripted rounds and return the golden content of the result."""
    folder = write(make_job(tmp_path), tmp_path / "jobs")

    def run(*rounds, sites=2):
        request = RunRequest(workspace=tmp_path / f"run{len(list(tmp_path.iterdir()))}", n_clients=sites)
        return to_tree(FakeEngine(rounds=rounds).run(folder, request))

    return run


def told(*args, **kw):
    return [(c.kind, c.place, c.expected, c.obtained) for c in compare(*args, **kw)]


def test_the_content(play):
    assert play({"acc": 0.5}, {"acc": 0.75, "loss": 2.0}) == {
        "job": "hello",
        "sites": ["site-1", "site-2"],
        "rounds": [0, 1],
        "metrics": {
            "acc": {"server": [0.5, 0.75], "site-1": [0.5, 0.75], "site-2": [0.5, 0.75]},
            "loss": {"server": [None, 2.0], "site-1": [None, 2.0], "site-2": [None, 2.0]},
        },
    }


def test_it_survives_the_file(play):
    tree = play({"acc": 0.1 + 0.2, "odd name": 1e-30}, {"acc": 1 / 3})
    _, again = read_text(write_text(tree, Header(kind="result")), "x", "result")
    assert compare(again, tree) == ()
    check(again, "x")


def test_exact_unless_a_tolerance_is_given(play):
    one, two = play({"acc": 1.0, "loss": 1.0}), play({"acc": 1.001, "loss": 1.001})
    assert len(compare(one, two)) == 6
    assert compare(one, two, rtol=0.01) == ()
    assert compare(one, two, atol=0.01) == ()
    assert [c.place for c in compare(one, two, rtol={"acc": 0.01})] == [
        "loss: round 0, server",
        "loss: round 0, site-1",
        "loss: round 0, site-2",
    ]


def test_the_widest_difference_comes_first(play):
    one, two = play({"acc": 1.0}, {"acc": 1.0}), play({"acc": 1.1}, {"acc": 2.0})
    assert compare(one, two)[0].place == "acc: round 1, server"


def test_metrics_sites_and_rounds_that_come_and_go(play):
    one, two = play({"acc": 1.0}, {"acc": 1.0}), play({"loss": 1.0}, sites=3)
    places = {(c.kind, c.place) for c in compare(one, two)}
    assert ("removed", "acc: round 0, site-1") in places
    assert ("removed", "acc: round 1, server") in places
    assert ("added", "loss: round 0, site-3") in places
    assert ("changed", "sites") in places
    assert ("changed", "rounds") in places


def test_nan_equals_nothing_unless_asked(play):
    nan = play({"acc": math.nan})
    assert len(compare(nan, nan)) == 3
    assert compare(nan, nan, equal_nan=True) == ()
    assert len(compare(nan, play({"acc": 1.0}), equal_nan=True)) == 3
    assert len(compare(play({"acc": 1.0}), nan, rtol=math.inf)) == 3


def test_infinity_equals_itself(play):
    inf = play({"acc": math.inf})
    assert compare(inf, inf) == ()


def test_an_update_keeps_what_is_close(play):
    one, two = play({"acc": 1.0}, {"acc": 1.0}), play({"acc": 1.001}, {"acc": 2.0})
    assert keep_close(one, two, rtol=0.01)["metrics"]["acc"]["server"] == [1.0, 2.0]


def test_a_golden_of_another_shape():
    with pytest.raises(GoldenError) as caught:
        check({"rounds": [0, 1], "sites": [], "metrics": {"acc": {"server": [1.0]}}}, "x.yaml")
    assert str(caught.value) == (
        "golden x.yaml is not valid: each metric needs one value per round; restore or update it"
    )
