"""Streams on the engine: who is told what when one of the parties fails, and threads that stream."""

from __future__ import annotations

import json
import textwrap
import threading

import pytest

from fedjob.engines import RunRequest, get
from fedjob.engines.local.streamer import CarriesStreams
from fedjob.exchange.streaming import StreamableEngine
from jobs import ISOLATIONS, isolated

PARTS = """
import json, os, threading, time
from concurrent.futures import ThreadPoolExecutor
from nvflare.apis.controller_spec import Task
from nvflare.apis.event_type import EventType
from nvflare.apis.executor import Executor
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.fl_context import FLContext
from nvflare.apis.impl.controller import Controller
from nvflare.apis.shareable import Shareable, make_reply


def write_down(fl_ctx, found):
    engine = fl_ctx.get_engine()
    run_dir = engine.get_workspace().get_run_dir(fl_ctx.get_job_id())
    with open(os.path.join(run_dir, "found.json"), "w") as f:
        json.dump(found, f)


class Site(Executor):
    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            self.site = at_site(fl_ctx)

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        write_down(fl_ctx, go(self.site, fl_ctx))
        return make_reply("OK")


class Server(Controller):
    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            self.server = at_server(fl_ctx)

    def start_controller(self, fl_ctx): ...
    def stop_controller(self, fl_ctx): ...

    def control_flow(self, abort_signal, fl_ctx):
        self.broadcast_and_wait(Task("go", Shareable()), fl_ctx, min_responses=0, abort_signal=abort_signal)
        write_down(fl_ctx, end(self.server, fl_ctx))


def at_site(fl_ctx): ...
def at_server(fl_ctx): ...
def go(site, fl_ctx): ...
def end(server, fl_ctx): return getattr(server, "told", None)
"""

STREAMS = """
from nvflare.apis.streaming import ConsumerFactory, ObjectConsumer, ObjectProducer
from nvflare.app_common.streamers.container_retriever import ContainerRetriever


class Numbers(ObjectProducer):
    def __init__(self, *parts, timeout=5.0):
        self.parts, self.timeout, self.codes = list(parts), timeout, []

    def produce(self, stream_ctx, fl_ctx):
        if not self.parts:
            return None, 0.0
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return Shareable({"n": part}) if isinstance(part, int) else part, self.timeout

    def process_replies(self, replies, stream_ctx, fl_ctx):
        self.codes.append({name: reply.get_return_code() for name, reply in replies.items()})
        bad = any(code != "OK" for code in self.codes[-1].values())
        return False if bad else None if self.parts else True


class Taking(ObjectConsumer, ConsumerFactory):
    def __init__(self, last=None, fails=None):
        self.last, self.fails, self.told = last, fails, []

    def get_consumer(self, stream_ctx, fl_ctx):
        self.context = stream_ctx
        return self

    def consume(self, shareable, stream_ctx, fl_ctx):
        self.told.append(shareable["n"])
        if shareable["n"] == self.fails:
            raise ValueError("no such number")
        return shareable["n"] != self.last, None

    def finalize(self, stream_ctx, fl_ctx):
        self.told.append("finalize " + stream_ctx["__RC__"])

    def done(self, stream_ctx, fl_ctx, **kwargs):
        self.told.append("done " + stream_ctx["__RC__"])


def stream(fl_ctx, producer, topic="t", targets=("server",)):
    try:
        ended = fl_ctx.get_engine().stream_objects("c", topic, {}, list(targets), producer, fl_ctx)
    except Exception as e:
        ended = [type(e).__name__, str(e)]
    return [*ended, producer.codes]
"""


