"""Our export of every job of the corpus is FLARE's, byte for byte, for each release that is asked for.

The newest release is asked for by default, where it is installed; FEDJOB_FLARE_RELEASES=2.5,2.6,2.7,2.8,2.9 asks
for all of them, each in an environment of its own below FEDJOB_FLARE_ENVS.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.flare import comparison

sys.path.insert(0, str(Path(__file__).parent))
from corpus import JOBS

sys.path.pop(0)

pytestmark = pytest.mark.flare


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "parity"
    shared.mkdir(exist_ok=True)

    def export(release):
        interpreter = comparison.python(release)
        if interpreter is None:
            pytest.skip(f"nvflare=={comparison.VERSIONS[release]} is not installed here")
        return comparison.export(release, interpreter, shared)

    return export


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("release", comparison.releases())
def test_export_is_flares(exports, release, name):
    outcome = comparison.compare(exports(release), name, release)
    if outcome.state == "not asked":
        pytest.skip(f"{outcome.detail} is not installed in the environment of FLARE {release}")
    assert outcome.state != "different", outcome.detail


@pytest.mark.parametrize("name", JOBS)
def test_our_job_takes_flares_objects(exports, name):
    place = exports("2.9")
    if not (place / "mixed").exists():
        pytest.skip("FLARE is not installed in this environment")
    outcome = comparison.compare(place, name, "2.9", "mixed")
    if outcome.state == "not asked":
        pytest.skip(f"{outcome.detail} is not installed in this environment")
    assert outcome.state != "different", outcome.detail


@pytest.mark.parametrize("release", comparison.releases())
def test_what_a_release_lacks_is_refused_by_both(exports, release):
    place = exports(release)
    wanted = [n for n, job in JOBS.items() if release < job.since or release >= job.before]
    outcomes = {n: comparison.compare(place, n, release).state for n in wanted}
    assert {
        n: s for n, s in outcomes.items() if s not in {"refused", "ours only", "ours refuses", "not asked"}
    } == {}


@pytest.mark.parametrize("release", comparison.releases())
def test_what_a_release_has_is_exported(exports, release):
    place = exports(release)
    wanted = [n for n, job in JOBS.items() if job.since <= release < job.before]
    assert [n for n in wanted if comparison.compare(place, n, release).state == "refused"] == []


def test_the_corpus_covers_forty_jobs():
    assert len(JOBS) >= 40
    assert all(job.covers for job in JOBS.values())
