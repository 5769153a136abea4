"""Every name of exchange/ and client/ has FLARE's members, values, parameters and defaults."""

from pathlib import Path

import pytest

from tests.exchange import twin

SCRIPT = Path(__file__).with_name("twin_names.py")

pytestmark = pytest.mark.flare


@pytest.mark.parametrize("name", twin.ours(SCRIPT))
def test_is_what_flare_has(name):
    assert twin.ours(SCRIPT)[name] == twin.real(SCRIPT)[name]
