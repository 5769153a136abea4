from __future__ import annotations

import itertools
import time
from contextvars import ContextVar

import pytest
from greenlet import getcurrent

from fedjob.engines.local.hub import Hub, Killed
from fedjob.errors import RunError, Stalled


def finish(hub, function, *args, **kwargs):
    strand = hub.spawn(function, *args, name="main", **kwargs)
    hub.run(strand)
    hub.close()
    if strand.error is not None:
        raise strand.error
    return strand.value


def test_strands_run_in_the_order_of_their_start_and_join_gives_their_end():
    hub, seen = Hub(), []

    def main():
        strands = [hub.spawn(seen.append, number, name=str(number)) for number in range(3)]
        for strand in strands:
            strand.join()
        assert all(strand.dead for strand in strands)

    finish(hub, main)
    assert seen == [0, 1, 2]


def test_strands_one_after_another_have_a_greenlet_in_common_but_no_context_variables():
    hub, variable, seen = Hub(), ContextVar("variable", default="none"), []

    def look(name):
        seen.append((getcurrent(), variable.get()))
        variable.set(name)
        hub.sleep(1)
        assert variable.get() == name
        if name == "raises":
            raise ValueError

    def main():
        for name in ("first", "raises", "last"):
            hub.spawn(look, name, name=name).join()
        waits = hub.spawn(hub.mailbox().get, name="waits")
        hub.sleep(0)
        hub.kill(waits)
        hub.spawn(look, "after a kill", name="after a kill").join()

    finish(hub, main)
    assert [value for _, value in seen] == ["none"] * 4
    assert len({greenlet for greenlet, _ in seen}) == 1
    assert all(greenlet.dead for greenlet, _ in seen)


def test_more_strands_at_once_than_greenlets_are_kept():
    hub = Hub()

    def main():
        for _ in range(2):
            strands = [hub.spawn(hub.sleep, n, name=str(n)) for n in range(40)]
            for strand in strands:
                strand.join()
            assert 0 < len(hub.carriers) < 40

    finish(hub, main)
    assert not hub.carriers


def test_a_hub_for_life_keeps_all_greenlets_and_ends_none():
    hub = Hub(for_life=True)

    def main():
        for strand in [hub.spawn(hub.sleep, n, name=str(n)) for n in range(40)]:
            strand.join()

    finish(hub, main)
    kept = {*hub.carriers}
    assert len(kept) == 41
    assert not any(carrier.dead for carrier in kept)


def test_a_mailbox_hands_items_out_in_order_to_waiters_in_order():
    hub, seen = Hub(), []

    def main():
        box = hub.mailbox()
        takers = [hub.spawn(lambda n=n: seen.append((n, box.get())), name=str(n)) for n in range(2)]
        hub.sleep(0)
        for item in "abc":
            box.put(item)
        for taker in takers:
            taker.join()
        assert len(box) == 1

    finish(hub, main)
    assert seen == [(0, "a"), (1, "b")]


def test_a_mailbox_tells_whether_somebody_waits_for_it():
    hub, seen = Hub(), []

    def main():
        box = hub.mailbox()
        seen.append(box.is_awaited())
        taker = hub.spawn(box.get, name="taker")
        hub.sleep(0)
        seen.append(box.is_awaited())
        hub.kill(taker)
        seen.append(box.is_awaited())
        hub.spawn(box.get, name="another")
        hub.sleep(0)
        seen.append(box.is_awaited())
        box.put("item")
        seen.append(box.is_awaited())

    finish(hub, main)
    assert seen == [False, True, False, True, False]


def test_a_wait_ends_with_timeout_error_and_the_item_is_not_lost():
    hub = Hub()

    def main():
        box = hub.mailbox()
        with pytest.raises(TimeoutError):
            box.get(timeout=5)
        box.put("late")
        return box.get()

    assert finish(hub, main) == "late"


def test_the_clock_jumps_when_nothing_can_happen_before_the_next_timer():
    hub = Hub()
    before, wall = hub.now(), time.monotonic()
    finish(hub, hub.sleep, 600)
    assert hub.now() - before >= 600
    assert time.monotonic() - wall < 100


