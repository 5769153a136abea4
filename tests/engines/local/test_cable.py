from __future__ import annotations

import gc
import os
import socket
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fedjob.engines.local import cable, slab, wire
from fedjob.engines.local.cable import Cable
from fedjob.engines.local.frames import Frames, Out, What
from fedjob.engines.local.hub import Hub
from fedjob.engines.local.link import LinkClosed, Message
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.slab import Pool
from fedjob.engines.local.wire import freeze, share_blocks, thaw
from fedjob.exchange.fl_model import FLModel


class Ends:
    """A server's and a worker's end of a cable, both in this process, on one hub."""

    def __init__(self, sites=("site-1",)):
        self.hub = Hub()
        one, two = socket.socketpair()
        self.near, self.far = Cable(self.hub, one), Cable(self.hub, two)
        self.server = {site: self.near.link(site) for site in sites}
        self.sites = {site: self.far.link("server") for site in sites}

    def run(self, function):
        strand = self.hub.spawn(function, name="test")
        self.hub.run(strand)
        self.near.close()
        self.far.close()
        self.hub.close()
        if strand.error is not None:
            raise strand.error
        return strand.value


@pytest.fixture(params=["shared memory", "socket"])
def memory(request):
    if request.param == "shared memory":
        share_blocks(None)
    yield request.param
    wire._pool = None


def test_who_waits_for_messages_is_told_once_for_each_frame_and_where_its_sender_was(monkeypatch):
    monkeypatch.setattr(cable, "core", lambda: 7)
    ends = Ends()
    link, far = ends.server["site-1"], ends.sites["site-1"]
    told = []
    ends.far.on_messages = lambda: told.append((ends.far.core, ends.far.received))

    def talk():
        arrived = []
        for number in range(2):
            for _ in range(3):
                link.send(Message(kind="task", headers={"n": number}))
            arrived += [far.inbox.get().headers["n"] for _ in range(3)]
        return arrived

    assert ends.far.core == 0
    assert ends.run(talk) == [0, 0, 0, 1, 1, 1]
    assert told == [(7, 3), (7, 6)]


@pytest.mark.parametrize("size", [0, 9, 5000, 300_000, 3_000_000])
def test_messages_arrive_whole_in_order_and_private(memory, size):
    ends = Ends()
    link, far = ends.server["site-1"], ends.sites["site-1"]

    def talk():
        for number in range(5):
            link.send(
                Message(kind="task", headers={"n": number}, body=freeze(np.full(size, number, np.uint8)))
            )
        seen = []
        for _ in range(5):
            message = far.inbox.get()
            array = thaw(message.body)
            seen.append(
                (message.headers["n"], array.size, int(array[:1].sum()), bool((array == array[:1]).all()))
            )
            array += 1
            again = thaw(message.body)
            assert size == 0 or again[-1] == array[-1] - 1
        far.send(Message(kind="done"))
        assert link.inbox.get().kind == "done"
        return seen

    first = 1 if size else 0
    assert ends.run(talk) == [(n, size, n * first, True) for n in range(5)]


def test_a_broadcast_carries_its_body_once(memory):
    sites = [f"site-{n}" for n in range(20)]
    ends = Ends(sites)
    sent = []

    def talk():
        body = freeze(np.ones(100_000, np.uint8))
        add = ends.near._out.add
        ends.near._out.add = lambda what, *pieces, **k: (sent.append(len(pieces[0])), add(what, *pieces, **k))
        for site in sites:
            ends.server[site].send(Message(kind="task", body=body))
        return [int(thaw(ends.sites[site].inbox.get().body).sum()) for site in sites]

    assert ends.run(talk) == [100_000] * 20
    assert 100_000 < sum(sent) < 110_000


