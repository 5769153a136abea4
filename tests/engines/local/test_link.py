from __future__ import annotations

import numpy as np

from fedjob.engines.local.hub import Hub
from fedjob.engines.local.link import LinkClosed, Message, pair
from fedjob.engines.local.wire import freeze, thaw


def test_messages_go_both_ways_and_the_receiver_has_its_own_copy():
    hub = Hub()
    server, site = pair(hub, "server", "site-1")
    array = np.zeros(1000)

    def serve():
        server.send(Message(kind="task", headers={"round": 0}, body=freeze(array)))
        reply = server.inbox.get()
        server.close()
        return thaw(reply.body)

    def work():
        task = site.inbox.get()
        task.headers["round"] = 7
        model = thaw(task.body)
        model += 1
        site.send(Message(kind="result", body=freeze(model)))
        return site.inbox.get()

    serving, working = hub.spawn(serve, name="server"), hub.spawn(work, name="site-1")
    hub.run(working)
    hub.close()
    assert serving.value.sum() == 1000
    assert array.sum() == 0
    assert working.value == LinkClosed("server")
    assert (server.peer, site.peer) == ("site-1", "server")
    assert server.sent == site.received > 8000


def test_nothing_arrives_after_the_end_and_sending_to_it_is_no_error():
    hub = Hub()
    server, site = pair(hub, "server", "site-1")
    site.close()
    site.close()
    site.send(Message(kind="too late"))
    server.send(Message(kind="to nobody"))

    def read():
        return server.inbox.get(), len(server.inbox)

    strand = hub.spawn(read, name="server")
    hub.run(strand)
    hub.close()
    assert strand.value == (LinkClosed("site-1"), 0)
