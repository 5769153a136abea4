from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedjob.engines.local.threads import OneThread, _libraries, _pools
from jobs import script_job


@pytest.mark.skipif(not _libraries(), reason="this numpy has no OpenBLAS, or the system does not tell")
def test_openblas_has_one_thread_within_the_block_and_as_many_as_before_after_it():
    np.ones((2, 2)) @ np.ones((2, 2))
    (get, put), *_ = _pools()
    before = get()
    put(2)
    try:
        with OneThread():
            assert get() == 1
        assert get() == 2
    finally:
        put(before)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell what is loaded")
@pytest.mark.parametrize("early", [True, False])
def test_so_have_all_that_scikit_learn_brings_when_it_is_imported_within_the_block(early):
    pytest.importorskip("sklearn")
    code = f"""
from fedjob.engines.local.threads import LATE, OneThread
if {early}:
    import sklearn.cluster
with OneThread() as threads:
    import sklearn
    threads.limit()
    import sklearn.cluster
    from threadpoolctl import threadpool_info
    pools = threadpool_info()
    assert {{pool["user_api"] for pool in pools}} == {{"blas", "openmp"}}
    assert [pool["num_threads"] for pool in pools] == [1] * len(pools), pools
after = [pool["num_threads"] for pool in threadpool_info()]
assert after == [2] * len(after), after
assert "sklearn" in LATE
"""
    environ = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environ)


@pytest.mark.torch
def test_torch_has_one_thread_within_the_block_and_as_many_as_before_after_it():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with OneThread() as threads:
            assert torch.get_num_threads() == 1
            torch.set_num_threads(3)
            threads.limit()
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


PRODUCTS = """
import hashlib
def work(model, number, site, hub):
    a, b = np.random.rand(513, 2049), np.random.rand(2049, 77)
    found = [a @ b, np.linalg.inv(np.random.rand(200, 200)), TORCH]
    bits = hashlib.sha256(b"".join(np.asarray(one).tobytes() for one in found))
    return model + int(bits.hexdigest()[:12], 16)
"""


@pytest.mark.parametrize("torch", [pytest.param(True, marks=pytest.mark.torch), False])
def test_matrix_products_are_the_same_in_every_isolation(crew, torch):
    if torch:
        pytest.importorskip("torch")
    sums = "__import__('torch').rand(1_000_000).sum().item()" if torch else "0.0"
    work = PRODUCTS.replace("TORCH", sums)
    seen = set()
    for isolation in ("process", "shared", "inline"):
        outcome = crew(work, isolation=isolation, name=isolation, seed=3, timeout=120)
        assert outcome.status == "ok", outcome.errors
        seen.add(tuple(outcome.all("end")[0]["total"]))
    assert len(seen) == 1


FIRST = """
import sys
from pathlib import Path
from fedjob.engines import RunRequest, get
folder, workspace = sys.argv[1:]
assert "numpy" not in sys.modules
result = get("local").run(Path(folder), RunRequest(workspace=Path(workspace), n_clients=2, isolation="inline"))
assert result.ok, result.problems
assert "numpy" in sys.modules
"""

ASKS = """
import nvflare.client as flare
from fedjob.engines.local.threads import _pools
flare.init()
while flare.is_running():
    model = flare.receive()
    IMPORT
    found = {get() for get, _ in _pools()}
    assert found == {1}, found
    flare.send(flare.FLModel(params=model.params, metrics={"threads": 1}))
"""


@pytest.mark.skipif(not _libraries(), reason="this numpy has no OpenBLAS, or the system does not tell")
@pytest.mark.parametrize("library", ["numpy", "scipy.linalg", "sklearn"])
def test_a_run_that_is_the_first_to_import_a_library_has_one_thread_too(library, tmp_path, monkeypatch):
    pytest.importorskip(library)
    asks = ASKS.replace("IMPORT", f"import {library}")
    monkeypatch.chdir(tmp_path)
    job = script_job(tmp_path, asks, rounds=1)
    job.export_job(str(tmp_path / "jobs"))
    # More threads than one, wherever the test runs.
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", FIRST, str(tmp_path / "jobs" / "job"), str(tmp_path / "ws")]
    done = subprocess.run(
        command,
        env={**environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


IMPORTS = """
import os, sys
class Sees:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
sys.meta_path.insert(0, Sees())
from fedjob.engines.local.threads import import_numpy
import_numpy()
import_numpy()
print(os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
assert "numpy" in sys.modules
"""


@pytest.mark.parametrize(("users", "seen"), [(None, ["20", "None"]), ("26", ["26", "26"])])
def test_numpys_idle_threads_sleep_soon_unless_the_user_says_otherwise(users, seen):
    environ = {name: value for name, value in os.environ.items() if name != "OPENBLAS_THREAD_TIMEOUT"}
    environ |= {"OPENBLAS_THREAD_TIMEOUT": users} if users else {}
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environ, capture_output=True, text=True)
    assert done.stdout.split() == seen, done.stderr


def test_without_maps_there_is_nothing_to_ask(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_: (_ for _ in ()).throw(OSError))
    assert _libraries() == []
    assert sys.modules["numpy"] is np