def test_the_clock_does_not_jump_over_a_real_sleep():
    hub = Hub()

    def main():
        other = hub.spawn(lambda: hub.sleep(0.05, real=True), name="real")
        hub.sleep(0.1)
        other.join()

    wall = time.monotonic()
    finish(hub, main)
    assert time.monotonic() - wall >= 0.05


def test_a_poll_ends_when_something_happened_and_not_before():
    hub, turns = Hub(), []

    def work(done):
        for _ in range(3):
            hub.sleep(60)
        done.append(True)

    def main():
        done: list[bool] = []
        hub.spawn(work, done, name="work")
        begin = hub.now()
        while not done:
            turns.append(hub.now())
            hub.poll(100)
        return hub.now() - begin

    assert finish(hub, main) < 200
    assert len(turns) <= 6


def test_two_polls_do_not_keep_each_other_awake():
    hub, turns = Hub(), []

    def poll():
        for _ in range(2):
            hub.poll(100)
            turns.append(hub.now())

    def main():
        strands = [hub.spawn(poll, name=str(n)) for n in range(2)]
        for strand in strands:
            strand.join()

    begin = hub.now()
    finish(hub, main)
    assert max(turns) - begin >= 100


def test_an_error_stays_with_its_strand():
    hub = Hub()

    def fail():
        raise ValueError("mine")

    def main():
        strand = hub.spawn(fail, name="fail")
        strand.join()
        return strand.error

    error = finish(hub, main)
    assert isinstance(error, ValueError)


def test_kill_raises_in_the_strand_and_runs_its_finally():
    hub, seen = Hub(), []

    def wait():
        try:
            hub.mailbox().get()
        except Exception:
            seen.append("swallowed")
        finally:
            seen.append("finally")

    def main():
        waiting = hub.spawn(wait, name="wait")
        unborn = hub.spawn(seen.append, "unborn", name="unborn")
        hub.kill(unborn)
        hub.sleep(0)
        hub.kill(waiting)
        waiting.join()
        unborn.join()
        hub.kill(waiting)
        return waiting.error, unborn.error

    errors = finish(hub, main)
    assert seen == ["finally"]
    assert [type(error) for error in errors] == [Killed, Killed]


def test_a_killed_strand_does_not_take_the_item_of_a_later_put():
    hub = Hub()

    def main():
        box = hub.mailbox()
        waiting = hub.spawn(box.get, name="wait")
        hub.sleep(0)
        hub.kill(waiting)
        box.put("kept")
        return box.get()

    assert finish(hub, main) == "kept"


def test_an_interrupt_in_a_strand_reaches_the_caller_of_run():
    hub = Hub()

    def interrupted():
        raise KeyboardInterrupt

    def main():
        hub.spawn(interrupted, name="script")
        hub.mailbox().get()

    with pytest.raises(KeyboardInterrupt):
        hub.run(hub.spawn(main, name="main"))
    hub.close()
    assert not hub.strands


def test_a_run_in_which_nothing_can_happen_is_an_error_that_shows_where_everyone_stands():
    hub = Hub()

    def hopeless():
        hub.mailbox().get()

    with pytest.raises(Stalled, match=r"(?s)every strand waits.*strand main.*in hopeless"):
        hub.run(hub.spawn(hopeless, name="main"))
    hub.close()


def test_waiting_outside_of_a_strand_is_an_error():
    with pytest.raises(RunError, match="from inside a strand"):
        Hub().sleep(1)


def test_a_strand_has_the_context_of_its_parent_and_the_hub_swaps_only_on_change():
    hub, seen = Hub(), []

    class Context:
        def __init__(self, name):
            self.name = name

        def resume(self):
            seen.append(f"+{self.name}")

        def suspend(self):
            seen.append(f"-{self.name}")

    def child():
        hub.sleep(0)

    def site():
        hub.spawn(child, name="child").join()

    def main():
        for name in "ab":
            hub.spawn(site, name=name, context=Context(name)).join()

    finish(hub, main)
    changes = [(x, y) for x, y in itertools.pairwise(seen)]
    assert seen[0] == "+a"
    assert seen[-1] == "-b"
    assert all(x[0] != y[0] for x, y in changes)
    assert seen.count("+a") == 1
