from __future__ import annotations

import threading
import time

import pytest

from fedjob.engines.local.clock import SHORT, cooperative_sleep
from fedjob.engines.local.hub import Hub


class Home:
    def __init__(self, name):
        self.name = name

    def resume(self): ...
    def suspend(self): ...


def run(function, name):
    hub = Hub()
    sleep = cooperative_sleep(hub)
    begin, wall = hub.now(), time.monotonic()
    strand = hub.spawn(function, hub, sleep, name=name, context=Home(name))
    hub.run(strand)
    hub.close()
    if strand.error is not None:
        raise strand.error
    return hub.now() - begin, time.monotonic() - wall


def test_a_long_sleep_of_a_site_is_jumped_over_and_a_short_one_lasts():
    engine, wall = run(lambda hub, sleep: sleep(900), "site-1")
    assert engine >= 900 > wall
    engine, wall = run(lambda hub, sleep: sleep(0.05), "site-1")
    assert wall >= 0.05


def test_a_poll_of_the_server_ends_when_something_happened():
    def poll(hub, sleep):
        done = []
        hub.spawn(lambda: done.append(1), name="work")
        while not done:
            sleep(SHORT)

    engine, _ = run(poll, "server")
    assert engine < SHORT


def test_others_run_meanwhile():
    def sleeps(hub, sleep):
        seen = []
        other = hub.spawn(lambda: (sleep(2), seen.append("later")), name="other")
        hub.spawn(lambda: (sleep(1), seen.append("sooner")), name="another")
        other.join()
        assert seen == ["sooner", "later"]

    run(sleeps, "site-1")


def test_a_negative_sleep_is_an_error_as_ever():
    with pytest.raises(ValueError, match="non-negative"):
        run(lambda hub, sleep: sleep(-1), "site-1")


def test_other_threads_really_sleep():
    sleep = cooperative_sleep(Hub())
    wall = time.monotonic()
    thread = threading.Thread(target=sleep, args=(0.05,))
    thread.start()
    thread.join()
    assert time.monotonic() - wall >= 0.05