@pytest.mark.parametrize("count", [1, 3, 200])
def test_a_message_to_many_is_for_each_what_it_would_be_alone(memory, count):
    sites = [f"site-{n}" for n in range(count + 1)]
    ends = Ends(sites)
    closed = ends.server[sites[1]]

    def talk():
        closed.lose()
        body = freeze(np.arange(50_000, dtype=np.uint8))
        message = Message(kind="task", headers={"task": "train"}, body=body)
        ends.server[sites[0]].route.send_to([(ends.server[s], n) for n, s in enumerate(sites)], message)
        seen = []
        for site in (s for s in sites if s != sites[1]):
            came = ends.sites[site].inbox.get()
            assert (came.kind, came.headers) == ("task", {"task": "train"})
            assert np.array_equal(thaw(came.body), np.arange(50_000, dtype=np.uint8))
            seen.append((site, came.number))
        assert not len(ends.sites[sites[1]].inbox)
        assert {link.sent for s, link in ends.server.items() if s != sites[1]} == {body.nbytes}
        assert (closed.sent, ends.near.sent) == (0, count)
        return seen

    assert ends.run(talk) == [(s, n) for n, s in enumerate(sites) if n != 1]


class Text(str):
    """A string of a type of its own."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("floats", "shared", "apart"),
    [
        pytest.param(9, [64, 6], [64, 6], id="small"),
        # What goes through the socket itself leaves as soon as it is there.
        pytest.param(1 << 17, [8, 2], [1] * 10, id="large"),
    ],
)
def test_results_travel_many_in_a_frame_and_large_ones_a_few(memory, floats, shared, apart):
    sites = [f"site-{n}" for n in range(sum(shared))]
    ends, came = Ends(sites), []

    def take(headers, results):
        came.append([(site, result.model(1, own=True).params["w"][0]) for site, result in results])

    def talk():
        for site in sites:
            ends.server[site].hear(lambda arrival: None, take)
        for number, site in enumerate(sites):
            result = PlainResult.of(FLModel(params={"w": np.full(floats, number, np.float64)}))
            ends.sites[site].send(Message(kind="reply", headers={"task": "train", "rc": "OK"}, body=result))
        while sum(map(len, came)) < len(sites):
            ends.hub.sleep(0.001, real=True)

    ends.run(talk)
    assert list(map(len, came)) == (shared if memory == "shared memory" else apart)
    assert [each for some in came for each in some] == [(site, float(n)) for n, site in enumerate(sites)]


def test_headers_may_be_of_any_type_that_pickles(memory):
    ends = Ends()

    def talk():
        ends.server["site-1"].send(Message(kind="task", headers={"path": Path("a"), "name": Text("b")}))
        return ends.sites["site-1"].inbox.get().headers

    headers = ends.run(talk)
    assert headers == {"path": Path("a"), "name": "b"}
    assert type(headers["name"]) is Text


def test_both_ends_may_send_more_than_the_socket_holds_at_the_same_time(memory):
    ends = Ends()
    link, far = ends.server["site-1"], ends.sites["site-1"]

    def talk():
        for _ in range(40):
            link.send(Message(kind="a", body=freeze(np.ones(200_000, np.uint8))))
            far.send(Message(kind="b", body=freeze(np.ones(200_000, np.uint8))))
        return sum(thaw(box.get().body).sum() for _ in range(40) for box in (link.inbox, far.inbox))

    assert ends.run(talk) == 16_000_000


def test_the_end_of_a_process_closes_all_of_its_links():
    ends = Ends(["site-1", "site-2"])

    def talk():
        ends.hub.sleep(0)
        ends.far._socket.close()
        ends.far.closed = True
        ends.server["site-1"].send(Message(kind="into the void"))
        closed = [ends.server[site].inbox.get() for site in ends.server]
        ends.server["site-2"].send(Message(kind="dropped"))
        return closed

    assert ends.run(talk) == [LinkClosed("site-1"), LinkClosed("site-2")]


def test_a_link_that_is_closed_leaves_the_others_open():
    ends = Ends(["site-1", "site-2"])

    def talk():
        ends.sites["site-1"].send(Message(kind="last"))
        ends.sites["site-1"].close()
        ends.sites["site-2"].send(Message(kind="more"))
        inbox = ends.server["site-1"].inbox
        return inbox.get().kind, inbox.get(), ends.server["site-2"].inbox.get().kind

    assert ends.run(talk) == ("last", LinkClosed("site-1"), "more")


@pytest.mark.skipif(not slab.AVAILABLE, reason="needs memfd")
@pytest.mark.parametrize(
    ("sites", "most"), [(["site-1"], 1), (["site-1", "site-2"], 3)], ids=["alone", "among others"]
)
def test_slabs_are_used_again_once_the_receiver_has_done(sites, most):
    share_blocks(None)
    pool = wire._pool
    ends = Ends(sites)
    link, far = ends.server["site-1"], ends.sites["site-1"]

    def talk():
        for _ in range(10):
            link.send(Message(kind="task", body=freeze(np.ones(1_000_000, np.uint8))))
            thaw(far.inbox.get().body)
            far.send(Message(kind="ack"))
            link.inbox.get()

    try:
        ends.run(talk)
        assert len(pool._free) + len(pool._used) <= most
    finally:
        wire._pool = None


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_no_descriptor_is_left_open(memory):
    def talk(link, far):
        for _ in range(5):
            link.send(Message(kind="task", body=freeze(np.ones(1_000_000, np.uint8))))
            thaw(far.inbox.get().body)

    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    ends = Ends()
    ends.run(partial(talk, ends.server["site-1"], ends.sites["site-1"]))
    wire._pool = None
    del ends
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_receiver_that_holds_on_does_not_stop_a_sender_that_waits_for_memory(crew):
    """The server takes everyone's message before it opens any; the sites of one worker have more than may be out."""
    server = """
def run_server(*, sites, links, **_):
    for site in sites: links[site].send(Message(kind="task", headers={"round": 0}, body=freeze(np.zeros(2**20))))
    replies = [links[site].inbox.get() for site in reversed(sites)]
    assert sum(thaw(reply.body)[0] for reply in replies) == len(sites)
    return True
"""
    outcome = crew(server=server, n_clients=16, isolation="shared", timeout=50)
    assert outcome.status == "ok", outcome.errors


