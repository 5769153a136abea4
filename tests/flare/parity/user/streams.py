"""Parties that stream to each other and write down, as JSON in the run's directory, what came of it."""

import hashlib
import json
import os
import threading

from nvflare.apis.controller_spec import Task
from nvflare.apis.event_type import EventType
from nvflare.apis.executor import Executor
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.impl.controller import Controller
from nvflare.apis.shareable import Shareable, make_reply
from nvflare.apis.streaming import ConsumerFactory, ObjectConsumer, ObjectProducer, StreamContextKey
from nvflare.app_common.streamers.container_streamer import ContainerStreamer
from nvflare.app_common.streamers.file_streamer import FileStreamer

CHANNEL = "parity"


def run_dir(fl_ctx):
    return fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())


def write_down(fl_ctx, name, content):
    with open(os.path.join(run_dir(fl_ctx), name), "w") as f:
        json.dump(content, f)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set):
        return ["set", *sorted(value)]
    if isinstance(value, bytes):
        return ["bytes", *value]
    return [type(value).__name__, value]


class Numbers(ObjectProducer):
    def __init__(self, numbers):
        self.numbers = iter(numbers)
        self.codes = []

    def produce(self, stream_ctx, fl_ctx):
        number = next(self.numbers, None)
        if number is None:
            return None, 0.0
        return Shareable({"number": number}), 10.0

    def process_replies(self, replies, stream_ctx, fl_ctx):
        reply = replies["server"]
        self.codes.append(reply.get_return_code())
        if self.codes[-1] != ReturnCode.OK:
            return False
        return reply.get_header("ObjectStreamer.END_RESULT")


class Adding(ObjectConsumer):
    """Wants no more after 100, and refuses negative numbers."""

    def __init__(self):
        self.total = 0

    def consume(self, shareable, stream_ctx, fl_ctx):
        number = shareable["number"]
        if number < 0:
            return False, make_reply(ReturnCode.BAD_TASK_DATA)
        self.total += number
        stream_ctx["total"] = self.total
        return number != 100, None

    def finalize(self, stream_ctx, fl_ctx):
        stream_ctx["finalized"] = True


class Addings(ConsumerFactory):
    def __init__(self):
        self.out = 0

    def get_consumer(self, stream_ctx, fl_ctx):
        self.out += 1
        return Adding()

    def return_consumer(self, consumer, stream_ctx, fl_ctx):
        self.out -= 1


class Giver(Controller):
    """Has containers and a file to give away, adds up numbers, and sends a list to all sites."""

    def __init__(self):
        super().__init__(task_check_period=0.1)
        self.factory = Addings()
        self.sums = {}

    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            engine = fl_ctx.get_engine()
            files = engine.get_component("files")
            files.source_dir = os.path.join(run_dir(fl_ctx), "given")
            os.makedirs(files.source_dir)
            with open(os.path.join(files.source_dir, "data.bin"), "wb") as f:
                f.write(bytes(range(256)) * 10_000)
            with open(os.path.join(files.source_dir, "empty.txt"), "wb"):
                pass
            with open(os.path.join(run_dir(fl_ctx), "secret.txt"), "w") as f:
                f.write("secret")
            containers = engine.get_component("containers")
            containers.add_container("weights", {"a": [1.5, 2.5], "b": b"\x00\x01", 3: "three"})
            containers.add_container("list", [1, "two", None])
            containers.add_container("set", {3, 1, 2})
            containers.add_container("empty", {})
            engine.register_stream_processing(
                CHANNEL,
                "*",
                self.factory,
                stream_done_cb=self.added,
                consumed_cb=self.consumed,
                word="parity",
            )

    def consumed(self, taken, stream_ctx, fl_ctx, word):
        stream_ctx.setdefault("goes on", []).append(taken[0])

    def added(self, stream_ctx, fl_ctx, word):
        site = fl_ctx.get_peer_context().get_identity_name()
        keys = ("total", "finalized", "goes on", "hint")
        told = {key: stream_ctx.get(key) for key in keys}
        rc = stream_ctx.get(StreamContextKey.RC)
        self.sums.setdefault(site, []).append([stream_ctx[StreamContextKey.TOPIC], word, rc, told])
        return {"sum": stream_ctx.get("total")}

    def start_controller(self, fl_ctx):
        pass

    def control_flow(self, abort_signal, fl_ctx):
        task = Task(name="fetch", data=Shareable())
        self.broadcast_and_wait(task, fl_ctx, min_responses=2, abort_signal=abort_signal)
        sent = ContainerStreamer.stream_container(
            CHANNEL, "news", {}, ["site-1", "site-2"], ["a", {"b": 2}], fl_ctx
        )
        unheard = ContainerStreamer.stream_container(CHANNEL, "unheard", {}, ["site-1"], ["a"], fl_ctx)
        write_down(
            fl_ctx,
            "given.json",
            {"sums": self.sums, "consumers": self.factory.out, "sent": sent, "unheard": unheard},
        )

    def stop_controller(self, fl_ctx):
        pass

    def process_result_of_unknown_task(self, client, task_name, client_task_id, result, fl_ctx):
        pass


