"""User code that misbehaves: each run ends with a clear error, and nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from fedjob.engines.local import supervisor
from fedjob.engines.local.nursery import NURSERY
from jobs import ISOLATIONS, ONE_CORE, has_own_server

LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")


def processes_in(workspace) -> list[int]:
    """Pids of the processes that stand in the workspace of a run, or have a file of it open."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            held = [entry / "cwd", *(entry / "fd").iterdir()]
        except OSError:
            continue
        for link in held:
            with contextlib.suppress(OSError):
                if os.readlink(link).startswith(str(workspace)):
                    found.append(int(entry.name))
                    break
    return found


def children_of(pid) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def assert_nothing_left(workspace):
    assert processes_in(workspace) == []
    # A keeper that has done its work is gone as soon as the nursery has looked.
    end = time.monotonic() + 2
    while NURSERY.pid and children_of(NURSERY.pid):
        assert time.monotonic() < end
        time.sleep(0.01)


@LINUX
@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
def test_a_loop_without_end_is_stopped_at_the_deadline_and_shown(crew, isolation):
    # The nursery may still be importing torch, and the run's time begins before it is ready.
    crew(name="before")
    outcome = crew(
        """
        def spin():
            while True: pass
        def work(model, number, site, hub):
            if site == "site-2" and number == 1: spin()
            return model
        """,
        timeout=1.5,
        isolation=isolation,
    )
    assert outcome.status == "deadline"
    first = outcome.errors[0]
    assert first["kind"] == "deadline"
    assert first["site"] == "site-2"
    assert "was not over after its timeout of 1.5 s; this worker was at work" in first["message"]
    assert "in spin" in first["traceback"]
    if has_own_server(isolation):
        server = next(e for e in outcome.errors if e["site"] == "server")
        assert "waiting" in server["message"]
    else:
        (server,) = outcome.errors
    assert "strand server" in server["traceback"]
    assert "in run_server" in server["traceback"]
    assert_nothing_left(outcome.workspace)


def test_a_loop_without_end_inline_is_stopped_too_and_swallowing_does_not_help(crew):
    outcome = crew(
        """
        def spin():
            while True:
                try:
                    while True: pass
                except Exception: pass
        def work(model, number, site, hub):
            if site == "site-2": spin()
            return model
        """,
        timeout=0.8,
        isolation="inline",
    )
    assert outcome.status == "deadline"
    (error,) = outcome.errors
    assert (error["kind"], error["site"]) == ("deadline", "site-2")
    assert "in spin" in error["traceback"]
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL


@LINUX
def test_a_wait_for_the_outside_that_nothing_ends_is_stopped_at_the_deadline(crew):
    work = """
    import threading
    def work(model, number, site, hub): threading.Event().wait()
    """
    outcome = crew(work, timeout=1.0, n_clients=1)
    assert outcome.status == "deadline"
    assert [(e["site"], e["kind"]) for e in outcome.errors] == [
        ("site-1", "deadline"),
        ("server", "deadline"),
    ]
    assert "threading.py" in outcome.errors[0]["traceback"]
    assert_nothing_left(outcome.workspace)


def test_inline_a_wait_that_nothing_ends_is_known_at_once(crew):
    outcome = crew("def work(model, number, site, hub): hub.mailbox().get()", timeout=60, isolation="inline")
    assert outcome.status == "failed"
    (error,) = outcome.errors
    assert "every strand waits and nothing can wake one" in error["message"]
    assert "in work" in error["message"]


@LINUX
@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
def test_megabytes_of_output_go_to_the_log_of_the_site(crew, isolation):
    outcome = crew(
        """
        def work(model, number, site, hub):
            for _ in range(2000): print("x" * 1000)
            print(site, file=sys.stderr)
            return model
        """,
        isolation=isolation,
        n_clients=5,
    )
    assert outcome.status == "ok"
    for number in range(1, 6):
        log = outcome.log(f"site-{number}")
        assert len(log) > 4_000_000
        assert log.count("site-") == log.count(f"site-{number}\n") == 2
    assert "xxx" not in outcome.log("server")


@LINUX
def test_what_is_written_to_the_descriptor_goes_to_the_log_too(crew):
    outcome = crew("def work(model, *_): os.write(2, b'from the descriptor'); return model")
    assert "from the descriptor" in outcome.log("site-2")


@LINUX
@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
def test_children_of_user_code_do_not_outlive_the_run(crew, isolation):
    outcome = crew(
        """
        import subprocess
        def work(model, number, site, hub):
            if number == 0:
                subprocess.Popen(["sleep", "100"])
                subprocess.Popen(["sleep", "100"], start_new_session=True)
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        signal.pause()
                    os._exit(0)
            return model
        """,
        isolation=isolation,
    )
    assert outcome.status == "ok"
    assert_nothing_left(outcome.workspace)


@LINUX
def test_signal_handlers_do_not_keep_a_site_alive(crew):
    outcome = crew(
        """
        def work(model, number, site, hub):
            for one in signal.Signals:
                try: signal.signal(one, lambda *_: None)
                except (OSError, ValueError): pass
            while True: time.sleep(0.01) if site == "site-1" else None
        """,
        timeout=1.0,
    )
    assert outcome.status == "deadline"
    assert {e["kind"] for e in outcome.errors} == {"deadline"}
    assert_nothing_left(outcome.workspace)


