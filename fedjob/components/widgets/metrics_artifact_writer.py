"""MetricsArtifactWriter: FLARE's machine-readable metrics of a run.

Answers ``nvflare.app_common.widgets.metrics_artifact_writer`` (FLARE >= 2.9): ``metrics/round_metrics.jsonl``, one record per
aggregation, and ``metrics/metrics_summary.json`` at the end, below the server's run directory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedjob.components.paths import resolve_path_under_root
from fedjob.components.roles import Widget
from fedjob.components.widgets import metric_records as records
from fedjob.components.widgets.metric_lines import dumps, line_of
from fedjob.components.widgets.metric_records import Limits, Record, Skipped
from fedjob.components.widgets.metric_sites import Contributions, given_sites, given_weights, texts
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DataKind, from_shareable
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.fl_model import FLModel
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.job_def import JobMetaKey
from fedjob.exchange.keys import FLContextKey, FLMetaKey
from fedjob.exchange.shareable import Shareable

_NOTES = [
    "Aggregated metrics are weighted averages of client-reported metric values.",
    "Nonlinear metrics are not recomputed from pooled predictions.",
]
_BEST = (
    "best_round",
    "best_metrics",
    "best_aggregated_metrics",
    "best_metric_source",
    "best_metric_detail_source",
)


class MetricsArtifactWriter(Widget):
    """Writes the two files into `results_dir`. `limits` overrides defaults of metric_records.Limits by name."""

    _EVENTS = frozenset(
        {
            EventType.START_RUN,
            AppEventType.AFTER_CONTRIBUTION_ACCEPT,
            AppEventType.AFTER_AGGREGATION,
            AppEventType.GLOBAL_BEST_MODEL_AVAILABLE,
            EventType.END_RUN,
        }
    )

    def __init__(
        self,
        results_dir: str = "metrics",
        summary_file_name: str = "metrics_summary.json",
        round_file_name: str = "round_metrics.jsonl",
        limits: dict[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.results_dir = results_dir
        self.summary_file_name = summary_file_name
        self.round_file_name = round_file_name
        self._bounds = Limits.of(limits)
        self._reset()

    def _reset(self) -> None:
        self._contributions = Contributions(self._bounds)
        self._last: Record | None = None
        self._info: Record = {}
        self._aggregation: Any = None
        self._best: Record = {}
        self._key_metric: Record | None = None
        self._without_metrics: list[Any] = []
        self._paths: dict[str, Path] = {}
        #: Whether nobody looks at the file before the run is over, and the aggregate that waits to be written then: its
        #: metrics, its meta, its round and the directory of the run.
        self._unseen = False
        self._waiting: tuple[Any, Record, Any, str] | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type in MetricsArtifactWriter._EVENTS:
            self.write_waiting()
        if event_type == EventType.START_RUN:
            self._reset()
        elif event_type == AppEventType.AFTER_CONTRIBUTION_ACCEPT:
            self._take_contribution(fl_ctx)
        elif event_type == AppEventType.AFTER_AGGREGATION:
            self._take_aggregate(fl_ctx)
        elif event_type == AppEventType.GLOBAL_BEST_MODEL_AVAILABLE:
            self._take_selection(fl_ctx)
        elif event_type == EventType.END_RUN:
            self._write_summary(fl_ctx)

    def _take_contribution(self, fl_ctx: FLContext) -> None:
        if fl_ctx.get_prop(AppConstants.AGGREGATION_ACCEPTED, True) is False:
            return
        result = fl_ctx.get_prop(AppConstants.TRAINING_RESULT, None)
        if result is None and (peer := fl_ctx.get_peer_context()):
            result = peer.get_prop(FLContextKey.SHAREABLE, None)
        metrics, meta = _reported(result) if isinstance(result, Shareable) else (None, {})
        if metrics:
            assert isinstance(result, Shareable)
            number = _round_of(result.get_header(AppConstants.CURRENT_ROUND), meta, fl_ctx)
            peer = fl_ctx.get_peer_context()
            identity = peer.get_identity_name(default=None) if peer else None
            self.note(number, identity, metrics, meta, site=result.get_header(FLMetaKey.SITE_NAME))

    def note(
        self, number: int | None, identity: str | None, metrics: Any, meta: dict[str, Any], site: Any = None
    ) -> None:
        """Take the metrics that have come from `identity` for round `number`, with a model of that meta.

        They are `site`'s if that is given, else those of the site that the meta names.
        """
        self.write_waiting()
        key = FLMetaKey.NUM_STEPS_CURRENT_ROUND
        name = _first_name(site or meta.get(FLMetaKey.SITE_NAME), meta.get("client_name"), identity)
        self._contributions.add(number, name, metrics, meta.get(key), key)

    def note_stack(
        self,
        number: int | None,
        sites: Sequence[str],
        metrics: Any,
        meta: Mapping[str, Sequence[Any]],
        *,
        unseen: bool = False,
    ) -> None:
        """`note` for many sites: metrics and meta are the sites' values by name.

        `unseen`: nobody looks at the file of the rounds while the run is on, so that a round may be written while the
        sites are at the next one.
        """
        self.write_waiting()
        self._unseen = unseen
        key = FLMetaKey.NUM_STEPS_CURRENT_ROUND
        named = [meta[name] for name in (FLMetaKey.SITE_NAME, "client_name") if name in meta]
        names = [_first_name(*each) for each in zip(*named, sites, strict=True)] if named else sites
        self._contributions.add_stack(number, names, metrics, meta.get(key) or [None] * len(sites), key)

    def _take_selection(self, fl_ctx: FLContext) -> None:
        given = fl_ctx.get_prop(AppConstants.METRICS_SELECTION_INFO, None)
        if found := records.selection(given, self._bounds):
            self._best = found
            self._key_metric = found.get("key_metric") or self._key_metric

    def _take_aggregate(self, fl_ctx: FLContext) -> None:
        model = _as_model(fl_ctx.get_prop(AppConstants.AGGREGATION_RESULT, None))
        if model is None:
            return
        meta = model.meta or {}
        round_number = _round_of(model.current_round, meta, fl_ctx)
        self._waiting = model.metrics, meta, round_number, _run_dir(fl_ctx)
        if not self._unseen:
            self.write_waiting()
        self._unseen = False

    def write_waiting(self) -> None:
        """Write the round that waits to be written, if one does."""
        if self._waiting is None:
            return
        (metrics, meta, round_number, run_dir), self._waiting = self._waiting, None
        info = meta.get(AppConstants.METRICS_AGGREGATION_INFO)
        info = info if isinstance(info, dict) else {}
        record = self._record(metrics, info, round_number)
        if not (record["aggregated_metrics"] or record["sites"] or record["skipped_metrics"]):
            if info.get("metric_source") == "custom_aggregator_flmodel_metrics":
                self._without_metrics.append(record["round"])
            return
        line = line_of(record, self._bounds.max_round_record_bytes)
        path = self._path(self.round_file_name, run_dir)
        if line is not None:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        self._last, self._info = record, info
        self._aggregation = record.get("aggregation") or self._aggregation
        self._key_metric = record.get("key_metric") or self._key_metric

    def _record(self, metrics: Any, info: Record, round_number: Any) -> Record:
        skipped = Skipped(self._bounds)
        aggregated = records.metrics(metrics, self._bounds, skipped, numbers_only=True)
        contributed, left_out = self._contributions.pop(round_number)
        sites = given_sites(info.get("sites"), self._bounds, skipped)
        weights = given_weights(info.get("site_weights"), self._bounds, skipped)
        if not sites and info.get("use_contribution_sites", True) is not False:
            sites = contributed
            skipped.extend(left_out)
        record: Record = {
            "round": round_number,
            "aggregated_metrics": aggregated,
            "sites": texts(sites, weights),
            "skipped_metrics": skipped.records,
        }
        if aggregation := records.json_object(info.get("aggregation"), self._bounds):
            record["aggregation"] = aggregation
        if key_metric := records.key_metric(info.get("key_metric"), self._bounds):
            record["key_metric"] = key_metric
        return record

    def _write_summary(self, fl_ctx: FLContext) -> None:
        if self._without_metrics:
            self.log_warning(fl_ctx, _missing_sentence(self._without_metrics), fire_event=False)
        if self._last is None:
            return
        summary = self._summary(self._last, fl_ctx)
        data = dumps(summary, indent=2)
        if data is not None and len(data.encode()) > self._bounds.max_summary_bytes:
            del summary["notes"]
            data = dumps(summary, indent=2)
        if data is not None and len(data.encode()) <= self._bounds.max_summary_bytes:
            self._path(self.summary_file_name, _run_dir(fl_ctx)).write_text(data, encoding="utf-8")

    def _summary(self, last: Record, fl_ctx: FLContext) -> Record:
        optional = {
            "job_name": _job_name(fl_ctx, self._bounds),
            "metric_source": records.text(self._info.get("metric_source"), self._bounds),
            "metric_split": records.text(self._info.get("metric_split"), self._bounds),
            "key_metric": self._best.get("key_metric") or self._key_metric,
            **{field: self._best.get(field) for field in _BEST},
            "aggregation": records.json_object(self._aggregation, self._bounds),
        }
        # Round 0 may be the best; all else that is empty says nothing.
        return {
            "schema_version": "1",
            "status": "metrics_reported",
            "final_round": last["round"],
            "final_aggregated_metrics": last["aggregated_metrics"],
            "round_metrics_file": self.round_file_name,
            "notes": _NOTES,
        } | {k: v for k, v in optional.items() if v or v == 0}

    def _path(self, name: str, run_dir: str) -> Path:
        """The file of that name, looked for once in a run: that takes a dozen calls of the system."""
        path = self._paths.get(name)
        if path is None or not path.parent.is_dir():
            path = self._paths[name] = self._find(name, run_dir)
        return path

    def _find(self, name: str, run_dir: str) -> Path:
        for what, given in (("summary", self.summary_file_name), ("round metrics", self.round_file_name)):
            _require_plain_name(f"{what} file name", given)
        path = Path(resolve_path_under_root(run_dir, str(Path(self.results_dir) / name), "metrics path"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _as_model(value: Any) -> FLModel | None:
    if isinstance(value, Shareable):
        try:
            value = FLModelUtils.from_shareable(value)
        except Exception:  # what is no model has no metrics
            return None
    return value if isinstance(value, FLModel) else None


def _reported(result: Shareable) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Metrics and meta of a result, as they are in the FLModel made of it; no metrics where it holds no model."""
    try:
        dxo = from_shareable(result)
    except ValueError:
        return None, {}
    metrics = dxo.data if dxo.data_kind == DataKind.METRICS else dxo.meta.get(FLMetaKey.INITIAL_METRICS)
    return (metrics if isinstance(metrics, dict) else None), dxo.meta


