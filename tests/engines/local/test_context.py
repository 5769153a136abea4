"""Every isolation gives a site the same process to see, and the same numbers."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import numpy as np
import pytest

from jobs import ISOLATIONS

#: Draws from every generator, between switches, and returns sums that show any difference.
DRAWS = """
import random
def work(model, number, site, hub):
    rows = []
    for _ in range(3):
        rows.append([random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn()])
        hub.sleep(0)
    rows.append([np.random.normal(), random.gauss(0, 1), TORCH, 0.0])
    record.append([site, number, rows])
    return model + np.array(rows).sum() + np.zeros(9)
record = []
"""


@pytest.fixture(params=ISOLATIONS)
def isolation(request):
    return request.param


def totals(crew, name, work, **request):
    outcome = crew(work, name=name, rounds=3, **request)
    assert outcome.status == "ok", outcome.events
    return outcome.all("end")[0]["total"]


@pytest.mark.parametrize("torch", [pytest.param(True, marks=pytest.mark.torch), False])
def test_all_isolations_draw_the_same_numbers(crew, torch):
    if torch:
        pytest.importorskip("torch")
    work = DRAWS.replace("TORCH", "float(__import__('torch').randn(1))" if torch else "0.0")
    seen = {
        kind: totals(crew, kind, work, isolation=kind, n_clients=3, seed=7, timeout=120)
        for kind in ISOLATIONS
    }
    assert len(set(map(tuple, seen.values()))) == 1
    assert totals(crew, "again", work, isolation="inline", n_clients=3, seed=7) == seen["inline"]
    assert totals(crew, "other", work, isolation="inline", n_clients=3, seed=8) != seen["inline"]


def test_without_a_seed_every_site_and_run_draws_its_own(crew, isolation):
    work = "def work(model, n, site, hub): return model * 0 + (np.random.rand() if site == 'site-1' else -np.random.rand())"
    one, two = (totals(crew, name, work, isolation=isolation) for name in "ab")
    assert one != two
    assert one[0] != 0


SEES = """
import helper, subprocess
def work(model, number, site, hub):
    if number == 0:
        helper.counter = site
        sys.argv = [site]
        os.environ["FEDJOB_TEST"] = site
        os.mkdir("here"); os.chdir("here")
        sys.path.append("/of/" + site)
        sys.modules["__main__"] = helper
    hub.sleep(0)
    custom = [p for p in sys.path if p.endswith("custom")]
    assert helper.counter == site, helper.counter
    assert helper.__file__.endswith("/custom/helper.py"), helper.__file__
    assert sys.argv == [site]
    assert sys.modules["__main__"] is helper
    assert os.environ["FEDJOB_TEST"] == site == subprocess.run("echo $FEDJOB_TEST", shell=True, capture_output=True, text=True).stdout.strip()
    assert os.getcwd().endswith(f"/{site}/here")
    assert sys.path[-2:] == [custom[0], "/of/" + site]
    return model
"""


def test_a_site_keeps_its_own_argv_main_modules_directory_path_and_environment(crew, isolation):
    outcome = crew(SEES, files={"helper.py": "counter = 0"}, isolation=isolation, n_clients=3, rounds=3)
    assert outcome.status == "ok", outcome.errors
    assert "FEDJOB_TEST" not in os.environ


def test_each_site_sees_its_gpus_and_they_are_on_record(crew, isolation):
    work = "def work(model, n, site, hub): return model + int(os.environ['CUDA_VISIBLE_DEVICES'].replace(',', ''))"
    outcome = crew(work, isolation=isolation, n_clients=3, gpu="[0,1],[2]", rounds=1)
    assert outcome.status == "ok", outcome.errors
    assert outcome.all("end")[0]["total"] == [4.0] * 3
    seen = {e["site"]: e["cuda_visible_devices"] for e in outcome.all("site_ready")}
    assert seen == {"site-1": "0,1", "site-2": "2", "site-3": "0,1"}


def test_the_launch_directory_is_not_importable(crew, isolation, tmp_path, monkeypatch):
    (tmp_path / "only_at_home.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", *sys.path])
    outcome = crew("import only_at_home\ndef work(*_): return 0", isolation=isolation)
    assert outcome.status == "failed"
    assert "No module named 'only_at_home'" in outcome.errors[0]["message"]


def test_a_site_has_the_environment_of_the_test(crew, isolation, monkeypatch):
    monkeypatch.setenv("FEDJOB_OF_THE_TEST", "5")
    work = "def work(model, n, site, hub): return model + int(os.environ['FEDJOB_OF_THE_TEST'])"
    assert totals(crew, "ws", work, isolation=isolation, n_clients=1)[0] == 35.0


RESTLESS = """
import helper, signal, time
def work(model, number, site, hub):
    sys.path.insert(0, "/wild"); sys.path_hooks.clear; os.chdir("/"); os.environ["FEDJOB_WILD"] = "1"
    sys.argv = ["wild"]; sys.stdout = None
    random.seed(1); np.random.seed(1)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    sys.modules["__main__"] = helper
    if number == 1: raise ValueError("wild")
    return model
