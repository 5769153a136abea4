"""A FLARE widget that writes a run's rounds as our events.

This file travels in the ``custom/`` folder of a *copy* of the job and runs inside FLARE, of any
release from 2.5 on and in its own interpreter: it may import FLARE and the standard library,
nothing of ours.
"""

from __future__ import annotations

import json
import math
import os
import time

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey
from nvflare.app_common.abstract.fl_model import FLModel
from nvflare.app_common.app_constant import AppConstants
from nvflare.app_common.app_event_type import AppEventType
from nvflare.app_common.utils.fl_model_utils import FLModelUtils
from nvflare.widgets.widget import Widget

_WEIGHT = "NUM_STEPS_CURRENT_ROUND"
#: Tasks of cross-site evaluation, which belong to no round.
_NOT_IN_ROUNDS = (AppConstants.TASK_VALIDATION, AppConstants.TASK_SUBMIT_MODEL)


class Recorder(Widget):
    """Appends one line per contribution, round, best model and fatal error to `events_path`.

    A relative path lies in the job's run directory. Times are seconds since `started`, the job's start if that is None.
    """

    def __init__(self, events_path: str, started: float | None) -> None:
        super().__init__()
        self.events_path = events_path
        self.started = started
        self._round = None
        self._sent = {}
        self._open = set()
        self._fatal = False
        self._handlers = {
            EventType.START_RUN: self._on_start,
            AppEventType.ROUND_STARTED: self._on_round_started,
            AppEventType.AFTER_CONTRIBUTION_ACCEPT: self._on_contribution,
            AppEventType.AFTER_AGGREGATION: self._on_aggregated,
            AppEventType.AFTER_LEARNABLE_PERSIST: self._on_saved,
            EventType.END_RUN: self._on_saved,
            AppEventType.GLOBAL_BEST_MODEL_AVAILABLE: self._on_best,
            EventType.FATAL_SYSTEM_ERROR: self._on_fatal,
        }

    def handle_event(self, event_type, fl_ctx):
        handler = self._handlers.get(event_type)
        if handler is not None:
            handler(fl_ctx)

    def _emit(self, event, **fields):
        line = json.dumps({"event": event, "time": round(time.time() - self.started, 3), **fields}) + "\n"
        fd = os.open(self.events_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)

    def _on_start(self, fl_ctx):
        run = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        self.events_path = os.path.join(run, self.events_path)
        if self.started is None:
            self.started = time.time()
        # A record that is there says that nothing happened, one that is not that nobody recorded.
        with open(self.events_path, "ab"):
            pass

    def _on_round_started(self, fl_ctx):
        self._emit("round_started", round=fl_ctx.get_prop(AppConstants.CURRENT_ROUND, 0))

    def _on_contribution(self, fl_ctx):
        peer = fl_ctx.get_peer_context()
        reply = fl_ctx.get_prop(AppConstants.TRAINING_RESULT) or (
            peer.get_prop(FLContextKey.SHAREABLE) if peer else None
        )
        if reply is None:
            return
        model = _as_model(reply)
        number = reply.get_header(AppConstants.CURRENT_ROUND, None)
        if number is None:
            number = reply.get_cookie(AppConstants.CONTRIBUTION_ROUND, None)
        task = fl_ctx.get_prop(FLContextKey.TASK_NAME, None) or "train"
        if number is None and task in _NOT_IN_ROUNDS:
            return
        if number is None:
            number = fl_ctx.get_prop(AppConstants.CURRENT_ROUND, 0)
        self._round = number
        self._open.add(number)
        metrics = (model.metrics or {}) if model else {}
        weight = (model.meta or {}).get(_WEIGHT) if model else None
        site = peer.get_identity_name() if peer else "?"
        self._sent.setdefault(number, []).append((metrics, weight))
        self._emit(
            "contribution",
            round=number,
            site=site,
            task=task,
            rc=reply.get_return_code(),
            metrics=_entries(metrics),
            weight=_plain(weight),
            params=len(model.params or {}) if model else 0,
            bytes=0,
        )

    def _on_aggregated(self, fl_ctx):
        outcome = fl_ctx.get_prop(AppConstants.AGGREGATION_RESULT, None)
        model = outcome if isinstance(outcome, FLModel) else _as_model(outcome)
        number = self._round
        if number is None:
            number = fl_ctx.get_prop(AppConstants.CURRENT_ROUND, 0)
        metrics = model.metrics if model else None
        if model is None:
            # Releases before 2.8 do not hand the aggregate to listeners: average as they do. Where there is an
            # aggregate without metrics, FLARE aggregated none.
            metrics = _average(self._sent.get(number, []))
        self._done(number, metrics or {})

    def _done(self, number, metrics):
        # After a panic FLARE may still aggregate what had arrived by then: that round was not finished.
        if self._fatal:
            return
        self._open.discard(number)
        self._emit("round_done", round=number, metrics=_entries(metrics))

    def _on_saved(self, fl_ctx):
        """A workflow that does not aggregate (cyclic) ends its rounds by saving, or with the run."""
        for number in sorted(self._open):
            self._done(number, {})

    def _on_best(self, fl_ctx):
        info = fl_ctx.get_prop("metrics_selection_info", None) or {}
        name = (info.get("key_metric") or {}).get("name")
        value = fl_ctx.get_prop(AppConstants.VALIDATION_RESULT, None)
        self._emit("best_model", round=self._round, metric=name, value=_plain(value))

    def _on_fatal(self, fl_ctx):
        self._fatal = True
        reason = fl_ctx.get_prop(FLContextKey.EVENT_DATA, None)
        self._emit(
            "error", site="server", round=self._round, task=None, kind="panic", message=str(reason),
            traceback=None, fatal=True,
        )  # fmt: skip


def _as_model(reply):
    try:
        return FLModelUtils.from_shareable(reply) if reply is not None else None
    except Exception:
        return None


def _entries(metrics):
    return [{"name": str(n), "value": p} for n, v in metrics.items() if (p := _plain(v)) is not None]


def _plain(value):
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    return value if isinstance(value, (int, float, bool, str)) else None


def _average(sent):
    """FLARE 2.5-2.7: weighted by steps, nothing at all when one site sent no metrics."""
    if not sent or not all(metrics for metrics, _ in sent):
        return None
    sums, weights = {}, {}
    for metrics, weight in sent:
        w = weight if isinstance(weight, (int, float)) and math.isfinite(weight) and weight > 0 else 1.0
        for name, value in metrics.items():
            if isinstance(value, (int, float)):
                sums[name] = sums.get(name, 0.0) + w * value
                weights[name] = weights.get(name, 0.0) + w
    return {name: total / weights[name] for name, total in sums.items()}
