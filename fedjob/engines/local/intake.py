"""The short way of a result into federated averaging, where only our own code would notice the long one.

On the long way a result passes events, filters and callbacks, with a context, a Shareable and an FLModel that they all
may look at. Where no filter stands, nobody listens but the selector of the best model and the writer of metrics, and the
workflow is FedAvg with the callbacks that it has from us, all that is left of it is to record the result, to add it to
the sums and to note its metrics; a large model is then read where its site has put it. What the workflow would find
afterwards, the context of the last result, is made when the task is done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from fedjob.components.roles import FLComponent
from fedjob.components.widgets.intime_model_selector import IntimeModelSelector
from fedjob.components.widgets.metrics_artifact_writer import MetricsArtifactWriter
from fedjob.components.workflows.base_model_controller import BaseModelController
from fedjob.components.workflows.fedavg import FedAvg
from fedjob.engines.local.flengine import FLEngine
from fedjob.engines.local.plain_result import PlainResult
from fedjob.engines.local.post import label_reply, reply_context, usual_props
from fedjob.engines.local.stack import Stack, stacked
from fedjob.engines.local.standing import Broadcast, Standing
from fedjob.engines.local.watch import Watch
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_model import ParamsType
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import ReservedHeaderKey

#: The events that a result meets on the long way, and those of log lines on the way.
_ON_THE_WAY = (
    EventType.BEFORE_TASK_RESULT_FILTER,
    EventType.AFTER_TASK_RESULT_FILTER,
    EventType.BEFORE_PROCESS_SUBMISSION,
    EventType.AFTER_PROCESS_SUBMISSION,
    EventType.WARNING_LOG_AVAILABLE,
    EventType.ERROR_LOG_AVAILABLE,
)

#: The events whose listeners are told without an event.
_ACCEPT = (AppEventType.BEFORE_CONTRIBUTION_ACCEPT, AppEventType.AFTER_CONTRIBUTION_ACCEPT)

#: What of FedAvg takes part in taking a result; a class that has one of them of its own is none of ours.
_TAKES_PART = frozenset(
    {
        "_accept_train_result",
        "_add",
        "_aggregate_one_result",
        "_aggregate_stack",
        "_call_back",
        "_fits",
        "_hand_over",
        "_process_result",
        "_set_ctx_prop_preserving_attrs",
        "error",
        "event",
        "fire_event",
        "warning",
    }
)


class Intake:
    """The short way into one workflow, for one task after another."""

    def __init__(self, engine: FLEngine, watch: Watch) -> None:
        self._engine = engine
        self._watch = watch
        self._controller: Any = None
        self._selectors: tuple[IntimeModelSelector, ...] = ()
        self._writers: tuple[MetricsArtifactWriter, ...] = ()
        #: Whether all components of the server are our own, so that nobody looks at files while the run is on.
        self._is_unseen = False
        #: The last result, as long as its context is not made.
        self._last: tuple[Standing, str, PlainResult, bool] | None = None

    def is_open(self, standing: Standing) -> bool:
        """Whether results of this task may come this way now. Nobody's code but ours runs until one does not."""
        task, engine = standing.task, self._engine
        callback = task.result_received_cb
        controller = getattr(callback, "__self__", None)
        if not isinstance(controller, FedAvg) or controller.aggregator or not isinstance(standing, Broadcast):
            return False
        if getattr(callback, "__func__", None) is not BaseModelController._process_result:
            return False
        if task.props.get(AppConstants.TASK_PROP_CALLBACK) != controller._aggregate_one_result:
            return False
        if not _is_ours(controller) or engine.hears(_ON_THE_WAY):
            return False
        jar = standing.headers.get(ReservedHeaderKey.COOKIE_JAR) or {}
        if standing.number is None or jar.get(AppConstants.CONTRIBUTION_ROUND) != standing.number:
            return False
        if (task.name, "result", "in") in engine.app.filters:
            return False
        self._controller = controller
        self._selectors = engine.listeners(AppEventType.BEFORE_CONTRIBUTION_ACCEPT)
        self._writers = engine.listeners(AppEventType.AFTER_CONTRIBUTION_ACCEPT)
        app = engine.app
        self._is_unseen = all(_is_of_ours(c) for c in (*app.handlers, *app.components.values()))
        return all(_is_one(s, IntimeModelSelector) for s in self._selectors) and all(
            _is_one(w, MetricsArtifactWriter) for w in self._writers
        )

    def take(self, standing: Standing, run: Sequence[tuple[str, PlainResult]]) -> None:
        """Give results to the workflow, in this order."""
        for part, stack in stacked(run):
            if stack is None or not self._take_stack(standing, stack):
                for site, result in part:
                    self._take_one(standing, site, result)
            else:
                self._last = standing, *part[-1], True
        now, client_tasks = time.time(), standing.task.last_client_task_map
        for site, _ in run:
            client_tasks[site].result_received_time = now
        standing.responded += len(run)

    def _take_stack(self, standing: Standing, stack: Stack) -> bool:
        """Take results all at once; False, and nothing is done, where that is to be done one by one."""
        metrics, meta = stack.metrics, stack.meta
        steps = meta.get(FLMetaKey.NUM_STEPS_CURRENT_ROUND) or [None] * len(stack.sites)
        if type(steps) is dict or not (metrics is None or _are_numbers(metrics)):
            return False
        kind = ParamsType.DIFF if stack.form.difference else ParamsType.FULL
        if not self._controller._aggregate_stack(stack.sites, kind, stack.params(), metrics, steps):
            return False
        self._watch.models(standing, stack)
        if standing.number:  # what round 0 measures has not been aggregated yet.
            for selector in self._selectors:
                selector.note_stack(stack.sites, meta)
        if metrics:
            for writer in self._writers:
                writer.note_stack(standing.number, stack.sites, metrics, meta, unseen=self._is_unseen)
        return True

    def _take_one(self, standing: Standing, site: str, result: PlainResult) -> None:
        task, number = standing.task, standing.number
        model = result.model(number, own=False)
        meta, metrics = model.meta, model.metrics
        self._watch.model(site, standing, metrics, meta, len(result.form.arrays), result.nbytes)
        if number:  # what round 0 measures has not been aggregated yet.
            for selector in self._selectors:
                selector.note(site, meta, None)
        reported = meta.copy() if metrics and self._writers else None
        meta["props"], meta["client_name"] = task.props[AppConstants.META_DATA], site
        accepted = self._controller._call_back(task, model)
        if accepted and reported is not None:
            for writer in self._writers:
                writer.note(number, site, metrics, reported)
        self._last = standing, site, result, accepted

    def settle(self) -> None:
        """Leave behind what the long way of the last result would have left."""
        if self._last is None:
            return
        standing, site, sent, accepted = self._last
        self._last = None
        client_task = standing.task.last_client_task_map[site]
        controller = self._controller
        # The context of the round before goes first: a large result then comes into the memory of that one's.
        controller.fl_ctx = self._engine.new_context()
        result, props = standing.reply_of(sent), usual_props(site)
        fl_ctx = controller.fl_ctx = reply_context(self._engine, client_task, result, props)
        label_reply(result, client_task, props)
        for key, value in (
            (AppConstants.CURRENT_ROUND, standing.number),
            (AppConstants.AGGREGATION_ACCEPTED, accepted),
            (AppConstants.TRAINING_RESULT, None),
        ):
            controller._set_ctx_prop_preserving_attrs(fl_ctx, key, value)


def _are_numbers(metrics: Any) -> bool:
    """Whether metrics, the sites' values by name, are all numbers of Python's."""
    return type(metrics) is dict and all(set(map(type, values)) <= _NUMBERS for values in metrics.values())


_NUMBERS = frozenset({int, float})


def _is_ours(controller: FedAvg) -> bool:
    """Whether it takes results as FedAvg does, whatever else its class has changed."""
    kind = type(controller)
    return _TAKES_PART.isdisjoint(controller.__dict__) and all(
        getattr(kind, name) is getattr(FedAvg, name) for name in _TAKES_PART
    )


def _is_of_ours(component: Any) -> bool:
    return type(component).__module__.partition(".")[0] == "fedjob"


def _is_one(listener: Any, kind: type[FLComponent]) -> bool:
    """Whether a listener is of this class and does what that does with an event."""
    return (
        type(listener) is kind
        and "handle_event" not in listener.__dict__
        and "note" not in listener.__dict__
        and listener.get_event_handlers().keys().isdisjoint(_ACCEPT)
    )
