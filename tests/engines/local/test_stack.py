import numpy as np
import pytest

from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.stack import stacked
from fedjob.exchange.fl_model import FLModel


def result(number, floats):
    params = {"w": np.full((2, floats), number, np.float32), "b": np.arange(3, dtype=np.float64) * number}
    return PlainResult.of(FLModel(params=params, metrics={"loss": number / 2}))


@pytest.mark.parametrize("floats", [4, 4000, 1 << 17], ids=["small", "larger", "in a block"])
def test_the_parameters_of_a_stack_are_those_of_its_results(floats):
    run = [(f"site-{n}", result(n, floats)) for n in range(4)]
    [(part, stack)] = stacked(run)
    assert part == run
    params = stack.params()
    assert list(params) == ["w", "b"]
    for n in range(4):
        np.testing.assert_array_equal(params["w"][n], np.full((2, floats), n, np.float32))
        np.testing.assert_array_equal(params["b"][n], np.arange(3) * float(n))
        assert params["w"][n].dtype == np.float32
        assert params["b"][n].dtype == np.float64
    assert stack.metrics == {"loss": (0.0, 0.5, 1.0, 1.5)}


def test_results_of_several_forms_are_stacked_apart():
    run = [(f"site-{n}", result(n, 4 if n < 3 else 5)) for n in range(5)]
    parts = stacked(run)
    assert [[site for site, _ in part] for part, _ in parts] == [
        ["site-0", "site-1", "site-2"],
        ["site-3", "site-4"],
    ]
    assert [stack is not None for _, stack in parts] == [True, False]
