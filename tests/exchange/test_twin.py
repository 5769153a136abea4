"""Our exchange objects do what FLARE's do, case by case: values, headers, states and kinds of errors."""

from pathlib import Path

import pytest

from tests.exchange import twin

SCRIPT = Path(__file__).with_name("twin_exchange.py")

pytestmark = pytest.mark.flare


@pytest.mark.parametrize("name", twin.ours(SCRIPT))
def test_does_what_flare_does(name):
    assert twin.ours(SCRIPT)[name] == twin.real(SCRIPT)[name]


def test_no_case_is_ours_alone():
    assert twin.ours(SCRIPT).keys() == twin.real(SCRIPT).keys()
