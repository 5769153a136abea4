"""DXOBlocker: let only some kinds of content pass.

Answers ``nvflare.app_common.filters.dxo_blocker``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.filters.blocked import ContentBlockedException
from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.exchange.dxo import DXO
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable


class DXOBlocker(DXOFilter):
    """Blocks the given kinds, or with `allow_data_kinds` all others. Raises ValueError for bad kinds."""

    def __init__(self, data_kinds: list[str], allow_data_kinds: bool = False) -> None:
        super().__init__(supported_data_kinds=[], data_kinds_to_filter=[])
        given: Any = data_kinds
        if not given or not isinstance(given, list) or not all(isinstance(k, str) for k in given):
            raise ValueError(f"data_kinds must be a non-empty list of str, but got {data_kinds!r}")
        self.configured_data_kinds = data_kinds
        self.allow_data_kinds = allow_data_kinds

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO | None:
        """None: it passes. Raises ContentBlockedException."""
        if (dxo.data_kind in self.configured_data_kinds) != self.allow_data_kinds:
            raise ContentBlockedException(f"content of kind {dxo.data_kind} is blocked by DXOBlocker")
        return None
