"""The engine gets ready during the collection of what will simulate, and not otherwise."""

import pytest

pytest_plugins = ["pytester"]

#: Says whether the nursery was there when the first test began.
BEGINNING = """
from fedjob.engines.local.nursery import NURSERY

@pytest.fixture(autouse=True, scope="session")
def beginning():
    yield Path(__file__).with_name(f"there-{NURSERY.pid is not None}").touch()

def ready(fedjob):
    return fedjob.simulate

@pytest.fixture
def run(fedjob):
    return fedjob.simulate
"""

#: Says at the session's end, in each process, whether it has imported the side of the engine that runs a site.
NOTE = """
import sys
from pathlib import Path

def pytest_sessionfinish():
    there = "fedjob.engines.local.site" in sys.modules
    Path(__file__).with_name(f"there-{there}").touch()
"""

SIMULATES = "def test_a(fedjob):\n    if False:\n        fedjob.simulate(None)\n"
PINS = "def test_b(fedjob):\n    fedjob.golden(JOBS / 'hello', name='hello')\n"


@pytest.mark.parametrize(
    ("tests", "arguments", "there"),
    [
        (SIMULATES, (), True),
        (PINS, (), False),
        (SIMULATES + PINS, ("-k", "test_a"), True),
        (SIMULATES + PINS, ("-k", "test_b"), False),
        (SIMULATES + PINS, ("test_it.py::test_b",), False),
        ("def test_a(run): pass", (), True),
        ("def test_a(fedjob): pass", (), False),
        (SIMULATES, ("--fedjob-isolation=inline",), False),
        (SIMULATES, ("--fedjob-engine=fake",), False),
    ],
    ids=["simulates", "pins", "k-a", "k-b", "id", "by-fixture", "unused", "inline", "fake"],
)
def test_the_nursery_starts_ahead_of_simulations(suite, tests, arguments, there):
    suite.test(BEGINNING + tests)
    assert suite.run(*arguments).ret == 0, suite.result.outlines
    assert [path.name for path in suite.path.glob("there-*")] == [f"there-{there}"]


@pytest.mark.parametrize(
    ("argument", "there"), [("test_it.py", False), ("../{}/test_other.py", True), (".", True)]
)
def test_a_file_beside_the_one_that_was_asked_for_does_not_count(suite, argument, there):
    suite.test(BEGINNING + "def test_a(): pass\n")
    (suite.path / "test_other.py").write_text((suite.path / "test_it.py").read_text() + SIMULATES)
    assert suite.run(argument.format(suite.path.name)).ret == 0, suite.result.outlines
    assert {path.name for path in suite.path.glob("there-*")} == {f"there-{there}"}


@pytest.mark.parametrize(
    ("tests", "arguments", "there"),
    [
        (SIMULATES, (), True),
        (PINS, (), False),
        (SIMULATES + PINS, ("-k", "test_b"), False),
        (SIMULATES, ("--collect-only",), False),
    ],
    ids=["simulates", "pins", "k-b", "collects"],
)
def test_what_runs_in_this_process_need_is_imported_ahead(suite, tests, arguments, there):
    suite.write("conftest.py", NOTE)
    suite.test(tests)
    assert suite.run("--fedjob-isolation=inline", *arguments).ret == 0, suite.result.outlines
    # With xdist the controller says so, too, and simulates nothing.
    assert (suite.path / "there-True").exists() is there
