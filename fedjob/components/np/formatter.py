"""NPFormatter: the results of a CrossSiteModelEval as text.

Answers ``nvflare.app_common.np.np_formatter``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.formatter import Formatter
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import DataKind, from_file
from fedjob.exchange.fl_context import FLContext


class NPFormatter(Formatter):
    """Reads the files that the context's VALIDATION_RESULT names by data site and model."""

    def format(self, fl_ctx: FLContext) -> str:
        found: dict[str, dict[str, Any]] = {}
        try:
            for site, files in fl_ctx.get_prop(AppConstants.VALIDATION_RESULT, {}).items():
                results = {name: from_file(path) for name, path in files.items()}
                if files:
                    found[site] = {
                        n: dxo.data for n, dxo in results.items() if dxo and dxo.data_kind == DataKind.METRICS
                    }
        except Exception as e:
            self.log_error(fl_ctx, f"cannot read a validation result: {e}")
        return f"{found}"
