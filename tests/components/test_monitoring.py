import socket

import pytest

from fedjob.components.monitoring import StatsDReporter

COLLECTOR = "metrics.job_metrics_collector.JobMetricsCollector"


@pytest.fixture
def listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("localhost", 0))
        server.settimeout(30)
        yield server


def reporting(world, listener):
    """Have what is reported sent to the listener; gives the first `n` datagrams."""
    world.engine.get_all_components = lambda: world.components
    host, port = listener.getsockname()
    reporter = StatsDReporter(site="x", host=host, port=port)
    reporter.handle_event = lambda *_: None
    reporter.get_event_handlers = dict
    world.add(reporter)
    return lambda n: [listener.recv(4096).decode() for _ in range(n)]


def test_events_are_counted_and_pairs_are_timed(world, listener):
    received = reporting(world, listener)
    world.add(world(COLLECTOR)(tags={"site": "server"}))
    for event in ("_start_workflow", "nobody's event", "_end_workflow", "_initial_model_loaded"):
        world.fire(event)
    lines = received(4)
    assert lines[0] == "_start_workflow_count:1|c|#site:server,job_id:simulate_job"
    assert lines[1] == "_end_workflow_count:1|c|#site:server,job_id:simulate_job"
    name, _, rest = lines[2].partition(":")
    seconds, kind, _ = rest.split("|")
    assert (name, kind) == ("_workflow_time_taken", "g")
    assert float(seconds) >= 0
    assert lines[3] == "_initial_model_loaded_count:1|c|#site:server,job_id:simulate_job"


def test_an_end_without_a_beginning_is_no_time(world):
    own = []

    class Collector(world("metrics.metrics_collector.MetricsCollector")):
        def get_single_events(self):
            return []

        def get_pair_events(self):
            return {"a": "_x", "b": "_x", "c": "_y"}

        def get_pair_start_events(self):
            return ["a"]

        def publish_metrics(self, metrics, metric_name, tags, fl_ctx):
            own.append((metric_name, sorted(metrics)))

    collector = Collector(tags={})
    for event in ("b", "a", "b", "b", "c", "c"):
        collector.collect_event_metrics(event, {}, world.context())
    count, timed = ["count", "type"], ["time_taken", "type"]
    assert own == [
        ("b", count),
        ("a", count),
        ("b", count),
        ("_x", timed),
        ("b", count),
        ("c", count),
        ("c", count),
        ("_y", timed),
    ]


def test_a_site_streams_and_the_server_reports(world, listener):
    received = reporting(world, listener)
    sent = []
    world.engine.send_fed_event = lambda event_type, event_data, fl_ctx, targets=None: sent.append(event_data)
    collector = world(COLLECTOR)(tags={"site": "site-1"}, streaming_to_server=True)
    receiver = world("metrics.remote_metrics_receiver.RemoteMetricsReceiver")()
    world.add(collector)
    world.add(receiver)
    world.fire("_start_workflow")
    assert received(1) == ["_start_workflow_count:1|c|#site:site-1,job_id:simulate_job"]
    assert world.events == ["_start_workflow", "metrics_event"]


def test_a_run_does_not_fail_for_its_monitoring(caplog):
    reporter = StatsDReporter(host="no.such.host.invalid")
    metric = {"metric_name": "x", "value": 1, "type": "counter", "tags": {}}
    reporter.process_metrics("another topic", [metric])
    assert not caplog.messages
    reporter.process_metrics("__app_metrics__", [metric])
    assert "metrics could not be sent to no.such.host.invalid:9125" in caplog.messages[0]
