"""The shim costs nothing until somebody imports FLARE."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from fedjob.flare import first_use

first_use.install()
first_use.install()
assert "fedjob.flare.shim" not in sys.modules
assert sum(type(finder).__name__ == "_FirstUse" for finder in sys.meta_path) == 1
{use}
from fedjob.flare import shim
assert shim.is_active()
assert not any(type(finder).__name__ == "_FirstUse" for finder in sys.meta_path)
from nvflare.app_common.workflows.fedavg import FedAvg
import fedjob
assert FedAvg is fedjob.FedAvg
"""

USES = {
    "an import": "import nvflare",
    "an import from deep inside": "from nvflare.client import receive",
    "a question whether it is there": "import importlib.util; assert importlib.util.find_spec('nvflare')",
}


def test_the_first_import_brings_it_in():
    for use in USES.values():
        subprocess.run([sys.executable, "-c", CODE.format(use=use)], check=True)


def test_modules_of_the_real_package_that_are_there_already_give_way_at_once():
    there = "import types\nsys.modules['nvflare'] = types.ModuleType('nvflare')\n"
    code = (
        CODE.partition("first_use.install()")[0]
        + there
        + "first_use.install()\n"
        + CODE.partition("{use}")[2]
    )
    subprocess.run([sys.executable, "-c", code], check=True)