@pytest.fixture
def stream(tmp_path):
    """Run a job whose functions `at_site`, `at_server`, `go` and `end` are given as source; its result, what was found."""

    def run(*sources, components=(), sites=1, isolation="inline", streams=True):
        folder, custom = tmp_path / "job", tmp_path / "job" / "app" / "custom"
        custom.mkdir(parents=True)
        (folder / "app" / "config").mkdir()
        added = [{"id": name, "path": path, "args": {}} for name, path in dict(components).items()]
        part = {
            "format_version": 2,
            "task_data_filters": [],
            "task_result_filters": [],
            "components": added,
        }
        server = {**part, "workflows": [{"id": "flow", "path": "parts.Server", "args": {}}]}
        site = {
            **part,
            "executors": [{"tasks": ["*"], "executor": {"id": "site", "path": "parts.Site", "args": {}}}],
        }
        (folder / "app/config/config_fed_server.json").write_text(json.dumps(server))
        (folder / "app/config/config_fed_client.json").write_text(json.dumps(site))
        meta = {"name": "job", "resource_spec": {}, "min_clients": 1, "deploy_map": {"app": ["@ALL"]}}
        (folder / "meta.json").write_text(json.dumps(meta))
        (custom / "parts.py").write_text(
            "\n".join([PARTS, STREAMS * streams, *map(textwrap.dedent, sources)])
        )
        fields = isolated({"isolation": isolation})
        request = RunRequest(workspace=tmp_path / "ws", n_clients=sites, timeout=60, **fields)
        result = get("local").run(folder, request)
        found = {
            path.parts[-3]: json.loads(path.read_text())
            for path in result.workspace.glob("*/simulate_job/found.json")
        }
        return result, found

    return run


REGISTERED = """
def at_server(fl_ctx):
    taking = {taking}
    fl_ctx.get_engine().register_stream_processing("c", "t", taking, stream_done_cb=taking.done)
    return taking
"""


def test_the_engine_is_a_streamable_one():
    assert issubclass(CarriesStreams, StreamableEngine)
    assert not isinstance(object(), StreamableEngine)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_consumer_that_fails(stream, isolation):
    result, found = stream(
        REGISTERED.format(taking="Taking(fails=2)"),
        "def go(site, fl_ctx): return stream(fl_ctx, Numbers(1, 2, 3))",
        isolation=isolation,
    )
    assert found["site-1"] == ["ERROR", False, [{"server": "OK"}, {"server": "EXECUTION_EXCEPTION"}]]
    assert found["server"] == [1, 2, "finalize EXECUTION_EXCEPTION", "done EXECUTION_EXCEPTION"]
    assert not result.ok
    assert [e.message for e in result.errors] == [
        "Taking failed on an object of a stream: ValueError: no such number"
    ]
    assert "parts.py" in result.errors[0].traceback


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_producer_that_fails(stream, isolation):
    result, found = stream(
        REGISTERED.format(taking="Taking()"),
        'def go(site, fl_ctx): return stream(fl_ctx, Numbers(1, KeyError("gone"), 3))',
        isolation=isolation,
    )
    assert found["site-1"] == ["KeyError", "'gone'", [{"server": "OK"}]]
    assert found["server"] == [1, "finalize TASK_ABORTED", "done TASK_ABORTED"]
    assert result.status == "ok"


@pytest.mark.parametrize(
    ("producer", "message"),
    [
        ("Numbers('x')", "must give a Shareable to send, but gave str"),
        ("Numbers(1, timeout=5)", "the seconds to wait for replies, a float > 0, but gave 5"),
        ("Numbers(1, timeout=0.0)", "the seconds to wait for replies, a float > 0, but gave 0.0"),
    ],
)
def test_what_a_producer_must_give(stream, producer, message):
    _, found = stream(
        REGISTERED.format(taking="Taking()"),
        f"def go(site, fl_ctx): return stream(fl_ctx, {producer})",
    )
    assert found["site-1"][0] == "ValueError"
    assert message in found["site-1"][1]
    assert found["server"] == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("topic='other'", "EXECUTION_EXCEPTION"),
        ("targets=['site-2']", "EXECUTION_EXCEPTION"),
        ("targets=['nobody']", "COMMUNICATION_ERROR"),
    ],
)
def test_where_nobody_takes_a_stream(stream, sent, code):
    result, found = stream(
        REGISTERED.format(taking="Taking()"),
        f"def go(site, fl_ctx): return stream(fl_ctx, Numbers(1), {sent})",
        sites=2,
    )
    assert found["site-1"][:2] == ["ERROR", False]
    assert list(found["site-1"][2][0].values()) == [code]
    assert result.seconds < 30


@pytest.mark.parametrize("given", ["None", "object()", "1 / 0"])
def test_a_factory_that_makes_no_consumer(stream, given):
    result, found = stream(
        f"""
        class Making(Taking):
            def get_consumer(self, stream_ctx, fl_ctx):
                return {given}
        """,
        REGISTERED.format(taking="Making()"),
        "def go(site, fl_ctx): return stream(fl_ctx, Numbers(1))",
    )
    assert found["site-1"] == ["ERROR", False, [{"server": "EXECUTION_EXCEPTION"}]]
    assert result.errors[0].message.startswith("Making made no consumer for a stream: ")


