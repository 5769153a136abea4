"""ExcludeVars: keep some variables from travelling.

Answers ``nvflare.app_common.filters.exclude_vars``.
"""

from __future__ import annotations

import re
from typing import Any

from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class ExcludeVars(DXOFilter):
    """Drops the variables in `exclude_vars`: a list of names, or a regular expression found in the name.

    Without any, or with something else, it does nothing.
    """

    def __init__(
        self, exclude_vars: list[str] | str | None = None, data_kinds: list[str] | None = None
    ) -> None:
        super().__init__(
            supported_data_kinds=[DataKind.WEIGHTS, DataKind.WEIGHT_DIFF],
            data_kinds_to_filter=data_kinds or [DataKind.WEIGHT_DIFF, DataKind.WEIGHTS],
        )
        self.exclude_vars: Any = exclude_vars
        if isinstance(exclude_vars, str):
            self.exclude_vars = re.compile(exclude_vars) if exclude_vars else None
        listed = isinstance(exclude_vars, list) and all(isinstance(v, str) for v in exclude_vars)
        self.skip = not (listed or isinstance(self.exclude_vars, re.Pattern))

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO | None:
        if self.skip:
            return None
        excluded = [name for name in dxo.data if self._excludes(name)]
        for name in excluded:
            del dxo.data[name]
        if not excluded and isinstance(self.exclude_vars, re.Pattern):
            self.log_warning(fl_ctx, f"no variable matches {self.exclude_vars.pattern!r}")
        return dxo

    def _excludes(self, name: str) -> bool:
        if isinstance(self.exclude_vars, re.Pattern):
            return self.exclude_vars.search(name) is not None
        return name in self.exclude_vars
