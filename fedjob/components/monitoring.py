"""How often and how long: metrics of a run's own events, collected where they happen and reported to StatsD.

Answers ``nvflare.metrics.metrics_keys``, ``...metrics_collector``, ``...job_metrics_collector``,
``...remote_metrics_receiver`` and ``nvflare.fuel_opt.statsd.statsd_reporter``. In FLARE collectors and reporters meet on a
bus that a process has one of; here a collector looks its site's reporters up, as sites may share a process.
"""

from __future__ import annotations

import logging
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import EventScope, FLContextKey, ReservedKey, ReservedTopic
from fedjob.exchange.shareable import Shareable

METRICS_EVENT_TYPE = "metrics_event"

_log = logging.getLogger(__name__)

_PAYLOAD = "METRICS"


class MetricTypes:
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class MetricKeys:
    metric_name = "metric_name"
    type = "type"
    value = "value"
    tags = "tags"
    timestamp = "timestamp"
    count = "count"
    time_taken = "time_taken"


class MetricsCollector(FLComponent, ABC):
    """Counts events, and times what lies between two of them (in seconds).

    `tags` go with every metric. With `streaming_to_server` metrics are events instead, which a ConvertToFedEvent can
    pass on to a RemoteMetricsReceiver.
    """

    def __init__(self, tags: dict[str, Any], streaming_to_server: bool = False) -> None:
        super().__init__()
        self.tags = tags
        self.streaming_to_server = streaming_to_server
        self._begun: dict[str, float] = {}

    @abstractmethod
    def get_single_events(self) -> list[str]:
        """The events that are counted."""

    @abstractmethod
    def get_pair_events(self) -> dict[str, str]:
        """The events that are counted and timed, with the metric that the time is."""

    def get_pair_start_events(self) -> Sequence[str] | None:
        """The events of pairs that begin a time; without one for a metric its events begin and end in turn."""
        return None

    def collect_event_metrics(self, event: str, tags: dict[str, Any], fl_ctx: FLContext) -> None:
        pairs = self.get_pair_events()
        if event not in pairs and event not in self.get_single_events():
            return
        counted = {MetricKeys.count: 1, MetricKeys.type: MetricTypes.COUNTER}
        self.publish_metrics(counted, event, tags, fl_ctx)
        if event in self.get_single_events():
            return
        seconds = self._passed(pairs[event], self._begins(event, pairs))
        if seconds is not None:
            timed = {MetricKeys.time_taken: seconds, MetricKeys.type: MetricTypes.GAUGE}
            self.publish_metrics(timed, pairs[event], tags, fl_ctx)

    def publish_metrics(
        self, metrics: dict[str, Any], metric_name: str, tags: dict[str, Any], fl_ctx: FLContext
    ) -> None:
        if not self.streaming_to_server:
            _report(metrics, metric_name, tags, fl_ctx)
            return
        named = {MetricKeys.metric_name: metric_name, MetricKeys.value: metrics, MetricKeys.tags: tags}
        with fl_ctx.get_engine().new_context() as own:
            data = Shareable(data={_PAYLOAD: named})
            own.set_prop(FLContextKey.EVENT_DATA, data, private=True, sticky=False)
            self.fire_event(METRICS_EVENT_TYPE, own)

    def _begins(self, event: str, pairs: dict[str, str]) -> bool | None:
        """Whether the event begins a time (True) or ends one (False); None for whichever is due."""
        starts = self.get_pair_start_events() or ()
        if event in starts:
            return True
        partners = [name for name, metric in pairs.items() if metric == pairs[event]]
        return False if len(partners) > 1 and any(name in starts for name in partners) else None

    def _passed(self, metric: str, begins: bool | None) -> float | None:
        now, begun = time.time(), self._begun.get(metric)
        if begins or (begins is None and begun is None):
            self._begun[metric] = now
            return None
        self._begun.pop(metric, None)
        return None if begun is None else now - begun


class JobMetricsCollector(MetricsCollector):
    """Collects the events of a job, at the server or at a site."""

    def __init__(self, tags: dict[str, Any], streaming_to_server: bool = False) -> None:
        super().__init__(tags=tags, streaming_to_server=streaming_to_server)
        self.single_events = list(_JOB_EVENTS)
        self.pair_events = {event: metric for metric, events in _JOB_TIMES.items() for event in events}
        self.pair_start_events = [events[0] for events in _JOB_TIMES.values() if len(events) > 1]

    def get_single_events(self) -> list[str]:
        return self.single_events

    def get_pair_events(self) -> dict[str, str]:
        return self.pair_events

    def get_pair_start_events(self) -> list[str]:
        return self.pair_start_events

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        tags = {**self.tags, "job_id": fl_ctx.get_job_id()}
        self.collect_event_metrics(event_type, tags, fl_ctx)


_JOB_EVENTS = (
    EventType.SUBMIT_JOB,
    EventType.DEPLOY_JOB_TO_SERVER,
    EventType.DEPLOY_JOB_TO_CLIENT,
    EventType.BEFORE_CHECK_RESOURCE_MANAGER,
    EventType.BEFORE_SEND_ADMIN_COMMAND,
    AppEventType.INITIAL_MODEL_LOADED,
    AppEventType.BEFORE_TRAIN_TASK,
    AppEventType.AFTER_AGGREGATION,
)

