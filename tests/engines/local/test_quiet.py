from __future__ import annotations

import time

import pytest

from jobs import ISOLATIONS, ONE_CORE, has_own_server


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_straggler_of_ten_minutes_takes_no_time(crew, isolation):
    begin = time.monotonic()
    work = """
    def work(model, n, site, hub):
        before = hub.now()
        if site == "site-2": time.sleep(600)
        return model + (hub.now() - before > 599)
    """
    outcome = crew(work, isolation=isolation, n_clients=3, rounds=3, timeout=50)
    assert outcome.status == "ok", outcome.errors
    assert outcome.all("end")[0]["total"] == [21.0] * 3  # t -> 4 t + 1
    assert time.monotonic() - begin < 40


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_task_times_out_on_the_engines_clock_and_not_before_sites_that_are_at_work(crew, isolation):
    server = """
def run_server(*, sites, links, hub, record, **_):
    links["site-1"].send(Message(kind="task", headers={"round": 0}, body=freeze(0)))
    try:
        links["site-1"].inbox.get(timeout=0.4)
    except TimeoutError:
        return False
    links["site-2"].send(Message(kind="task", headers={"round": 0}, body=freeze(0)))
    begin = hub.now()
    try:
        links["site-2"].inbox.get(timeout=900)
    except TimeoutError:
        return hub.now() - begin >= 900
"""
    work = """
    def work(model, n, site, hub):
        if site == "site-1": time.sleep(0.1)
        else: time.sleep(3600)
        return model
    """
    outcome = crew(work, server=server, isolation=isolation, timeout=50)
    assert outcome.status == "ok", outcome.errors


@pytest.mark.parametrize("isolation", ["process", "shared", ONE_CORE])
def test_when_all_wait_for_each_other_the_run_ends_at_once_and_shows_where(crew, isolation):
    begin = time.monotonic()
    work = "def work(model, number, site, hub): hub.mailbox().get()"
    outcome = crew(work, isolation=isolation, timeout=50)
    assert outcome.status == "failed"
    message = outcome.errors[0]["message"]
    who = "the server and every site wait" if has_own_server(isolation) else "every strand waits"
    assert who in message
    assert "nothing can wake one" in message
    assert "in run_server" in message
    assert "in work" in message
    assert time.monotonic() - begin < 40


@pytest.mark.parametrize(
    "outside",
    [
        "time.sleep(0.1)",
        "subprocess.run(['sleep', '0.1'])",
        "t = threading.Thread(target=lambda: time.sleep(0.1)); t.start(); time.sleep(0.3); t.join()",
    ],
)
def test_time_that_passes_outside_is_waited_for(crew, outside):
    server = """
def run_server(*, sites, links, hub, record, **_):
    for site in sites: links[site].send(Message(kind="task", headers={"round": 0}, body=freeze(0)))
    for site in sites: links[site].inbox.get(timeout=20)
    return True
"""
    work = f"""
    import subprocess, threading
    def work(model, n, site, hub):
        {outside}
        return model
    """
    outcome = crew(work, server=server)
    assert outcome.status == "ok", outcome.errors


def test_a_server_that_polls_while_all_sleep_takes_no_time(crew):
    server = """
def run_server(*, sites, links, hub, record, **_):
    done = []
    def wait(site):
        links[site].send(Message(kind="task", headers={"round": 0}, body=freeze(0)))
        done.append(links[site].inbox.get())
    for site in sites: hub.spawn(wait, site, name=site)
    turns = 0
    while len(done) < len(sites):
        time.sleep(0.5)
        turns += 1
    record.emit("turns", turns=turns)
    return True
"""
    begin = time.monotonic()
    outcome = crew("def work(*_): time.sleep(300)", server=server)
    assert outcome.status == "ok", outcome.errors
    assert outcome.all("turns")[0]["turns"] >= 300
    assert time.monotonic() - begin < 40