def test_frames_survive_any_cut():
    out = Out()
    out.add(What.MESSAGES, b"content" * 100)
    out.add(What.SLAB, number=3)
    out.add(What.RETURN, b"two")
    stream = b"".join(out._pieces)
    for step in (1, 7, 64, len(stream)):
        frames, seen = Frames(), []
        for at in range(0, len(stream), step):
            seen += frames.feed(stream[at : at + step])
        assert [frame.what for frame in seen] == [What.MESSAGES, What.SLAB, What.RETURN]
        assert [bytes(frame.content) for frame in seen] == [b"content" * 100, b"", b"two"]
        assert [frame.number for frame in seen] == [0, 3, 0]


@pytest.mark.skipif(not slab.AVAILABLE, reason="needs memfd")
def test_a_pool_lends_what_is_free_and_fits():
    pool = Pool()
    one = pool.lease(1 << 20)
    first = one.number
    two = pool.lease(1 << 20)
    assert two.number != first
    del one
    assert pool.lease(1 << 20).number == first
    assert pool.lease(1 << 22).number not in (first, two.number)
    small = pool.lease(10)
    assert small.number not in (first, two.number)
    assert small.size == 10


@pytest.mark.parametrize("count", [1, 7])
def test_what_was_sent_before_the_end_arrives_though_the_sender_reads_no_more(memory, count):
    """A site that ends has sent its last messages, while the server still writes to it."""
    ends = Ends()
    link, far = ends.server["site-1"], ends.sites["site-1"]

    def talk():
        link.send(Message(kind="task"))  # which will be unread when the other end hangs up
        ends.near.flush()
        for number in range(count):
            far.send(Message(kind="event", headers={"n": number}, body=freeze(np.full(1000, number))))
        far.close()
        ends.far.close()
        link.send(Message(kind="task", body=freeze(np.zeros(100_000))))
        ends.near.flush()
        arrived = [link.inbox.get() for _ in range(count + 1)]
        assert isinstance(arrived.pop(), LinkClosed)
        return [(m.headers["n"], float(thaw(m.body).mean())) for m in arrived]

    assert ends.run(talk) == [(n, float(n)) for n in range(count)]