"""


def test_after_a_run_inside_the_test_process_it_is_as_before(crew):
    random.seed(3)
    np.random.seed(3)
    np.random.randn()
    expected = random.Random(3).random(), np.random.RandomState(3).randn(3)[1:].tolist()
    names = "path", "path_hooks", "meta_path", "argv", "stdout"
    kept = {name: getattr(sys, name) for name in names}
    lists = {name: list(kept[name]) for name in names[:4]}
    before = (
        os.getcwd(),
        dict(os.environ),
        time.sleep,
        signal.getsignal(signal.SIGUSR1),
        sys.modules["__main__"],
    )
    outcome = crew(RESTLESS, files={"helper.py": ""}, isolation="inline", n_clients=2)
    assert outcome.status == "failed"
    assert all(getattr(sys, name) is kept[name] for name in names)
    assert {name: list(kept[name]) for name in names[:4]} == lists
    after = (
        os.getcwd(),
        dict(os.environ),
        time.sleep,
        signal.getsignal(signal.SIGUSR1),
        sys.modules["__main__"],
    )
    assert after == before
    assert "helper" not in sys.modules
    assert "double" not in sys.modules
    assert (random.random(), np.random.randn(2).tolist()) == expected


def test_inline_a_loaded_module_with_the_same_source_is_the_sites_too(crew, tmp_path, monkeypatch):
    # Where the real FLARE is loaded nothing is shared; a test before this one may have imported it.
    for name in [n for n in sys.modules if n.partition(".")[0] == "nvflare"]:
        monkeypatch.delitem(sys.modules, name)
    source = "def value(): return 1\n"
    (tmp_path / "patched.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    import patched

    monkeypatch.setattr(patched, "value", lambda: 10)
    work = "import patched\ndef work(model, n, site, hub): return model + patched.value()"
    files = {"patched.py": source}
    outcome = crew(work, files=files, isolation="inline", n_clients=1, rounds=1)
    assert outcome.all("end")[0]["total"][0] == 10
    outcome = crew(work, files=files, isolation="process", n_clients=1, rounds=1, name="b")
    assert outcome.all("end")[0]["total"][0] == 1
    files = {"patched.py": "def value(): return 100\n"}
    outcome = crew(work, files=files, isolation="inline", n_clients=1, rounds=1, name="c")
    assert outcome.all("end")[0]["total"][0] == 100
    assert sys.modules["patched"] is patched


def test_inline_can_not_be_nested(crew, tmp_path):
    work = """
    from fedjob.engines.local.supervisor import Inline
    def work(model, n, site, hub): Inline(None, None).run()
    """
    outcome = crew(work, isolation="inline")
    assert "from inside a run" in outcome.errors[0]["message"]


def test_inline_runs_in_a_thread_too_with_its_deadline(crew):
    import threading

    outcomes = []
    work = "def work(model, n, site, hub):\n    while True: pass"
    thread = threading.Thread(target=lambda: outcomes.append(crew(work, isolation="inline", timeout=0.5)))
    thread.start()
    thread.join(30)
    assert outcomes[0].status == "deadline"


def test_inline_code_that_waits_for_a_debugger_has_no_deadline(crew, monkeypatch):
    work = """
    import pdb
    class Reader:
        def readline(self):
            import time
            end = time.monotonic() + 1.5
            while time.monotonic() < end: pass
            return "continue\\n"
    def work(model, n, site, hub):
        if n == 0 and site == "site-1":
            with open(os.devnull, "w") as nowhere:
                pdb.Pdb(stdin=Reader(), stdout=nowhere).set_trace()
                n = 1
        return model
    """
    outcome = crew(work, isolation="inline", timeout=1.0, rounds=1)
    assert outcome.status == "ok", outcome.errors


@pytest.mark.torch
def test_torch_may_be_imported_by_a_thread_of_user_code(crew):
    pytest.importorskip("torch")
    work = """
    import threading
    def work(model, n, site, hub):
        seen = []
        thread = threading.Thread(target=lambda: seen.append(__import__("torch").ones(1)))
        thread.start(); thread.join()
        return model + float(seen[0])
    """
    outcome = crew(work, timeout=120)
    assert outcome.status == "ok", outcome.errors
