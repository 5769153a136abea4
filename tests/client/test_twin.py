"""A script meets the same Client API as under FLARE: answers, results, logged values and kinds of errors."""

from pathlib import Path

import pytest

from tests.exchange import twin

pytest.importorskip("torch", reason="needs PyTorch")

SCRIPT = Path(__file__).with_name("twin_client.py")

pytestmark = [pytest.mark.flare, pytest.mark.torch]


@pytest.mark.parametrize("name", twin.ours(SCRIPT))
def test_does_what_flare_does(name):
    assert twin.ours(SCRIPT)[name] == twin.real(SCRIPT)[name]