@pytest.mark.parametrize(
    ("deed", "kind", "message"),
    [
        ("os.kill(os.getpid(), 9)", "killed", "was killed by SIGKILL in round 1 during task 'train'"),
        ("os._exit(0)", "exit", "left with os._exit(0) in round 1 during task 'train'"),
        ("import ctypes; ctypes.string_at(0)", "killed", "was killed by SIGSEGV in round 1"),
    ],
)
@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
@LINUX
def test_a_site_that_dies_is_named_at_once_with_round_and_task(crew, isolation, deed, kind, message):
    outcome = crew(
        f"""
        def work(model, number, site, hub):
            if site == "site-2" and number == 1:
                {deed}
            return model
        """,
        rounds=3,
        isolation=isolation,
    )
    assert outcome.status == "failed"
    error = outcome.errors[0]
    assert (error["kind"], error["site"], error["round"], error["task"]) == (kind, "site-2", 1, "train")
    assert message in error["message"]
    if "SIGSEGV" in message:
        assert "Segmentation fault" in error["traceback"]
        assert "in work" in error["traceback"]
    assert "site-2" in [e["site"] for e in outcome.all("told")] or isolation != "process"
    assert outcome.events[-1]["time"] < 10
    assert_nothing_left(outcome.workspace)


@LINUX
@pytest.mark.parametrize("sites", [3, 33])
def test_of_sites_in_one_process_the_one_whose_turn_it_is_has_died(crew, sites):
    work = """
    def work(model, number, site, hub):
        if site == "site-1" and number == 1:
            hub.sleep(0.1)  # the others begin meanwhile.
            os._exit(3)
        return model
    """
    outcome = crew(work, isolation=ONE_CORE, n_clients=sites)
    error = outcome.errors[0]
    assert (error["site"], error["round"]) == ("site-1", 1)
    assert_nothing_left(outcome.workspace)


@LINUX
def test_the_death_of_a_site_is_noticed_though_its_child_holds_the_socket(crew):
    outcome = crew(
        """
        def work(model, number, site, hub):
            if site == "site-1":
                if os.fork() == 0: signal.pause()
                os.kill(os.getpid(), 9)
            return model
        """,
        timeout=20,
    )
    assert outcome.status == "failed"
    assert [e["kind"] for e in outcome.errors] == ["killed"]
    assert [e["site"] for e in outcome.all("told")] == ["site-1"]
    assert_nothing_left(outcome.workspace)


@LINUX
@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
def test_the_death_of_the_server_ends_the_run(crew, isolation):
    server = """
def run_server(*, record, links, **_):
    links["site-1"].send(Message(kind="task", headers={"round": 0}, body=freeze(0)))
    links["site-1"].inbox.get()
    os.kill(os.getpid(), 15)
"""
    outcome = crew(server=server, isolation=isolation)
    assert outcome.status == "failed"
    assert [(e["site"], e["kind"]) for e in outcome.errors] == [("server", "killed")]
    assert "SIGTERM" in outcome.errors[0]["message"]
    assert_nothing_left(outcome.workspace)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_an_error_that_nobody_caught_is_on_record_with_the_users_frames_only(crew, isolation):
    outcome = crew(
        """
        def helper(): raise ValueError("mine")
        def work(model, number, site, hub):
            if site == "site-2": helper()
            return model
        """,
        isolation=isolation,
    )
    assert outcome.status == "failed"
    error = outcome.errors[0]
    assert (error["site"], error["kind"], error["message"]) == ("site-2", "exception", "ValueError: mine")
    assert "in helper" in error["traceback"]
    assert "host.py" not in error["traceback"]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_sys_exit_is_an_exit_and_not_the_end_of_the_test_process(crew, isolation):
    outcome = crew("def work(model, number, site, hub): sys.exit(4)", isolation=isolation)
    assert outcome.status == "failed"
    assert outcome.errors[0]["kind"] == "exit"
    assert "SystemExit: 4" in outcome.errors[0]["message"]


@LINUX
def test_a_removed_working_directory_is_no_trouble(crew):
    outcome = crew(
        """
        import shutil
        def work(model, number, site, hub):
            if number == 0:
                os.mkdir("x"); os.chdir("x"); os.rmdir("../x")
            return model
        """,
        isolation="shared",
        n_clients=4,
        rounds=3,
    )
    assert outcome.status == "ok", outcome.events


@LINUX
def test_a_site_that_goes_on_after_the_server_has_ended_is_stopped_after_a_grace(crew, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE", 0.5)
    site = """
def run_site(*, site, link, **_):
    while isinstance(link.inbox.get(), LinkClosed) or site == "site-1":
        if site == "site-1":
            while True: pass
        return True
"""
    outcome = crew(site=site, server="def run_server(**_): return True\n", timeout=50)
    assert outcome.status == "ok"
    (error,) = outcome.errors
    assert (error["site"], error["kind"], error["fatal"]) == ("site-1", "deadline", False)
    assert "still running 0.5 s after the server had ended; this worker was at work" in error["message"]
    assert_nothing_left(outcome.workspace)


@LINUX
def test_many_runs_leave_no_descriptor_open(crew):
    crew()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        for isolation in ("process", "shared", "inline"):
            assert crew(isolation=isolation, name=isolation).status == "ok"
    assert len(os.listdir("/proc/self/fd")) == before
