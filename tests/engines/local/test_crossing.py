"""Threads call into a hub, and its strands wait for threads, while other strands run."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fedjob.engines.local.crossing import crossing_of
from fedjob.engines.local.hub import Hub
from fedjob.errors import RunError

WAIT = threading.Condition.wait
JOIN = threading.Thread.join


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()
    assert threading.Condition.wait is WAIT
    assert threading.Thread.join is JOIN


def run(hub, function):
    main = hub.spawn(function, name="main")
    hub.run(main)
    if main.error is not None:
        raise main.error
    return main.value


def by_thread(function, *args):
    """A thread that has begun to call, and what it gets."""
    got = []

    def work():
        try:
            got.append(function(*args))
        except Exception as e:
            got.append(e)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, got


def test_a_call_of_a_thread_may_wait_as_a_strand_does(hub):
    def main():
        crossing, mailbox = crossing_of(hub), hub.mailbox()
        thread, got = by_thread(lambda: crossing.call(None, mailbox.get))
        hub.sleep(0.01, real=True)
        mailbox.put("letter")
        thread.join()
        return got

    assert run(hub, main) == ["letter"]


def test_what_a_call_raises_is_raised_in_the_thread(hub):
    def main():
        thread, got = by_thread(crossing_of(hub).call, None, lambda: 1 / 0)
        thread.join()
        return got

    assert isinstance(run(hub, main)[0], ZeroDivisionError)


def test_the_first_to_come_may_be_a_thread(hub):
    def main():
        mailbox = hub.mailbox()
        by_thread(lambda: crossing_of(hub).call(None, mailbox.put, "here"))
        while not len(mailbox):
            hub.sleep(0.01, real=True)
        return mailbox.get()

    assert run(hub, main) == "here"


def test_many_calls_at_once(hub):
    def main():
        crossing = crossing_of(hub)
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda n: crossing.call(None, lambda: n * n), range(100)))

    assert run(hub, main) == sum(n * n for n in range(100))


def test_the_end_of_the_run_ends_calls(hub):
    def main():
        crossing = crossing_of(hub)
        call = by_thread(crossing.call, None, hub.mailbox().get)
        while not crossing._open:
            hub.sleep(0.01, real=True)
        return call

    thread, got = run(hub, main)
    hub.close()
    JOIN(thread, 10)
    assert isinstance(got[0], RunError)
    assert "the run was over before a thread's call of get() came to its end" in str(got[0])
    with pytest.raises(RunError, match="the run was over"):
        hub.crossing.call(None, len, [])


def test_no_crossing_is_made_when_the_run_is_over():
    hub = Hub()
    hub.close()
    with pytest.raises(RunError, match="the run is over"):
        crossing_of(hub)


def beside(hub, done, wait):
    """Wait with `wait` for what another strand does; what both did, in order."""

    def main():
        crossing_of(hub)
        seen = []
        hub.spawn(lambda: (seen.append("other"), done()), name="other")
        seen.append(wait())
        return seen

    return run(hub, main)


def test_a_strand_waits_for_what_another_strand_does(hub):
    event, items = threading.Event(), queue.Queue()
    assert beside(hub, event.set, event.wait) == ["other", True]
    assert beside(hub, lambda: items.put(7), items.get) == ["other", 7]
    condition = threading.Condition()

    def notify():
        with condition:
            condition.notify_all()

    def wait():
        with condition:
            return condition.wait(30)

    assert beside(hub, notify, wait) == ["other", True]


def test_a_strand_waits_for_what_a_thread_does(hub):
    def main():
        crossing = crossing_of(hub)
        event, seen = threading.Event(), []
        by_thread(lambda: (crossing.call(None, seen.append, "strand"), event.set()))
        event.wait()
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(lambda: crossing.call(None, lambda: "future")).result(30))
        return seen

    assert run(hub, main) == ["strand", "future"]


def test_a_wait_ends_in_time(hub):
    def main():
        crossing_of(hub)
        thread, _ = by_thread(threading.Event().wait, 30)
        thread.join(0.01)
        found = [threading.Event().wait(0.01), threading.Event().wait(0), thread.is_alive()]
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=0.01)
        return found

    assert run(hub, main) == [False, False, True]


def test_misuse_is_heard_of(hub):
    def main():
        crossing_of(hub)
        with pytest.raises(RuntimeError, match="un-acquired lock"):
            threading.Condition().wait()
        with pytest.raises(RuntimeError):
            threading.Thread().join()

    run(hub, main)


def test_time_is_jumped_over_unless_a_thread_is_at_work(hub):
    def main():
        crossing_of(hub)
        hub.sleep(900)

    run(hub, main)
    assert not hub.sockets
