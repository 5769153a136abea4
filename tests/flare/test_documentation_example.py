"""The example of FLARE's FedJob documentation, verbatim: the same folder, and the same run, as on FLARE 2.9.0 itself."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fedjob.engines import RunRequest, get
from fedjob.flare import shim
from fedjob.job import load_script

EXAMPLE = Path(__file__).parent / "documentation"
MISSING = [name for name in ("torch", "sklearn") if find_spec(name) is None]
MISSING += [] if shim.real_flare() else ["nvflare"]
if MISSING and os.environ.get("CI"):
    raise RuntimeError(f"{', '.join(MISSING)} must be installed under CI")
pytestmark = [
    pytest.mark.flare,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where FLARE and where we exported the job to."""
    theirs = tmp_path_factory.mktemp("theirs")
    shutil.copytree(EXAMPLE, theirs, dirs_exist_ok=True)
    # FLARE's simulator must not start here: the script is run up to its export.
    script = (theirs / "job.py").read_text().replace('job.simulator_run("workdir", n_clients=2)\n', "")
    subprocess.run([sys.executable, "-c", script], cwd=theirs, check=True, capture_output=True)
    ours = tmp_path_factory.mktemp("ours")
    load_script(EXAMPLE / "job.py", shim="always").export_job(str(ours))
    return theirs / "job_config" / "cifar10_fedavg", ours / "cifar10_fedavg"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_is_flares_byte_for_byte(folders):
    theirs, ours = folders
    assert contents(ours) == contents(theirs)
    assert "app/custom/src/cifar10_fl.py" in contents(ours)


def test_the_run_is_flares_number_for_number(folders, tmp_path):
    _, folder = folders
    local, real = (
        get(engine).run(folder, RunRequest(workspace=tmp_path / engine, n_clients=2, timeout=120))
        for engine in ("local", "simulator")
    )
    for result in (local, real):
        assert result.ok, result
        assert len(result.rounds) == 2
        assert result.best_round == 1
    assert local.metric("accuracy").by_site == real.metric("accuracy").by_site
    assert local.metric("accuracy").values == pytest.approx(real.metric("accuracy").values, rel=1e-12)
    for kind in ("global", "best"):
        mine, theirs = local.model(kind), real.model(kind)
        assert mine.keys() == theirs.keys()
        for name, weights in theirs.items():
            # FLARE adds up in the order of arrival, we in that of the sites: equal but for the last bit.
            np.testing.assert_allclose(mine[name], weights, rtol=1e-6, atol=1e-8)
            assert mine[name].dtype == weights.dtype
