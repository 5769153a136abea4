"""ValidationJsonGenerator: the results of cross-site evaluation as a JSON file.

Answers ``nvflare.app_common.widgets.validation_json_generator``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fedjob.components.paths import resolve_path_under_root
from fedjob.components.roles import Widget
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DXO, DataKind, from_shareable, get_leaf_dxos
from fedjob.exchange.events import AppEventType, EventType
from fedjob.exchange.fl_context import FLContext


class ValidationJsonGenerator(Widget):
    """Collects ``{data site: {model owner: metrics}}`` and writes it when the run ends, be it empty."""

    _EVENTS = frozenset({EventType.START_RUN, AppEventType.VALIDATION_RESULT_RECEIVED, EventType.END_RUN})

    def __init__(
        self, results_dir: str = AppConstants.CROSS_VAL_DIR, json_file_name: str = "cross_val_results.json"
    ) -> None:
        super().__init__()
        self._results_dir = results_dir
        self._json_file_name = json_file_name
        self._val_results: dict[Any, dict[Any, Any]] = {}

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self._val_results.clear()
        elif event_type == AppEventType.VALIDATION_RESULT_RECEIVED:
            self._take(fl_ctx)
        elif event_type == EventType.END_RUN:
            self._write(fl_ctx)

    def _take(self, fl_ctx: FLContext) -> None:
        owner = fl_ctx.get_prop(AppConstants.MODEL_OWNER, None)
        site = fl_ctx.get_prop(AppConstants.DATA_CLIENT, None)
        result = fl_ctx.get_prop(AppConstants.VALIDATION_RESULT, None)
        for what, value in (("model owner", owner), ("data site", site), ("validation result", result)):
            if not value:
                self.log_error(fl_ctx, f"a validation result came without its {what}", fire_event=False)
        if not result:
            return
        try:
            self._keep(site, owner, from_shareable(result), fl_ctx)
        except Exception:
            self.log_exception(fl_ctx, "cannot read a validation result", fire_event=False)

    def _keep(self, site: Any, owner: Any, dxo: DXO, fl_ctx: FLContext) -> None:
        if dxo.data_kind == DataKind.METRICS:
            self._val_results.setdefault(site, {})[owner] = dxo.data
        elif dxo.data_kind == DataKind.COLLECTION:  # results of several sites, from a server in between
            leaves, errors = get_leaf_dxos(dxo, site)
            for error in errors or ():
                self.log_error(fl_ctx, f"a bad validation result came from {site}: {error}")
            for leaf_site, leaf in leaves.items():
                self._val_results.setdefault(leaf_site, {})[owner] = leaf.data
        else:
            self.log_error(
                fl_ctx,
                f"a validation result must be of kind METRICS or COLLECTION, but is {dxo.data_kind}",
                fire_event=False,
            )

    def _write(self, fl_ctx: FLContext) -> None:
        run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        relative = str(Path(self._results_dir) / self._json_file_name)
        path = Path(resolve_path_under_root(run_dir, relative, "results path"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as f:
            json.dump(self._val_results, f, default=_as_json)


def _as_json(value: Any) -> Any:
    # As in FLARE: a float64 is a float, a float32 becomes one, whatever else is unknown to JSON is text.
    return float(value) if isinstance(value, np.float32) else str(value)
