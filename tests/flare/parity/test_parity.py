"""The same folders on FLARE's simulator and on our engine come to the same end.

What FLARE made of each job is recorded (`record.py`) and belongs to the exported folder by its digest, so the
comparison with our engine takes milliseconds. ``FEDJOB_PARITY=live`` asks FLARE itself again, 15 s per job.
"""

import dataclasses
import importlib.util
import json
import os

import pytest

from fedjob.engines import get
from fedjob.folder.read import read

from .jobs import JOBS
from .outcome import differences, outcome
from .record import RECORDED, export, job_folder, request, simulate

# Keras asks numpy 2 for what it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LIVE = os.environ.get("FEDJOB_PARITY") == "live"


def cases():
    for name, entry in JOBS.items():
        missing = entry.needs and importlib.util.find_spec(entry.needs) is None
        skip = pytest.mark.skip(reason=f"needs {entry.needs}, which is not installed") if missing else ()
        yield pytest.param(name, marks=skip, id=name)


CASES = [*cases()]


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("parity")
    return root, export(root, [p.values[0] for p in CASES if not p.marks])


@pytest.fixture
def folder(exported, name):
    root, errors = exported
    assert name not in errors, errors.get(name)
    return job_folder(root, name)


def recorded(name: str) -> dict:
    return json.loads((RECORDED / f"{name}.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_recorded_for_this_folder(folder, name):
    """A job that changed must be recorded again: python tests/flare/parity/record.py JOB."""
    assert recorded(name)["digest"] == read(folder).digest


@pytest.mark.parametrize("isolation", ["process", "shared", "inline"])
@pytest.mark.parametrize("name", CASES)
def test_comes_to_the_same_end(folder, name, isolation, tmp_path):
    entry, expected = JOBS[name], recorded(name)
    asked = dataclasses.replace(request(folder, name, tmp_path / "ws"), isolation=isolation)
    result = get("local").run(folder, asked)
    assert entry.cause in "\n".join(map(str, (*result.errors, *result.problems)))
    if entry.green:
        assert expected["ended"] == "ok"
        assert result.status == "failed"
        return
    obtained = as_recorded(outcome(result, anyone=entry.anyone), expected)
    if entry.unheard:
        assert result.rounds
        obtained["rounds"] = expected["rounds"]
    found = differences(expected, obtained, entry.rtol)
    assert not found, "\n".join([f"{name}: {entry.covers}", *found, repr(result)])


def as_recorded(obtained: dict, expected: dict) -> dict:
    """Our outcome without what FLARE does not have: FLARE writes metrics files only where the job asks for them."""
    files = {
        path: content
        for path, content in obtained["files"].items()
        if path in expected["files"] or not path.startswith("server/metrics/")
    }
    return {**obtained, "files": files, "flare": expected["flare"], "digest": expected["digest"]}


@pytest.mark.flare
@pytest.mark.skipif(not LIVE, reason="asks FLARE itself, 15 s per job; set FEDJOB_PARITY=live")
@pytest.mark.parametrize("name", CASES)
def test_flare_still_says_so(folder, name, tmp_path):
    seen = simulate(folder, name, tmp_path / "ws")
    expected = recorded(name)
    assert not differences(
        expected, {**seen, "flare": expected["flare"], "digest": expected["digest"]}, JOBS[name].rtol
    )