class Fetcher(Executor):
    """Asks the server for what it has, and for what it has not."""

    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            ContainerStreamer.register_stream_processing(
                fl_ctx, CHANNEL, "news", stream_done_cb=self.told, name="news.json"
            )

    def told(self, stream_ctx, fl_ctx, name):
        rc, content = ContainerStreamer.get_rc(stream_ctx), ContainerStreamer.get_result(stream_ctx)
        where = [ContainerStreamer.get_channel(stream_ctx), ContainerStreamer.get_topic(stream_ctx)]
        write_down(fl_ctx, name, {"rc": rc, "content": content, "where": where})

    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        engine = fl_ctx.get_engine()
        containers, files = engine.get_component("containers"), engine.get_component("files")
        found = {}
        for name in ("weights", "list", "set", "empty", "no such", ""):
            rc, content = containers.retrieve_container("server", fl_ctx, 20.0, name)
            found[f"container {name}"] = [rc, plain(content)]
        for name in ("data.bin", "empty.txt", "no such", "../secret.txt", "", "."):
            rc, path = files.retrieve_file("server", fl_ctx, 20.0, name)
            found[f"file {name}"] = [rc, path and digest(path)]
            if path:
                os.remove(path)
        # The server wants no more after 100; it refuses -1; the sender has no more.
        streams = {"enough": [60, 40, 100, 7], "refused": [1, -1, 2], "short": [1, 2, 3]}
        for topic, numbers in streams.items():
            producer = Numbers(numbers)
            ended = engine.stream_objects(CHANNEL, topic, {"hint": topic}, ["server"], producer, fl_ctx)
            found[topic] = [*ended, producer.codes]
        write_down(fl_ctx, "found.json", found)
        return make_reply(ReturnCode.OK)


class Sender(FLComponent):
    """Sends a file from a thread of its own."""

    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            threading.Thread(target=self.send, args=(fl_ctx,), daemon=True).start()

    def send(self, fl_ctx):
        path = os.path.join(run_dir(fl_ctx), "sent.bin")
        with open(path, "wb") as f:
            f.write(fl_ctx.get_identity_name().encode() * 50_000)
        rc, result = FileStreamer.stream_file(
            CHANNEL, "file", {}, ["server"], path, fl_ctx, chunk_size=100_000
        )
        write_down(
            fl_ctx, "sent.json", {"rc": rc, "told": {k: v.get_return_code() for k, v in result.items()}}
        )
        engine = fl_ctx.get_engine()
        engine.send_aux_request(["server"], "goodbye", Shareable(), 10.0, fl_ctx)


class Taker(Controller):
    """Takes a file of each site, and waits for that by an event."""

    def __init__(self, sites: int):
        super().__init__(task_check_period=0.1)
        self.sites = sites
        self.came = {}
        self.chunks = {}
        self.gone = 0
        self.all_gone = threading.Event()

    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            FileStreamer.register_stream_processing(
                fl_ctx,
                CHANNEL,
                "file",
                dest_dir=None,
                stream_done_cb=self.done,
                chunk_consumed_cb=self.consumed,
            )
            fl_ctx.get_engine().register_aux_message_handler("goodbye", self.goodbye)

    def consumed(self, taken, stream_ctx, fl_ctx):
        site = fl_ctx.get_peer_context().get_identity_name()
        self.chunks.setdefault(site, []).append(taken[0])

    def done(self, stream_ctx, fl_ctx):
        path = FileStreamer.get_file_location(stream_ctx)
        told = [FileStreamer.get_file_name(stream_ctx), FileStreamer.get_file_size(stream_ctx)]
        site = fl_ctx.get_peer_context().get_identity_name()
        self.came[site] = [FileStreamer.get_rc(stream_ctx), *told, digest(path)]
        os.remove(path)

    def goodbye(self, topic, request, fl_ctx):
        self.gone += 1
        if self.gone == self.sites:
            self.all_gone.set()
        return make_reply(ReturnCode.OK)

    def start_controller(self, fl_ctx):
        pass

    def control_flow(self, abort_signal, fl_ctx):
        in_time = self.all_gone.wait(30.0)
        write_down(fl_ctx, "came.json", {"in time": in_time, "files": self.came, "chunks": self.chunks})

    def stop_controller(self, fl_ctx):
        pass

    def process_result_of_unknown_task(self, client, task_name, client_task_id, result, fl_ctx):
        pass


class Idle(Executor):
    def execute(self, task_name, shareable, fl_ctx, abort_signal):
        return make_reply(ReturnCode.OK)
