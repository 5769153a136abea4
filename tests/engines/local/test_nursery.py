from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from fedjob.engines.local.nursery import _TUNABLE, NURSERY, Nursery, environment
from fedjob.errors import RunError

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")

HERE = Path(__file__).parent
#: One site sleeps, never so long that the engine's clock is put forward instead; the other computes.
FOREVER = """
def work(model, number, site, hub):
    while True:
        time.sleep(0.9999) if site == "site-1" else [0 for _ in iter(int, 1)]
"""

#: A test process of its own, that runs doubles in `tmp` with `work` and prints when the sites are at work.
PROCESS = """
import signal, sys, threading, time, os
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background is started with it ignored.
sys.path.insert(0, {here!r})
import conftest
from pathlib import Path
crew = conftest.crew.__wrapped__(Path({tmp!r}))
def watch():
    events = Path({tmp!r}, "ws", "events.jsonl")
    while not events.exists() or events.read_text().count("site_ready") < 2: time.sleep(0.01)
    print("at work", flush=True)
threading.Thread(target=watch, daemon=True).start()
{body}
"""


@pytest.fixture(autouse=True)
def settle():
    """Waits, now and when it is called, until the workers of the runs before have given back their memory."""

    def wait():
        end = time.monotonic() + 10
        while NURSERY.pid and Path(f"/proc/{NURSERY.pid}").exists() and children(NURSERY.pid):
            assert time.monotonic() < end
            time.sleep(0.01)

    wait()
    return wait


def start(tmp_path, body=None):
    body = body or f"crew({FOREVER!r}, timeout=100)"
    source = PROCESS.format(here=str(HERE), tmp=str(tmp_path), body=textwrap.dedent(body))
    return subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )


def family(pid):
    """A process and all of its descendants."""
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        try:
            queue += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except OSError:
            continue
    return found


def alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and state(pid) not in "ZX"]


def state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def settled(pid):
    """How many processes a family has once those that are ending have ended."""
    end = time.monotonic() + 2
    while len(alive(family(pid))) > 2 and time.monotonic() < end:
        time.sleep(0.01)
    return alive(family(pid))


def gone(pids, within=2.0):
    end = time.monotonic() + within
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.02)
    return alive(pids) == []


def test_sigkill_of_the_test_process_in_mid_run_leaves_nothing(tmp_path):
    process = start(tmp_path)
    assert process.stdout.readline() == "at work\n"
    everyone = family(process.pid)
    assert len(everyone) == 5  # itself, nursery, server, two sites.
    process.kill()
    assert gone(everyone[1:])
    process.communicate()


def test_sigkill_leaves_nothing_though_a_fork_of_the_test_process_lives_on(tmp_path):
    body = f"""
    def fork():
        time.sleep(0.3)
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    threading.Thread(target=fork).start()
    crew({FOREVER!r}, timeout=100)
    """
    process = start(tmp_path, body)
    assert process.stdout.readline() == "at work\n"
    time.sleep(0.5)
    everyone = family(process.pid)
    command = lambda pid: Path(f"/proc/{pid}/cmdline").read_bytes()  # noqa: E731
    ours = [pid for pid in everyone if b"nursery" in command(pid)]
    forked = [pid for pid in everyone[1:] if pid not in ours]
    process.kill()
    left = not gone(ours)
    for pid in forked:
        os.kill(pid, signal.SIGKILL)
    assert len(ours) == 4
    assert len(forked) == 1
    assert not left
    process.communicate()


