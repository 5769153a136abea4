"""The Client API belongs to the script that calls it, whatever else runs in the process."""

import subprocess
import sys
import threading
from collections import deque

import greenlet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fedjob.client as flare
from fedjob.client import api, session
from fedjob.client.tracking import SummaryWriter
from fedjob.errors import ClientAPIError
from fedjob.exchange.fl_model import FLModel, beside
from fedjob.flare import shim


class Line(session.Session):
    """A site that has its tasks ready and switches to the test's own strand when it runs out of them."""

    def __init__(self, site, tasks=(), **exchange):
        config = {"site_name": site, "job_id": "job", "TASK_NAME": None, "TASK_EXCHANGE": exchange}
        super().__init__(site_name=site, job_id="job", config=config)
        self.tasks, self.results, self.logged = deque(tasks), [], []
        self.open = True
        self.reason = None

    def is_open(self):
        if self.reason is not None:
            raise session.aborted(self.reason)
        return self.open

    def next_task(self, timeout=None):
        while self.is_open() and not self.tasks and timeout is None:
            greenlet.getcurrent().parent.switch()
        return self.tasks.popleft() if self.tasks and self.is_open() else None

    def reply(self, model):
        self.results.append(beside(model))
        greenlet.getcurrent().parent.switch()

    def log(self, key, value, data_type, **kwargs):
        self.logged.append((key, value))

    def stop(self):
        self.open = False


def task(round_number=0, **params):
    return session.TaskIn(name="train", model=FLModel(params=params or {"w": 0}, current_round=round_number))


def script():
    """What users write."""
    flare.init()
    site = flare.get_site_name()
    while flare.is_running():
        model = flare.receive()
        SummaryWriter().add_scalar(site, model.current_round)
        flare.send(FLModel(params={site: model.params["w"] + 1}))


def strand(line):
    def body():
        with session.bound(line):
            script()

    return greenlet.greenlet(body)


@given(st.lists(st.integers(0, 2), max_size=12))
def test_scripts_in_one_thread_keep_to_their_own_sites(order):
    lines = [Line(f"site-{i}") for i in range(3)]
    strands = [strand(line) for line in lines]
    for s in strands:
        s.switch()
    for i in order:
        rounds = len(lines[i].results)
        lines[i].tasks.append(task(rounds, w=10 * i + rounds))
        while len(lines[i].results) == rounds:
            strands[i].switch()
    for line, s in zip(lines, strands, strict=True):
        line.open = False
        while not s.dead:
            s.switch()
    for i, line in enumerate(lines):
        assert [r.params for r in line.results] == [
            {f"site-{i}": 10 * i + n + 1} for n in range(order.count(i))
        ]
        assert line.logged == [(f"site-{i}", n) for n in range(order.count(i))]
    assert session.current() is None


def test_abort_reaches_a_script_that_waits():
    line = Line("site-1")
    running = strand(line)
    running.switch()
    line.reason = "server gave up"
    with pytest.raises(ClientAPIError, match="server gave up"):
        running.switch()
    assert session.current() is None


def test_two_scripts_in_turn_start_afresh():
    with session.bound(Line("site-1", [task()])):
        flare.init()
        flare.receive()
    with session.bound(Line("site-2")), pytest.raises(ClientAPIError, match="not initialised in this script"):
        flare.get_site_name()


def test_thread_of_the_only_script_finds_its_session():
    found = []
    with session.bound(Line("site-1")):
        flare.init()
        thread = threading.Thread(target=lambda: found.append(flare.get_site_name()))
        thread.start()
        thread.join()
    assert found == ["site-1"]


def test_thread_belongs_to_nobody_when_two_scripts_run():
    found = []
    with session.bound(Line("site-1")), session.bound(Line("site-2")):
        thread = threading.Thread(target=lambda: found.append(session.current()))
        thread.start()
        thread.join()
        assert session.current().site_name == "site-2"
    assert found == [None]


def test_binding_can_be_released_for_a_killed_script():
    line = Line("site-1")
    running = strand(line)
    running.switch()
    session.release(line)
    assert line not in session._open


