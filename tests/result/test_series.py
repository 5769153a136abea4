import math
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedjob.errors import ResultError
from fedjob.result import Series, sparkline

ACCURACY = Series(
    "accuracy", {0: 0.1, 1: 0.5, 2: 0.9}, {"site-1": {0: 0.2, 1: 0.6, 2: 1.0}, "site-2": {0: 0.0, 1: 0.4}}
)


def test_reads_its_ends_and_rounds():
    assert (ACCURACY.first, ACCURACY.last, ACCURACY.best) == (0.1, 0.9, 0.9)
    assert ACCURACY.at(1) == 0.5
    assert ACCURACY.at(1, site="site-2") == 0.4
    assert list(ACCURACY) == [0.1, 0.5, 0.9]
    assert len(ACCURACY) == 3


def test_best_of_a_loss_is_its_smallest_value():
    assert Series("loss", {0: 3.0, 1: 1.0, 2: 2.0}, greater_is_better=False).best == 1.0


def test_names_the_rounds_and_sites_there_are():
    with pytest.raises(ResultError, match=r"^metric 'accuracy' has no round 7; it has rounds \[0, 1, 2\]$"):
        ACCURACY.at(7)
    with pytest.raises(
        ResultError, match=r"^metric 'accuracy' at site-2 has no round 2; it has rounds \[0, 1\]$"
    ):
        ACCURACY.at(2, site="site-2")
    with pytest.raises(
        ResultError,
        match=r"^site 'site-3' reported no metric 'accuracy'; sites that did: \['site-1', 'site-2'\]$",
    ):
        ACCURACY.at(0, site="site-3")


def test_is_one_line_in_an_assertion():
    assert repr(ACCURACY) == "accuracy ▁▅█ (rounds 0-2) 0.1 0.5 0.9"
    long = Series("loss", {n: float(n) for n in range(9)})
    assert repr(long) == "loss ▁▂▃▄▅▅▆▇█ (rounds 0-8) 0 1 2 3 … 5 6 7 8"
    assert repr(Series("loss", {})) == "loss (no rounds)"


def test_prints_a_table_with_a_sparkline():
    assert str(ACCURACY).splitlines() == [
        "accuracy ▁▅█ (rounds 0-2)",
        "  all sites  0.1 0.5 0.9",
        "  site-1     0.2 0.6 1",
        "  site-2     0 0.4",
    ]


@pytest.mark.parametrize(
    ("values", "tolerance", "up"),
    [
        ([1, 2, 3], 0.0, True),
        ([1, 3, 2.95], 0.0, False),
        ([1, 3, 2.95], 0.1, True),
        ([1, 1, 1], 0.0, False),
        ([1], 0.0, False),
        ([], 0.0, False),
        ([1, math.nan, 3], 0.0, False),
    ],
)
def test_increases(values, tolerance, up):
    series = Series("m", dict(enumerate(values)))
    mirrored = Series("m", {n: -v for n, v in enumerate(values)})
    assert series.increases(tolerance) is up
    assert mirrored.decreases(tolerance) is up


@given(st.lists(st.floats(), max_size=20))
@example([sys.float_info.max, -9.9792015476736e291])
@example([sys.float_info.max, -sys.float_info.max, 5e-324, 0.0])
def test_sparkline_has_one_glyph_per_value_and_orders_them(values):
    line = sparkline(values)
    assert len(line) == len(values)
    finite = sorted((v, glyph) for v, glyph in zip(values, line, strict=True) if math.isfinite(v))
    assert [g for _, g in finite] == sorted(g for _, g in finite)
    assert all((g == "?") == (not math.isfinite(v)) for v, g in zip(values, line, strict=True))