def test_ctrl_c_kills_the_run_and_is_raised_and_recorded(tmp_path):
    body = f"""
    try:
        crew({FOREVER!r}, timeout=100)
    except KeyboardInterrupt:
        from test_nursery import settled
        print("interrupted", len(settled(os.getpid())), flush=True)
    """
    process = start(tmp_path, body)
    assert process.stdout.readline() == "at work\n"
    everyone = family(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    events = (tmp_path / "ws" / "events.jsonl").read_text()
    assert "interrupted 2\n" in out + err, (process.returncode, out, err, events)  # itself and its nursery.
    assert gone(everyone)


def test_the_end_of_the_test_process_ends_its_nursery(tmp_path):
    process = start(tmp_path, "crew(); from test_nursery import settled; print(settled(os.getpid()))")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err == ""
    # The thread that says "at work" may be the last to speak.
    pids = [int(pid) for pid in re.findall(r"\d+", out)]
    assert len(pids) == 2
    assert gone(pids)


def test_a_nursery_that_was_killed_is_replaced(crew):
    assert crew().status == "ok"
    first = NURSERY.pid
    os.kill(first, signal.SIGKILL)
    time.sleep(0.05)
    assert crew(name="again").status == "ok"
    assert NURSERY.pid != first


def test_the_nursery_is_kept_from_run_to_run(crew):
    assert crew().status == "ok"
    first = NURSERY.pid
    assert crew(name="again").status == "ok"
    assert NURSERY.pid == first


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_in_mid_run(keeper, killed):
    """Kill the process that `keeper()` names once it has three children; they and it are put into `killed`."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pid = keeper()
        if pid is not None and len(family(pid)) == 4:
            killed.extend(family(pid))
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def test_a_nursery_that_is_killed_takes_its_workers_along_and_is_an_error(crew, settle):
    crew()
    settle()
    killed: list[int] = []
    thread = threading.Thread(target=kill_in_mid_run, args=(lambda: NURSERY.pid, killed))
    thread.start()
    outcome = crew(FOREVER, timeout=30, name="killed")
    thread.join()
    assert outcome.status == "failed"
    assert {e["kind"] for e in outcome.errors} == {"lost"}
    assert len(killed) == 4
    assert gone(killed)
    assert crew(name="again").status == "ok"


def test_a_keeper_that_is_killed_takes_its_workers_along_and_is_an_error(crew, tmp_path):
    """The second of two runs at once has a keeper of its own; the first one goes on."""
    go_on = tmp_path / "go on"
    wait = f"""
    def work(model, *_):
        while not os.path.exists({str(go_on)!r}): time.sleep(0.02)
        return model
    """
    killed: list[int] = []
    outcomes = {}

    def run(name):
        outcomes[name] = crew(wait if name == "first" else FOREVER, timeout=30, name=name)

    def keeper():
        own = [pid for pid in children(NURSERY.pid) if children(pid)]
        return own[0] if own else None

    threads = [threading.Thread(target=run, args=(name,)) for name in ("first", "second")]
    threads[0].start()
    while NURSERY.pid is None or len(children(NURSERY.pid)) < 3:
        time.sleep(0.02)
    threads[1].start()
    kill_in_mid_run(keeper, killed)
    threads[1].join()
    go_on.touch()
    threads[0].join()
    assert outcomes["second"].status == "failed"
    assert {e["kind"] for e in outcomes["second"].errors} == {"lost"}
    assert outcomes["first"].status == "ok"
    assert gone(killed)


def test_runs_of_several_threads_go_side_by_side(crew):
    outcomes = {}

    def run(name):
        outcomes[name] = crew("def work(m, n, site, hub): time.sleep(0.1); return m + 1", name=name)

    threads = [threading.Thread(target=run, args=(f"ws{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.status for outcome in outcomes.values()] == ["ok"] * 4
    assert len({str(outcome.workspace) for outcome in outcomes.values()}) == 4


def test_a_forked_copy_of_the_test_process_has_a_nursery_of_its_own(crew):
    assert crew().status == "ok"
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            before = NURSERY.pid
            crew(name="forked")
            os.write(writer, f"{before} {NURSERY.pid}".encode())
            NURSERY.close()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    before, after = os.read(reader, 100).decode().split()
    assert before == "None"
    assert int(after) != NURSERY.pid
    assert crew(name="parent").status == "ok"
    assert gone([int(after)])


def test_what_cannot_be_preloaded_is_said():
    nursery = Nursery()
    try:
        with pytest.raises(RunError, match=r"(?s)could not preload no_such_module.*ModuleNotFoundError"):
            nursery.open(["no_such_module"])
        nursery.open([]).close()
    finally:
        nursery.close()


def test_what_workers_had_to_import_is_imported_ahead_the_next_time(crew):
    work = """
    import fedjob.folder.diff
    def work(model, n, site, hub): return model
    """
    nursery = NURSERY._learned.copy()
    try:
        NURSERY._learned.clear()
        NURSERY.close()
        assert crew(work).status == "ok"
        assert "fedjob.folder.diff" in NURSERY._learned
        assert not any("double" in name for name in NURSERY._learned)
        outcome = crew(
            "import sys\nassert 'fedjob.folder.diff' in sys.modules\ndef work(m, *_): return m", name="again"
        )
        assert outcome.status == "ok", outcome.errors
        assert not list(outcome.workspace.rglob(".fedjob-imports"))
    finally:
        NURSERY.learn(nursery)


def test_pythonpath_inside_the_launch_directory_is_not_taken_over(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "src"), "/elsewhere"]))
    assert environment()["PYTHONPATH"] == "/elsewhere"
    assert environment()["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "PYTHONPATH" not in environment()


@pytest.mark.parametrize("given", [None, "glibc.malloc.check=0", f"{_TUNABLE}=0x100000"])
def test_how_the_c_library_is_set_is_not_for_sites_to_see(monkeypatch, given):
    if given is None:
        monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    else:
        monkeypatch.setenv("GLIBC_TUNABLES", given)
    nursery = Nursery()
    try:
        nursery.open().close()  # it has answered: the system shows nothing of a process that is just being started.
        own = Path(f"/proc/{nursery.pid}/environ").read_text()
    finally:
        nursery.close()
    # The C library itself puts a zero behind each setting where it has read it.
    settings = own.partition("GLIBC_TUNABLES=")[2].replace("\0", ":").split(":")
    assert settings[0] == (given or f"{_TUNABLE}={1 << 20}")
    assert [setting.partition("=")[0] for setting in settings].count(_TUNABLE) == 1
    assert environment().get("GLIBC_TUNABLES") == given


def test_sites_have_the_environment_of_the_tests(crew, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=0")
    work = "import os\nassert os.environ['GLIBC_TUNABLES'] == 'glibc.malloc.check=0'\ndef work(model, *_): return model"
    outcome = crew(work)
    assert outcome.status == "ok", outcome.errors


@pytest.mark.torch
def test_what_torch_imports_at_the_first_step_is_there_before_the_fork(crew):
    pytest.importorskip("torch")
    work = "import sys\nassert 'torch._dynamo' in sys.modules\ndef work(model, *_): return model"
    outcome = crew(work, preload=("torch",))
    assert outcome.status == "ok", outcome.errors


def test_a_nursery_can_be_started_ahead_of_its_first_run():
    nursery = Nursery()
    try:
        nursery.warm(["no_such_module"])
        first = nursery.pid
        assert first is not None
        nursery.open([]).close()
        assert nursery.pid == first
    finally:
        nursery.close()
