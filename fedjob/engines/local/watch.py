"""Watches a run from the server's side and writes down its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fedjob.components.roles import Widget
from fedjob.components.task import Task
from fedjob.engines.local.record import Recorder, entries, scalar
from fedjob.engines.local.stack import Stack
from fedjob.engines.local.standing import Standing
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DataKind, MetaKey
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable

_MODEL_KINDS = (DataKind.WEIGHTS, DataKind.WEIGHT_DIFF, DataKind.METRICS, DataKind.COLLECTION)


class Watch(Widget):
    """The last listener on the server: what the other components made of an event is there to be seen."""

    _EVENTS = frozenset(
        {
            AppEventType.ROUND_STARTED,
            AppEventType.AFTER_AGGREGATION,
            AppEventType.GLOBAL_BEST_MODEL_AVAILABLE,
            AppEventType.AFTER_LEARNABLE_PERSIST,
            EventType.END_RUN,
        }
    )

    def __init__(self, record: Recorder, sites: list[str]) -> None:
        super().__init__()
        self._record = record
        self._sites = sites
        self._places = {site: place for place, site in enumerate(sites)}
        self._round: int | None = None
        self._open: dict[int, None] = {}  # rounds with contributions that are not done yet

    def task_sent(self, task: Task, sites: list[str]) -> None:
        number = task.data.get_header(AppConstants.CURRENT_ROUND)
        # None says all of them.
        shown = None if sites == self._sites else sites
        self._record.emit("task", task=task.name, round=number, sites=shown)
        self._record.at("server", number, task.name)

    def reply(self, site: str, standing: Standing, result: Shareable, rc: str, nbytes: int) -> None:
        """A site's answer to a task, before the server's filters."""
        metrics, weight, params, data = _content(result)
        number = standing.number
        if number is None:
            number = result.get_header(AppConstants.CURRENT_ROUND)
        task = standing.task.name
        if number is None:
            if rc == ReturnCode.OK:
                self._record.emit("result", task=task, site=site, data=_shown(data))
            return
        self._contribution(number, site, task, rc, metrics, weight, params, nbytes)

    def model(
        self, site: str, standing: Standing, metrics: Any, meta: Mapping[str, Any], params: int, nbytes: int
    ) -> None:
        """`reply` of a model with so many parameters; its task has a round."""
        weight = meta.get(MetaKey.NUM_STEPS_CURRENT_ROUND)
        self._contribution(
            standing.number, site, standing.task.name, ReturnCode.OK, _named(metrics), weight, params, nbytes
        )

    def models(self, standing: Standing, stack: Stack) -> None:
        """`model` for each of a stack of them."""
        metrics = stack.metrics
        if metrics is not None and type(metrics) is not dict:
            metrics = {MetaKey.INITIAL_METRICS: metrics}
        self._open[standing.number] = None
        self._record.contributions(
            round=standing.number,
            sites=stack.sites,
            shown=self._range(stack.sites),
            task=standing.task.name,
            rc=ReturnCode.OK,
            metrics=metrics or {},
            weights=stack.meta.get(MetaKey.NUM_STEPS_CURRENT_ROUND) or [None] * len(stack.sites),
            params=len(stack.form.arrays),
            bytes=stack.nbytes,
        )

    def _range(self, sites: Sequence[str]) -> Any:
        """Sites that follow one another in the run's order by the first of them: numbers are read faster than names."""
        begin, many = self._places[sites[0]], len(sites)
        follow = self._sites[begin : begin + many] == list(sites)
        return {"from": sites[0], "many": many} if follow else sites

    def _contribution(
        self, number: Any, site: str, task: str, rc: str, metrics: Any, weight: Any, params: int, nbytes: int
    ) -> None:
        self._open[number] = None
        self._record.contribution(
            round=number,
            site=site,
            task=task,
            rc=rc,
            metrics=metrics,
            weight=weight,
            params=params,
            bytes=nbytes,
        )

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == AppEventType.ROUND_STARTED:
            self._round = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
            self._record.emit("round_started", round=self._round)
        elif event_type == AppEventType.AFTER_AGGREGATION:
            self._aggregated(fl_ctx)
        elif event_type == AppEventType.GLOBAL_BEST_MODEL_AVAILABLE:
            self._best(fl_ctx)
        elif event_type == AppEventType.AFTER_LEARNABLE_PERSIST:
            # A workflow that does not aggregate (cyclic) ends its rounds by saving.
            self.close_rounds()
        elif event_type == EventType.END_RUN and not fl_ctx.get_engine().abort_signal.triggered:
            self.close_rounds()

    def close_rounds(self) -> None:
        """Rounds whose contributions went into a model without an aggregation of their own are done."""
        for number in list(self._open):
            self._done(number, {})

    def _aggregated(self, fl_ctx: FLContext) -> None:
        outcome = fl_ctx.get_prop(AppConstants.AGGREGATION_RESULT)
        number = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        if isinstance(outcome, FLModel):
            number = outcome.current_round if number is None else number
            metrics: Any = outcome.metrics
        else:
            metrics = _content(outcome)[0] if isinstance(outcome, Shareable) else {}
        self._done(self._round or 0 if number is None else number, metrics or {})

    def _done(self, number: int, metrics: Mapping[str, Any]) -> None:
        self._open.pop(number, None)
        self._record.emit("round_done", round=number, metrics=entries(metrics))

    def _best(self, fl_ctx: FLContext) -> None:
        info = fl_ctx.get_prop(AppConstants.METRICS_SELECTION_INFO) or {}
        name = (info.get("key_metric") or {}).get("name")
        value = (info.get("best_metrics") or {}).get(name, fl_ctx.get_prop(AppConstants.VALIDATION_RESULT))
        number = info.get("best_round", fl_ctx.get_prop(AppConstants.CURRENT_ROUND))
        self._record.emit("best_model", round=number, metric=name, value=scalar(value))


def _content(result: Shareable) -> tuple[Any, Any, int, Any]:
    """What a reply carries: metrics, weight, number of parameters, and data worth showing."""
    dxo = result.get("DXO")
    if not isinstance(dxo, dict):
        own = {k: v for k, v in result.items() if k != ReservedHeaderKey.HEADERS}
        return {}, None, len(own), sorted(map(str, own))
    kind, data, meta = dxo.get("kind"), dxo.get("data"), dxo.get("meta") or {}
    size = len(data) if isinstance(data, (dict, list, tuple)) else 0
    if kind == DataKind.METRICS:
        return data, None, 0, data
    shown = f"{size} parameters" if kind in _MODEL_KINDS else data
    return _named(meta.get(MetaKey.INITIAL_METRICS)), meta.get(MetaKey.NUM_STEPS_CURRENT_ROUND), size, shown


def _named(metrics: Any) -> Any:
    """Metrics by name, whatever a script has put in their place."""
    if metrics is not None and type(metrics) is not dict and not isinstance(metrics, Mapping):
        return {MetaKey.INITIAL_METRICS: metrics}
    return metrics or {}


def _shown(data: Any) -> Any:
    """Data as JSON shows it, arrays by their shape."""
    if isinstance(data, Mapping):
        return {str(k): _shown(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [_shown(v) for v in data]
    value = scalar(data)
    if value is not None or data is None:
        return value
    shape = getattr(data, "shape", None)
    return f"array {tuple(shape)}" if shape is not None else str(data)
