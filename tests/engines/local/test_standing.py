"""Which site a standing task goes to next, in which order results are taken, and when it is done."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.components.task import ClientTask, SendOrder, Task, TaskCompletionStatus
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.relay import Relay
from fedjob.engines.local.slab import LARGE
from fedjob.engines.local.standing import Broadcast, BroadcastForever, Offer, Send, names_of
from fedjob.engines.local.wire import freeze
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable

SITES = ["a", "b", "c"]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def task():
    return Task(name="train", data=Shareable())


def send(standing, site):
    client_task = ClientTask(SimpleNamespace(name=site), standing.task)
    client_task.props["__sent_at"] = standing.now()
    standing.sent(client_task)
    return client_task


def answer(standing, site):
    standing.arrived.pop(site, None)
    client_task = standing.task.last_client_task_map[site]
    client_task.result_received_time = 1.0
    client_task.props["__answered_at"] = standing.now()
    standing.responded += 1


def taken_in_order(standing, arrivals):
    """The order in which results are processed that arrive in the order `arrivals`."""
    taken = []
    for site in arrivals:
        standing.arrived[site] = "reply"
        while (due := standing.due()) is not None:
            taken.append(due)
            answer(standing, due)
    return taken


@given(st.permutations(SITES))
def test_results_of_a_broadcast_are_taken_in_the_order_of_the_targets(arrivals):
    standing = Broadcast(task(), SITES, Clock(), 0, 0)
    for site in SITES:
        assert standing.offer(site) is Offer.SEND
        send(standing, site)
        assert standing.offer(site) is Offer.NO
    assert not standing.hungry()
    assert taken_in_order(standing, arrivals) == SITES
    assert standing.status() is TaskCompletionStatus.OK


@given(free=st.sets(st.sampled_from(SITES)), before=st.sets(st.sampled_from(SITES)))
def test_what_is_sent_to_many_at_once_is_sent_to_each(free, before):
    one, all_at_once = (Broadcast(task(), SITES, Clock(), 0, 0) for _ in range(2))
    for standing in (one, all_at_once):
        for site in sorted(before):
            send(standing, site)
    takers = all_at_once.takers([SimpleNamespace(name=site) for site in sorted(free)])
    assert [taker.name for taker in takers] == [s for s in sorted(free) if one.offer(s) is Offer.SEND]
    all_at_once.sent_to_all([ClientTask(taker, all_at_once.task) for taker in takers])
    for taker in takers:
        send(one, taker.name)
    for standing in (one, all_at_once):
        assert {site for site in SITES if standing.offer(site) is Offer.NO} == before | free
        sent = [(c.client.name, c.number) for c in standing.task.client_tasks]
        assert sent == [(site, n) for n, site in enumerate([*sorted(before), *sorted(free - before)], 1)]
        assert standing.task.last_client_task_map == {c.client.name: c for c in standing.task.client_tasks}


def test_a_broadcast_waits_for_all_unless_told_how_many_are_enough(clock):
    standing = Broadcast(task(), SITES, clock, 2, 10)
    for site in SITES:
        send(standing, site)
    standing.arrived.update({"b": "reply", "c": "reply"})
    assert standing.due() is None  # a may still come
    clock.now = 10.0
    assert standing.due() == "b"
    answer(standing, "b")
    answer(standing, "c")
    assert standing.status() is TaskCompletionStatus.OK


def test_a_task_that_waits_only_for_the_dead_is_over(clock):
    standing = Broadcast(task(), SITES, clock, 0, 0)
    for site in SITES:
        send(standing, site)
    answer(standing, "a")
    standing.lost.update("b")
    assert standing.status() is None
    standing.lost.update("c")
    assert standing.status() is TaskCompletionStatus.CLIENT_DEAD


def test_the_dead_do_not_hold_up_the_results_of_others(clock):
    standing = Broadcast(task(), SITES, clock, 0, 0)
    for site in SITES:
        send(standing, site)
    standing.lost.add("a")
    assert taken_in_order(standing, ["c", "b"]) == ["b", "c"]


def test_broadcast_forever_is_never_done(clock):
    standing = BroadcastForever(task(), ["a"], clock)
    for _ in range(3):
        assert standing.offer("a") is Offer.SEND
        send(standing, "a")
        answer(standing, "a")
        assert standing.status() is None
    assert standing.offer("b") is Offer.NO


def test_send_goes_to_the_first_in_order_or_to_the_next_once_its_time_is_over(clock):
    standing = Send(task(), ["b", "a"], clock, SendOrder.SEQUENTIAL, 5)
    assert standing.offer("a") is Offer.WAIT
    assert standing.offer("c") is Offer.NO
    clock.now = 5.0
    assert standing.offer("a") is Offer.SEND
    send(standing, "a")
    assert standing.offer("b") is Offer.NO
    answer(standing, "a")
    assert standing.status() is TaskCompletionStatus.OK


def test_send_in_any_order_goes_to_whoever_is_free(clock):
    assert Send(task(), SITES, clock, SendOrder.ANY, 0).offer("c") is Offer.SEND


def test_a_relay_visits_its_targets_one_after_another(clock):
    standing = Relay(task(), SITES, clock, SendOrder.SEQUENTIAL, 0, 0)
    for site in SITES:
        others = [s for s in SITES if s != site]
        assert standing.offer(site) is Offer.SEND
        assert standing.offer(others[0]) in (Offer.WAIT, Offer.NO)
        send(standing, site)
        assert standing.status() is None
        assert standing.offer(others[1]) is Offer.WAIT
        answer(standing, site)
    assert standing.status() is TaskCompletionStatus.OK


def test_a_relay_passes_over_who_does_not_take_the_task_or_does_not_answer(clock):
    standing = Relay(task(), SITES, clock, SendOrder.SEQUENTIAL, 4, 6)
    assert standing.offer("b") is Offer.WAIT
    clock.now = 4.0
    assert standing.offer("b") is Offer.SEND
    late = send(standing, "b")
    clock.now = 11.0
    assert standing.offer("c") is Offer.SEND
    send(standing, "c")
    assert standing.is_late(late)
    answer(standing, "c")
    assert standing.status() is TaskCompletionStatus.OK


def test_a_relay_in_any_order_visits_each_as_often_as_it_is_named(clock):
    standing = Relay(task(), ["a", "b", "a"], clock, SendOrder.ANY, 0, 0)
    for site in ("b", "a", "a"):
        assert standing.offer(site) is Offer.SEND
        send(standing, site)
        answer(standing, site)
    assert standing.offer("a") is Offer.NO
    assert standing.status() is TaskCompletionStatus.OK


def test_targets_are_names_clients_or_everybody():
    assert names_of(None, SITES) == SITES
    assert names_of(["a", SimpleNamespace(name="b")], SITES) == ["a", "b"]


def test_an_error_is_taken_at_once(clock):
    standing = Broadcast(task(), SITES, clock, 0, 0)
    for site in SITES:
        send(standing, site)
    standing.arrive("b", (None, ReturnCode.OK))
    assert standing.due() is None
    standing.arrive("c", (None, ReturnCode.EXECUTION_EXCEPTION))
    assert standing.due() == "c"
    answer(standing, "c")
    assert taken_in_order(standing, ["a"]) == ["a", "b"]


def test_results_that_are_due_one_after_another_are_taken_together(clock):
    sites = list("abcdefgh")
    small, large = (PlainResult.of(FLModel(params={"w": np.zeros(n, np.uint8)})) for n in (3, LARGE))
    bodies = {"a": small, "b": small, "d": small, "e": freeze(1), "f": large, "g": small, "h": small}
    standing = Broadcast(task(), sites, clock, 0, 0)
    for site in sites:
        send(standing, site)
    for site, body in bodies.items():
        standing.arrive(site, (body, ReturnCode.OK))
    runs = []

    def take():
        while (site := standing.due()) is not None:
            if type(standing.arrived[site][0]) is PlainResult:
                run = [name for name, _ in standing.results_from(site)]
            else:
                run = [site]
            runs.append("".join(run))
            for name in run:
                answer(standing, name)

    take()
    assert runs == ["ab"]
    standing.arrive("c", (small, ReturnCode.OK))
    take()
    assert runs == ["ab", "cd", "e", "f", "gh"]
    assert standing.status() is TaskCompletionStatus.OK
    assert not standing.arrived