MISTAKES = {
    "outside of a job": (None, flare.init, "no job runs this script, so there is nothing to connect to; "
                         "run it as part of a job"),
    "before init": ([], flare.receive, "the Client API is not initialised in this script; call flare.init() first"),
    "before receive": (
        [task()],
        lambda: (flare.init(), flare.send(FLModel(params={"w": 1}))),
        '"receive" needs to be called before sending model: a result answers a task',
    ),
    "empty": (
        [task()],
        lambda: (flare.init(), flare.receive(), flare.send(FLModel())),
        "the model to send has neither params nor metrics; set one of them",
    ),
    "rank": (
        [task()],
        lambda: (flare.init(rank=1), flare.is_train()),
        "only rank 0 can call is_train, and this is rank 1",
    ),
    "left context": (
        [task()],
        lambda: (flare.init().__exit__(None, None, None), flare.receive()),
        "this context was shut down at the end of its with block; make calls inside of it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    tasks, action, message = MISTAKES[name]
    if tasks is None:
        with pytest.raises(ClientAPIError) as caught:
            action()
    else:
        with session.bound(Line("site-1", tasks)), pytest.raises(ClientAPIError) as caught:
            action()
    assert str(caught.value) == message


def test_difference_without_common_keys_names_both_sides():
    line = Line("site-1", [task(w=1)], transfer_type="DIFF", exchange_format="numpy")
    with session.bound(line), pytest.raises(ClientAPIError) as caught:
        flare.init()
        flare.receive()
        flare.send(FLModel(params={"v": np.ones(1)}))
    assert str(caught.value) == (
        "the difference of the parameters cannot be computed: the parameters sent and those received have no "
        "common keys: ['v'] and ['w']"
    )


def test_a_second_init_warns(caplog):
    with session.bound(Line("site-1")):
        assert flare.init() is flare.init()
    assert caplog.messages == [
        "init() was called more than once with the same parameters; this call is ignored"
    ]


def test_model_sent_after_the_end_is_dropped_with_a_warning(caplog):
    line = Line("site-1", [task()])
    with session.bound(line):
        flare.init()
        flare.receive()
        flare.shutdown()
        flare.send(FLModel(params={"w": 1}))
    assert line.results == []
    assert caplog.messages == ["the job has ended; the model that site-1 sends is dropped"]


def test_every_way_to_import_it_is_one():
    names = {}
    with shim.active():
        exec(
            "import nvflare.client as a\nfrom nvflare import client as b\nfrom nvflare.client import *", names
        )
        exec(
            "from nvflare.client.api import init as c, APIContext, clear\nfrom nvflare.client.tracking import SummaryWriter",
            names,
        )
    assert names["a"] is names["b"]
    assert {name: names[name] for name in flare.__all__} == {
        name: getattr(flare, name) for name in flare.__all__
    }
    assert names["c"] is flare.init is names["a"].init
    assert (names["APIContext"], names["clear"]) == (api.APIContext, api.clear)


def test_importing_it_loads_no_framework():
    code = "import sys, fedjob.client, fedjob.client.tracking, fedjob.client.convert; print([m for m in ('numpy', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("look", [flare.receive, flare.is_running], ids=["receive", "is_running"])
def test_a_task_is_not_looked_at_for_ever(monkeypatch, look):
    monkeypatch.setattr("fedjob.client.script._LOOKS", 5)
    with session.bound(Line("site-1", [task(w=1), task(w=2)])):
        flare.init()
        for _ in range(5):
            assert look()
        with pytest.raises(ClientAPIError, match="was looked at 5 times without a result being sent"):
            look()


def test_a_shutdown_of_one_context_is_not_one_of_another():
    with session.bound(Line("site-1", [task(w=1)])):
        first, second = flare.init(rank=0), flare.init(rank="0", config_file="other")
        first.__exit__(None, None, None)
        with pytest.raises(ClientAPIError, match="this context was shut down"):
            flare.is_running(ctx=first)
        assert flare.is_running(ctx=second) is flare.is_running() is False
