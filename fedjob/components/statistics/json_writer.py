"""JsonStatsFileWriter: the statistics as a JSON file in the server's run directory.

Answers ``nvflare.app_common.statistics.json_stats_file_persistor`` and ``nvflare.app_common.utils.json_utils``.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np

from fedjob.components.building import load_class
from fedjob.components.paths import resolve_path_under_root
from fedjob.components.statistics.writer import StatisticsWriter
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey


class ObjectEncoder(json.JSONEncoder):
    """Also encodes numpy's values, and objects as dicts of their data."""

    def default(self, obj: Any) -> Any:
        if hasattr(obj, "to_json"):
            return self.default(obj.to_json())
        if isinstance(obj, (np.generic, np.ndarray)):
            return obj.tolist()
        if hasattr(obj, "__dict__"):
            return {k: v for k, v in inspect.getmembers(obj) if not k.startswith("__") and not callable(v)}
        return super().default(obj)


class JsonStatsFileWriter(StatisticsWriter):
    """Writes `output_path`, relative to the run directory, with the encoder class at `json_encoder_path`.

    Raises ValueError for an empty or leading-out path, TypeError for an encoder path that is no string.
    """

    def __init__(self, output_path: str, json_encoder_path: str = "") -> None:
        super().__init__()
        if not output_path:
            raise ValueError("output_path must not be empty")
        if not isinstance(json_encoder_path, str):
            raise TypeError(f"json_encoder_path must be str, but got {type(json_encoder_path).__name__}")
        self.output_path = output_path
        self.json_encoder_path = json_encoder_path

    def save(self, data: dict[str, Any], overwrite_existing: bool, fl_ctx: FLContext) -> None:
        """Raises FileExistsError when the file is there and must not be overwritten."""
        encoder = load_class(self.json_encoder_path) if self.json_encoder_path else ObjectEncoder
        content = json.dumps(data, cls=encoder)
        path = Path(self.get_output_path(fl_ctx))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if overwrite_existing else "x", encoding="utf-8") as file:
            file.write(content)

    def get_output_path(self, fl_ctx: FLContext) -> str:
        run_dir = Path(fl_ctx.get_prop(FLContextKey.APP_ROOT)).resolve().parent
        return resolve_path_under_root(str(run_dir), self.output_path, "output_path")
