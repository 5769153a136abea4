import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.result import Contribution, Round, RunResult
from fedjob.result.contributions import Batch, Contributions

SITES = ("site-1", "site-2", "site-3")
ORDER = {site: place for place, site in enumerate(SITES)}


def batch(sites, *, task="train", **metrics):
    weights = [float(n) for n, _ in enumerate(sites, start=1)]
    return Batch(sites=sites, task=task, rc="OK", metrics=metrics, weights=weights, params=1, bytes=8)


def one(site, weight, *, task="train", **metrics):
    return Contribution(site=site, task=task, rc="OK", metrics=metrics, weight=weight, params=1, bytes=8)


def test_they_come_one_by_one_in_site_order():
    given = Contributions([batch(["site-3", "site-1"], acc=[0.3, 0.1]), batch(["site-2"])], ORDER)
    assert len(given) == 3
    assert list(given) == [one("site-1", 2.0, acc=0.1), one("site-2", 1.0), one("site-3", 1.0, acc=0.3)]
    assert given[0] is given[0]
    assert given[1:] == (given[1], given[2])


def test_they_equal_a_tuple_of_them_and_survive_a_pickle():
    given = Contributions([batch(["site-2", "site-1"], acc=[1, 2])], ORDER)
    rounds = [Round(number=0, metrics={}, contributions=c) for c in (given, tuple(given), tuple(given)[:1])]
    assert rounds[0] == rounds[1] == pickle.loads(pickle.dumps(rounds[0]))
    assert rounds[1] == rounds[0] != rounds[2]
    assert given != list(given)
    assert repr(given) == repr(tuple(given))


@given(st.lists(st.floats() | st.integers() | st.booleans() | st.text(max_size=3), max_size=4))
def test_a_batch_tells_whether_its_metrics_are_finite(values):
    sites = [f"site-{n}" for n, _ in enumerate(values)]
    finite = not any(isinstance(v, float) and not math.isfinite(v) for v in values)
    assert batch(sites, acc=values).is_finite() == finite


@pytest.mark.parametrize("together", [True, False])
def test_of_several_tasks_the_first_to_name_a_metric_counts(together, tmp_path):
    batches = [
        batch(SITES[:2], acc=[0.1, "none"]),
        batch(SITES[:2], task="validate", acc=[0.5, 0.6], loss=[1, 2]),
    ]
    contributions = Contributions(batches, ORDER)
    if not together:
        contributions = tuple(contributions)
    rounds = (Round(number=4, metrics={"acc": 0.3}, contributions=contributions),)
    result = RunResult(engine="e", job="j", status="ok", workspace=tmp_path, sites=SITES, rounds=rounds)
    assert result.metric("acc").by_site == {"site-1": {4: 0.1}}
    assert result.metric("loss", site="site-2").by_round == {4: 2.0}
    assert result.metric_names == ("acc", "loss")