#: The time's name, and its events: the first begins it where there are several.
_JOB_TIMES = {
    "_workflow": (EventType.START_WORKFLOW, EventType.END_WORKFLOW),
    "_run": (EventType.START_RUN, EventType.END_RUN),
    "_job": (
        EventType.JOB_STARTED,
        EventType.JOB_COMPLETED,
        EventType.JOB_ABORTED,
        EventType.JOB_CANCELLED,
    ),
    "_pull_task": (EventType.BEFORE_PULL_TASK, EventType.AFTER_PULL_TASK),
    "_process_task": (EventType.BEFORE_PROCESS_TASK_REQUEST, EventType.AFTER_PROCESS_TASK_REQUEST),
    "_process_submission": (EventType.BEFORE_PROCESS_SUBMISSION, EventType.AFTER_PROCESS_SUBMISSION),
    "_data_filter": (EventType.BEFORE_TASK_DATA_FILTER, EventType.AFTER_TASK_DATA_FILTER),
    "_result_filter": (EventType.BEFORE_TASK_RESULT_FILTER, EventType.AFTER_TASK_RESULT_FILTER),
    "_task_execution": (
        EventType.BEFORE_TASK_EXECUTION,
        EventType.AFTER_TASK_EXECUTION,
        EventType.ABORT_TASK,
    ),
    "_send_task_result": (EventType.BEFORE_SEND_TASK_RESULT, EventType.AFTER_SEND_TASK_RESULT),
    "_process_result_of_unknown_task": (
        EventType.BEFORE_PROCESS_RESULT_OF_UNKNOWN_TASK,
        EventType.AFTER_PROCESS_RESULT_OF_UNKNOWN_TASK,
    ),
    "_aggregation": (AppEventType.BEFORE_AGGREGATION, AppEventType.END_AGGREGATION),
    "_receive_best_model": (AppEventType.RECEIVE_BEST_MODEL,),
    "_train": (AppEventType.BEFORE_TRAIN, AppEventType.AFTER_TRAIN),
    "_train_done": (AppEventType.TRAIN_DONE,),
    "_training": (AppEventType.TRAINING_STARTED, AppEventType.TRAINING_FINISHED),
    "_round": (AppEventType.ROUND_STARTED, AppEventType.ROUND_DONE),
}


class RemoteMetricsReceiver(FLComponent):
    """Hands what sites stream, as `events`, to the reporters of the server."""

    _EVENTS = frozenset()
    _EVENTS_IN = "events"

    def __init__(self, events: list[str] | None = None) -> None:
        super().__init__()
        self.events = [METRICS_EVENT_TYPE, f"fed.{METRICS_EVENT_TYPE}"] if events is None else events

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type not in self.events:
            return
        data = fl_ctx.get_prop(FLContextKey.EVENT_DATA, None)
        if not isinstance(data, Shareable) or data.get(_PAYLOAD) is None:
            self.log_error(fl_ctx, f"the event {event_type} carries no metrics", fire_event=False)
            return
        if _origin(data, fl_ctx) is None:
            self.log_error(fl_ctx, f"the event {event_type} does not name its site", fire_event=False)
            return
        named = data[_PAYLOAD]
        _report(
            named.get(MetricKeys.value), named.get(MetricKeys.metric_name), named.get(MetricKeys.tags), fl_ctx
        )


class StatsDReporter:
    """Sends counters and gauges to a StatsD server, as UDP datagrams in the dialect that has tags.

    `site` is kept and has no effect, as in FLARE.
    """

    def __init__(self, site: str = "", host: str = "localhost", port: int = 9125) -> None:
        self.site = site
        # FLARE keeps host and port in no attribute and so does not export them.
        self._address = (host, port)

    def process_metrics(self, topic: str, metrics: Iterable[dict[str, Any]], data_bus: Any = None) -> None:
        """Send them, whether or not somebody listens. A run does not fail for its monitoring: errors are logged."""
        if topic != ReservedTopic.APP_METRICS:
            return
        kinds = [(metric, _KINDS.get(metric.get(MetricKeys.type, ""))) for metric in metrics]
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                for metric, kind in kinds:
                    if kind:
                        out.sendto(_line(metric, kind).encode(), self._address)
        except OSError as e:
            _log.warning("metrics could not be sent to %s:%s: %s", *self._address, e)


_KINDS = {MetricTypes.COUNTER: "c", MetricTypes.GAUGE: "g"}


def _line(metric: dict[str, Any], kind: str) -> str:
    tags = ",".join(f"{key}:{value}" for key, value in (metric.get(MetricKeys.tags) or {}).items())
    line = f"{metric[MetricKeys.metric_name]}:{metric[MetricKeys.value]}|{kind}"
    return f"{line}|#{tags}" if tags else line


def _report(metrics: dict[str, Any], metric_name: str, tags: dict[str, Any], fl_ctx: FLContext) -> None:
    """Give one group of metrics to each reporter among the components."""
    kind = metrics.get(MetricKeys.type)
    group = [
        {
            MetricKeys.metric_name: f"{metric_name}_{key}" if metric_name else key,
            MetricKeys.value: value,
            MetricKeys.type: kind,
            MetricKeys.tags: tags,
        }
        for key, value in metrics.items()
        if key != MetricKeys.type
    ]
    for component in fl_ctx.get_engine().get_all_components().values():
        process = getattr(component, "process_metrics", None)
        if callable(process):
            process(ReservedTopic.APP_METRICS, group, None)


def _origin(data: Shareable, fl_ctx: FLContext) -> Any:
    if fl_ctx.get_prop(FLContextKey.EVENT_SCOPE) == EventScope.FEDERATION:
        return data.get_peer_prop(ReservedKey.IDENTITY_NAME, None)
    return fl_ctx.get_identity_name()
