from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import threading
import traceback
from pathlib import Path

import pytest

from fedjob.engines.local.worker import _FreezeOnce, _let_go


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