@pytest.mark.parametrize("failing", ["finalize", "done", "return_consumer"])
def test_what_fails_at_the_end_of_a_stream(stream, failing):
    result, found = stream(
        f"""
        class Ending(Taking):
            def {failing}(self, *args, **kwargs):
                self.told.append("{failing}")
                raise ValueError("the end")
        """,
        REGISTERED.format(taking="Ending(last=1)"),
        "def go(site, fl_ctx): return stream(fl_ctx, Numbers(1))",
    )
    assert found["site-1"] == ["OK", True, [{"server": "OK"}]]
    assert failing in found["server"]
    assert len(result.errors) == 1
    assert "ValueError: the end" in result.errors[0].message
    if failing == "finalize":
        assert found["server"][-1] == "done EXECUTION_EXCEPTION"


@pytest.mark.parametrize(
    ("factory", "error"), [("object()", "TypeError"), ("Taking(), stream_done_cb=1", "ValueError")]
)
def test_what_cannot_be_registered(stream, factory, error):
    _, found = stream(
        f"""
        def go(site, fl_ctx):
            try:
                fl_ctx.get_engine().register_stream_processing("c", "t", {factory})
            except Exception as e:
                return type(e).__name__
        """
    )
    assert found["site-1"] == error


def test_a_receiver_may_end_its_stream(stream):
    _, found = stream(
        """
        class Bored(Taking):
            def consume(self, shareable, stream_ctx, fl_ctx):
                stream_ctx["__end_stream__"]("TIMEOUT", fl_ctx)
                return True, None
        """,
        REGISTERED.format(taking="Bored()"),
        "def go(site, fl_ctx): return stream(fl_ctx, Numbers(1, 2))",
    )
    assert found["server"] == ["finalize TIMEOUT", "done TIMEOUT"]
    assert found["site-1"] == ["ERROR", False, [{"server": "OK"}, {"server": "BAD_REQUEST_DATA"}]]


def test_a_stream_stands_for_a_topic_of_its_channel_or_for_all(stream):
    _, found = stream(
        """
        def at_server(fl_ctx):
            own, any_topic, anything = Taking(1), Taking(1), Taking(1)
            engine = fl_ctx.get_engine()
            for channel, topic, taking in (("c", "t", own), ("c", "*", any_topic), ("*", "*", anything)):
                engine.register_stream_processing(channel, topic, taking)
            return own, any_topic, anything

        def end(server, fl_ctx): return [len(taking.told) for taking in server]

        def go(site, fl_ctx):
            engine = fl_ctx.get_engine()
            for place in (("c", "t"), ("c", "u"), ("c", "u"), ("d", "t"), ("d", "t"), ("d", "t")):
                engine.stream_objects(*place, {}, ["server"], Numbers(1), fl_ctx)
        """
    )
    assert found["server"] == [2, 4, 6]


RETRIEVER = {"retriever": "nvflare.app_common.streamers.container_retriever.ContainerRetriever"}


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_anyone_asks_anyone(stream, isolation):
    """On FLARE's simulator a site cannot stream to a server that asked: it looks for a site of the server's name."""
    result, found = stream(
        """
        def retriever(fl_ctx):
            return fl_ctx.get_engine().get_component("retriever")

        def at_site(fl_ctx):
            retriever(fl_ctx).add_container("own", [fl_ctx.get_identity_name()] * 3)

        def go(site, fl_ctx):
            other = {"site-1": "site-2", "site-2": "site-1"}[fl_ctx.get_identity_name()]
            return retriever(fl_ctx).retrieve_container(other, fl_ctx, 10.0, "own")

        def end(server, fl_ctx):
            return retriever(fl_ctx).retrieve_container("site-2", fl_ctx, 10.0, "own")
        """,
        components=RETRIEVER,
        sites=2,
        isolation=isolation,
    )
    assert found["site-1"] == found["server"] == ["OK", ["site-2"] * 3]
    assert found["site-2"] == ["OK", ["site-1"] * 3]
    assert not result.errors


