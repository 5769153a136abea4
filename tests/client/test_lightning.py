"""A patched Lightning trainer trains and sends what it does under FLARE."""

from pathlib import Path

import pytest

from fedjob.flare import shim
from tests.exchange import twin

pytest.importorskip("pytorch_lightning")

SCRIPT = Path(__file__).with_name("twin_lightning.py")

pytestmark = [pytest.mark.flare, pytest.mark.torch]


@pytest.mark.parametrize("name", twin.ours(SCRIPT))
def test_does_what_flare_does(name):
    assert twin.ours(SCRIPT)[name] == twin.real(SCRIPT)[name]


def test_names_of_the_package():
    names = {}
    with shim.active():
        exec(
            "import nvflare.client.lightning as flare\nfrom nvflare.app_opt.lightning import FLCallback",
            names,
        )
        exec("from nvflare.client.lightning import *", names)
    from pytorch_lightning.callbacks import Callback
    from pytorch_lightning.loggers.logger import Logger

    assert issubclass(names["FLCallback"], Callback)
    assert names["flare"].FLCallback is names["FLCallback"]
    assert issubclass(names["logger"], Logger)
