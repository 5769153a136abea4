"""What streamers say to each other, on an engine that hands the objects over at once: ours and FLARE's say the same."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.components.world import JOB_ID, World, outcome, plain


def loop(world):
    """An engine whose streams come back to itself."""

    class Loop(world("apis.streaming.StreamableEngine")):
        def register_stream_processing(
            self, channel, topic, factory, stream_done_cb=None, consumed_cb=None, **kwargs
        ):
            self.factory, self.done, self.consumed, self.kwargs = factory, stream_done_cb, consumed_cb, kwargs

        def stream_objects(
            self, channel, topic, stream_ctx, targets, producer, fl_ctx, optional=False, secure=False
        ):
            self.sent = []
            self.context = dict(stream_ctx)
            consumer = self.factory.get_consumer(self.context, fl_ctx)
            while True:
                part, timeout = producer.produce(stream_ctx, fl_ctx)
                self.sent.append([dict(part), timeout])
                taken = consumer.consume(part, self.context, fl_ctx)
                if self.consumed:
                    self.consumed(taken, self.context, fl_ctx, **self.kwargs)
                result = producer.process_replies(dict.fromkeys(targets, taken[1]), stream_ctx, fl_ctx)
                if result is not None:
                    consumer.finalize(self.context, fl_ctx)
                    return result

        def shutdown_streamer(self): ...

    return Loop()


def streaming(world):
    """A context of such an engine, and the engine."""
    engine = loop(world)
    fl_ctx = world("apis.fl_context.FLContextManager")(engine=engine, identity_name="server", job_id=JOB_ID)
    return fl_ctx.new_context(), engine


def of_file(world, content, size):
    streamer = world("app_common.streamers.file_streamer.FileStreamer")
    fl_ctx, engine = streaming(world)
    path = world.root / "model.bin"
    path.write_bytes(content)
    seen = []
    streamer.register_stream_processing(
        fl_ctx,
        "c",
        "t",
        dest_dir=str(world.root),
        chunk_consumed_cb=lambda taken, ctx, fl_ctx, word: seen.append([taken[0], word]),
        word="w",
    )
    result = streamer.stream_file("c", "t", {}, ["a", "b"], str(path), fl_ctx, chunk_size=size)
    come = Path(streamer.get_file_location(engine.context))
    return [
        {name: reply.get_return_code() for name, reply in result.items()},
        come.read_bytes(),
        come.parent == world.root,
        streamer.get_file_name(engine.context),
        streamer.get_file_size(engine.context),
        engine.sent,
        seen,
    ]


@pytest.mark.parametrize(
    ("content", "size"), [(b"", None), (b"abc", 3), (b"abcd", 3), (b"ab", 3), (b"x" * 1_500_000, None)]
)
def test_a_file(same_as_flare, content, size):
    assert same_as_flare(of_file, content, size)[1] == content


@given(content=st.binary(max_size=200), size=st.integers(1, 250))
def test_any_bytes_in_chunks_of_any_size(content, size):
    with tempfile.TemporaryDirectory() as folder:
        _, come, _, name, length, sent, _ = of_file(World(True, folder), content, size)
    assert (come, name, length) == (content, "model.bin", len(content))
    assert len(sent) == len(content) // size + 1
    assert max(len(part["Streamer.data"]) for part, _ in sent) <= size


def of_container(world, container, timeout=None):
    streamer = world("app_common.streamers.container_streamer.ContainerStreamer")
    fl_ctx, engine = streaming(world)
    streamer.register_stream_processing(fl_ctx, "c", "t")
    result = streamer.stream_container("c", "t", {}, ["a"], container, fl_ctx, entry_timeout=timeout)
    come = streamer.get_result(engine.context)
    return [result, type(come).__name__, come, engine.sent, come is container]


@pytest.mark.parametrize(
    "container", [{"a": 1, 2: b"x"}, [3, None, "x"], {5}, (1, 2), {}, frozenset({1}), 7, "text"]
)
def test_a_container(same_as_flare, container):
    same_as_flare(lambda world: outcome(lambda: of_container(world, container)))


CONTAINERS = st.one_of(
    st.dictionaries(st.integers() | st.text(), st.integers(), min_size=1),
    st.lists(st.none() | st.text(), min_size=1),
    st.sets(st.integers(), min_size=1),
)


@given(container=CONTAINERS)
def test_any_container_comes_as_it_was(container):
    with tempfile.TemporaryDirectory() as folder:
        result, _, come, sent, same = of_container(World(True, folder), container)
    assert (result, same, len(sent)) == (True, False, len(container))
    assert come == container
    assert list(come) == list(container) or isinstance(come, set)


CHUNKS = {
    "announced wrong": {"Streamer.data": b"abc", "Streamer.size": 2, "Streamer.eof": False},
    "announced and not there": {"Streamer.size": 2, "Streamer.eof": False},
    "nothing": {"Streamer.size": 0, "Streamer.eof": False},
    "too few": {"Streamer.data": b"abc", "Streamer.size": 3, "Streamer.eof": True},
    "all": {"Streamer.data": b"abcd", "Streamer.size": 4, "Streamer.eof": True},
}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_chunk_is_checked(same_as_flare, chunk):
    def scenario(world):
        fl_ctx, engine = streaming(world)
        streamer = world("app_common.streamers.file_streamer.FileStreamer")
        streamer.register_stream_processing(fl_ctx, "c", "t", dest_dir=str(world.root))
        ctx = {"FileStreamer.file_size": 4, "Streamer.file_name": "x"}
        consumer = engine.factory.get_consumer(ctx, fl_ctx)
        part = world("apis.shareable.Shareable")(CHUNKS[chunk])
        taken = outcome(
            lambda: [
                x if isinstance(x, bool) else x.get_return_code() for x in consumer.consume(part, ctx, fl_ctx)
            ]
        )
        consumer.finalize(ctx, fl_ctx)
        return taken

    same_as_flare(scenario)


@pytest.mark.parametrize(
    "arguments",
    [
        {"chunk_size": 0},
        {"chunk_size": -1},
        {"chunk_size": 1.5},
        {"chunk_timeout": -1.0},
        {"chunk_timeout": "x"},
        {"file_name": "no such file"},
        {"dest_dir": "/no/such/directory"},
        {"engine": object()},
    ],
)
def test_what_is_refused(same_as_flare, arguments):
    def scenario(world):
        fl_ctx, engine = streaming(world)
        if "engine" in arguments:
            fl_ctx.put("__engine__", arguments["engine"], private=True, sticky=False)
        streamer = world("app_common.streamers.file_streamer.FileStreamer")
        path = world.root / "f"
        path.write_bytes(b"x")
        dest_dir = arguments.get("dest_dir")
        registered = outcome(lambda: streamer.register_stream_processing(fl_ctx, "c", "t", dest_dir=dest_dir))
        engine.register_stream_processing("c", "t", None)
        given_ = {k: v for k, v in arguments.items() if k.startswith("chunk")}
        name = arguments.get("file_name", str(path))
        if given_ or "file_name" in arguments or "engine" in arguments:
            return [
                registered,
                outcome(lambda: streamer.stream_file("c", "t", {}, ["a"], name, fl_ctx, **given_)),
            ]
        return registered

    same_as_flare(scenario)


def validated(world, retriever, requests):
    ctx = world.context()
    shareable = world("apis.shareable.Shareable")
    return [list(retriever.validate_request(shareable(request), ctx)) for request in requests]


def test_which_files_are_given_away(same_as_flare, monkeypatch):
    def scenario(world):
        folder = world.root / "given"
        (folder / "below").mkdir(parents=True)
        for name in ("given/a.txt", "given/below/b.txt", "secret.txt"):
            (world.root / name).write_text(name)
        (folder / "link.txt").symlink_to(world.root / "secret.txt")
        (folder / "inside.txt").symlink_to(folder / "a.txt")
        monkeypatch.chdir(world.root)
        retriever = world("app_common.streamers.file_retriever.FileRetriever")("given")
        names = ["a.txt", "below/b.txt", "below/../a.txt", "../secret.txt", "link.txt", "inside.txt", "", "."]
        names += ["below", "no such", None, str(world.root / "secret.txt")]
        found = validated(world, retriever, [{"file_name": name} for name in names] + [{}])
        return [[rc, path and os.path.normpath(path)] for rc, path in found]

    found = same_as_flare(scenario)
    assert [rc for rc, _ in found].count("OK") == 4


def test_which_containers_are_given_away(same_as_flare):
    def scenario(world):
        retriever = world("app_common.streamers.container_retriever.ContainerRetriever")()
        retriever.add_container("full", [1])
        retriever.add_container("empty", [])
        names = ["full", "empty", "no such", "", None]
        return validated(world, retriever, [{"name": name} for name in names] + [{}])

    same_as_flare(scenario)


def test_what_a_retriever_keeps_and_says_of_a_stream(same_as_flare):
    def scenario(world):
        own = type("Own", (world("app_common.streamers.container_retriever.ContainerRetriever"),), {})
        files = world("app_common.streamers.file_retriever.FileRetriever")("d", topic="t")
        made = [[r.topic, r.stream_channel, r.tx_table] for r in (own(), own("x"), files)]
        context = {"__RC__": "OK", "ContainerStreamer.result": [1], "FileStreamer.file_location": "/f"}
        results = [list(r.get_result(c)) for r in (own(), files) for c in (context, {})]
        base = world("app_common.streamers.streamer_base.StreamerBase")
        said = {"__channel__": "c", "__topic__": "t", "__RC__": "r"}
        return made, results, [base.get_channel(said), base.get_topic(said), base.get_rc(said)]

    same_as_flare(scenario)


@pytest.mark.parametrize("request_", [{}, {"_rtr_tx_id_": "1"}, {"_rtr_tx_id_": ""}])
@pytest.mark.parametrize("peer", [None, "", "site-1"])
def test_a_request_says_who_asks(same_as_flare, request_, peer):
    def scenario(world):
        retriever = world("app_common.streamers.container_retriever.ContainerRetriever")()
        ctx = world.context(peer=peer)
        request = world("apis.shareable.Shareable")(request_)
        return retriever._handle_request("t", request, ctx).get_return_code()

    assert same_as_flare(scenario) == "BAD_REQUEST_DATA"


def test_replies_of_a_stream_of_chunks(same_as_flare):
    def scenario(world):
        base = world("app_common.streamers.streamer_base.BaseChunkProducer")
        reply = world("apis.shareable.make_reply")
        producer = type("Own", (base,), {"produce": lambda *_: None})()
        good, bad = {"a": reply("OK")}, {"a": reply("OK"), "b": reply("TIMEOUT")}
        found = [producer.process_replies(r, {}, None) for r in (good, bad, {})]
        producer.eof = True
        found += [producer.process_replies(r, {}, None) for r in (good, bad, {})]
        return plain([f if isinstance(f, bool) else f and sorted(f) for f in found])

    same_as_flare(scenario)