FAILING = """
class Failing(ContainerRetriever):
    def {method}(self, *args, **kwargs):
        raise ValueError("not today")

def at_server(fl_ctx):
    fl_ctx.get_engine().get_component("retriever").add_container("own", [1])

def go(site, fl_ctx):
    return fl_ctx.get_engine().get_component("retriever").retrieve_container("{whom}", fl_ctx, 200.0, "own")
"""


@pytest.mark.parametrize(
    ("method", "whom", "code"),
    [
        ("do_stream", "server", "TIMEOUT"),
        ("validate_request", "server", "EXECUTION_EXCEPTION"),
        ("get_result", "server", "EXECUTION_EXCEPTION"),
        ("no_such_method", "nobody", "COMMUNICATION_ERROR"),
    ],
)
@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_a_retrieval_that_fails_does_not_hang(stream, method, whom, code, isolation):
    result, found = stream(
        FAILING.format(method=method, whom=whom),
        components={"retriever": "parts.Failing"},
        isolation=isolation,
    )
    assert found["site-1"] == [code, None]
    assert result.seconds < 50
    assert ["not today" in e.message for e in result.errors] == ([] if whom == "nobody" else [True])


THREADS = """
def at_server(fl_ctx):
    taking = Taking(last=3)
    taking.event = threading.Event()
    done = lambda ctx, fl_ctx: taking.event.set()
    fl_ctx.get_engine().register_stream_processing("c", "t", taking, stream_done_cb=done)
    return taking

def end(server, fl_ctx):
    return [server.event.wait(30), sorted(server.told, key=str)]

def go(site, fl_ctx):
    said = []
    thread = threading.Thread(target=lambda: said.append(stream(fl_ctx, Numbers(1, 2))))
    thread.start()
    thread.join()
    event = threading.Event()
    def send():
        said.append(stream(fl_ctx, Numbers(1, 2)))
        event.set()
    threading.Thread(target=send, daemon=True).start()
    said.append(event.wait(30))
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(stream, fl_ctx, Numbers(3)) for _ in range(2)]
        said += [future.result(30) for future in futures]
    return said
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_threads_stream_and_are_waited_for(stream, isolation):
    result, found = stream(THREADS, isolation=isolation)
    two, one = ["OK", True, [{"server": "OK"}] * 2], ["OK", True, [{"server": "OK"}]]
    assert found["site-1"] == [two, two, True, one, one]
    aborted, ended = ["finalize TASK_ABORTED"] * 2, ["finalize OK"] * 2
    assert found["server"] == [True, [1, 1, 2, 2, 3, 3, *ended, *aborted]]
    assert not result.errors


def test_a_thread_that_comes_too_late_is_told(stream):
    """In this process: the thread outlives the run."""
    result, _ = stream(
        """
        class Late(ObjectProducer):
            def produce(self, stream_ctx, fl_ctx): return Shareable(), 600.0
            def process_replies(self, *args): ...

        def go(site, fl_ctx):
            sending = threading.Event()
            threading.Thread(target=send, args=(fl_ctx, sending), name="late").start()
            sending.wait()

        def send(fl_ctx, sending):
            sending.set()
            try:
                fl_ctx.get_engine().stream_objects("c", "t", {}, ["nobody"], Late(), fl_ctx)
            except Exception as e:
                threading.current_thread().told = str(e)
        """
    )
    assert result.status == "ok"
    for thread in threading.enumerate():
        if thread.name == "late":
            thread.join(10)
            assert not thread.is_alive()
            assert "the run" in thread.told


def test_a_run_that_streams_nothing_pays_nothing(stream):
    wait = threading.Condition.wait
    _, found = stream(
        """
        def go(site, fl_ctx):
            engine = fl_ctx.get_engine()
            return [engine.hub.crossing, engine._streams, sorted(engine.post.handlers), threading.active_count()]
        """,
        isolation="process",
        streams=False,
    )
    assert found["site-1"] == [None, None, ["__do_task__"], 1]
    assert threading.Condition.wait is wait


def test_a_run_in_this_process_leaves_threading_as_it_was(stream):
    before = threading.Condition.wait, threading.Thread.join
    result, _ = stream(THREADS)
    assert result.status == "ok"
    assert (threading.Condition.wait, threading.Thread.join) == before
