"""What a nursery has ready for the workers that are forked from it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

READY = """
import json, sys
from fedjob.engines.local import cradle, generators
other = sys.modules["other"] = type(sys)("other")
PREPARE
held = [__import__("random")]
cradle._warm_up(())
draws = sorted(
    f"{name}.{attribute}"
    for name, module in sys.modules.items()
    for attribute, value in vars(module).items()
    if value is held[0] or getattr(value, "__self__", None) is held[0]._inst
)
known = "random" in sys.modules
generator = "random" in generators.present()
import random as again
print(json.dumps([known, generator, draws, again is held[0], "random" in generators.present()]))
"""


def ready(prepare: str) -> list:
    """Whether `random` is there, and its generator; who has it; whether an import brings the same, and its generator."""
    source = READY.replace("PREPARE", prepare)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_random_comes_with_its_first_import_and_until_then_nobody_draws_from_it():
    known, generator, draws, same, found = ready("")
    assert not known
    assert not generator
    # The generators' own, and the server's choice of sites.
    assert draws == [
        "fedjob.components.workflows.base_model_controller.random",
        "fedjob.engines.local.generators.random",
    ]
    assert same
    assert found


@pytest.mark.parametrize(
    "prepare",
    ["other.rng = __import__('random')", "other.pick = __import__('random').choice"],
    ids=["the module", "a function"],
)
def test_where_another_module_has_it_random_is_there_from_the_start(prepare):
    known, generator, *_ = ready(prepare)
    assert known
    assert generator
