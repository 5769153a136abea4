"""The check of a benchmark's model finds what a benchmark could get wrong; every floor passes it."""

import numpy as np
import pytest

from benchmarks.floors import FLOORS
from benchmarks.peers import task


@pytest.mark.parametrize("floats", [1, 9, 1000])
def test_the_right_model_passes(floats):
    task.check(task.start(floats) + 3, floats, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        task.start(9) + 2,  # a round too few
        task.start(9) + 4,
        (task.start(9) + 3)[:8],
        np.full(9, np.nan),
        np.where(np.arange(9) == 8, 0, task.start(9) + 3),
    ],
    ids=["early", "late", "short", "nan", "one"],
)
def test_a_wrong_model_does_not(wrong):
    with pytest.raises(AssertionError, match="the model is wrong after 3 rounds"):
        task.check(wrong, 9, 3)


# They fork, and a worker of xdist has threads; the children do nothing but arithmetic.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("name", FLOORS)
@pytest.mark.parametrize("floats", [9, 5000])
def test_floors_do_the_work(name, floats):
    first = task.start(floats)
    task.check(FLOORS[name](3, 4, first), floats, 4)
    assert (first == task.start(floats)).all()