def _round_of(number: int | None, meta: dict[str, Any], fl_ctx: FLContext) -> int | None:
    if number is not None:
        return number
    for value in (meta.get(AppConstants.CURRENT_ROUND), fl_ctx.get_prop(AppConstants.CURRENT_ROUND, None)):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _first_name(*names: Any) -> str:
    """The first that is a name."""
    return next((n for n in names if isinstance(n, str) and n), AppConstants.CLIENT_UNKNOWN)


def _run_dir(fl_ctx: FLContext) -> str:
    directory: str = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
    return directory


def _job_name(fl_ctx: FLContext, limits: Limits) -> str | None:
    meta = fl_ctx.get_prop(FLContextKey.JOB_META, None)
    meta = meta if isinstance(meta, dict) else {}
    given = [meta.get(key.value) for key in (JobMetaKey.JOB_NAME, JobMetaKey.JOB_FOLDER_NAME)]
    found = [records.text(value, limits) for value in (*given, fl_ctx.get_job_id())]
    return next((name for name in found if name), None)


def _require_plain_name(what: str, name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the {what} must be str, but got {type(name).__name__}")
    if Path(name).name != name or name in {"", ".", ".."}:
        raise ValueError(f"the {what} {name!r} must be a name without folders")


def _missing_sentence(rounds: list[Any]) -> str:
    shown = str(rounds) if len(rounds) <= 10 else f"{len(rounds)} rounds, {rounds[0]} to {rounds[-1]}"
    return (
        f"no metrics were written for round(s) {shown}: the custom aggregator's results carry none; "
        "let it return the aggregated metrics in FLModel.metrics"
    )
