from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest

from fedjob.engines.local.worker import _FreezeOnce, _let_go
from tests.engines.local.jobs import run, script_job


@pytest.fixture
def threshold():
    before = gc.get_threshold()
    yield before[0]
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.parametrize("sites", [3, 10_000])
def test_the_collector_looks_in_proportion_to_the_sites(threshold, sites):
    once = _FreezeOnce(sites)
    at_first = gc.get_threshold()[0]
    assert at_first >= max(250_000, 500 * sites)
    once(idle=False)
    assert gc.get_threshold()[0] == at_first
    frozen = gc.get_freeze_count()
    once(idle=True)
    assert threshold < gc.get_threshold()[0] < threshold + 100 * sites
    assert gc.get_freeze_count() > frozen


def with_a_child():
    subprocess.Popen(["sleep", "60"])


def with_a_thread():
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def with_a_child_that_has_ended():
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells what is open")
@pytest.mark.parametrize(
    ("prepare", "expected"),
    [(None, True), (with_a_child, False), (with_a_thread, False), (with_a_child_that_has_ended, False)],
)
def test_a_worker_lets_go_of_all_but_its_memory_if_nothing_is_at_work(tmp_path, prepare, expected):
    heard, bell = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 9
        try:
            os.setsid()
            os.chdir(tmp_path)
            os.open("log", os.O_WRONLY | os.O_CREAT)
            if prepare is not None:
                prepare()
            went = _let_go(bell)
            there = sorted(map(int, os.listdir("/proc/self/fd")))
            assert went is expected
            assert Path.cwd() == (Path("/") if expected else tmp_path)
            # The last one is that of the list.
            assert (len(there) == 2 and bell in there) is expected
            status = 0
        except BaseException:
            os.write(bell, traceback.format_exc().encode())
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    os.close(bell)
    with open(heard, "rb") as said:
        text = said.read(0 if status == 0 else -1).decode()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # the child that it may have started.
    assert status == 0, text


LOOKING = """
import os

from fedjob.components.workflows.fedavg import FedAvg


class Looking(FedAvg):
    def run(self):
        links = self.engine.post._links.values()
        seated = {link.route.on_messages is not None for link in links}
        before = os.sched_getaffinity(0)
        super().run()
        with open("seen.txt", "w") as file:
            print(os.sched_getscheduler(0), seated, os.sched_getaffinity(0) == before, file=file)
"""

SCRIPT = """
import nvflare.client as flare

flare.init()
while flare.is_running():
    flare.send(flare.FLModel(params=flare.receive().params, metrics={"a": 1.0}))
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux knows of it")
@pytest.mark.parametrize(("sites", "gives_way"), [(99, False), (100, True)])
def test_the_server_gives_way_to_a_worker_of_many_sites(tmp_path, monkeypatch, sites, gives_way):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "looking.py").write_text(LOOKING)
    workflow = importlib.import_module("looking").Looking(num_clients=sites, num_rounds=1)
    job = script_job(tmp_path, SCRIPT, sites=sites, rounds=1, workflow=workflow)
    # All sites in one worker, however many cores there are.
    result = run(job, tmp_path, n_clients=sites, isolation="shared", concurrent_runs=os.cpu_count())
    sys.modules.pop("looking")
    assert result.ok, result.problems[:3]
    scheduler = os.SCHED_BATCH if gives_way else os.SCHED_OTHER
    seen = (tmp_path / "ws" / "server" / "seen.txt").read_text()
    assert seen == f"{scheduler} {{{gives_way}}} True\n"
