"""DXOFilter: the base of filters that change what a Shareable carries as DXO.

Answers ``nvflare.apis.dxo_filter.DXOFilter``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from fedjob.components.roles import Filter
from fedjob.exchange.dxo import DXO, DataKind, from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable


class DXOFilter(Filter, ABC):
    """Calls `process_dxo` for each DXO of the kinds `data_kinds_to_filter`, also inside collections.

    Replies that report an error, and those without data, pass untouched. None or empty kinds mean all of
    `supported_data_kinds`; there, all kinds. Raises ValueError for kinds that are not supported.
    """

    def __init__(
        self, supported_data_kinds: list[str] | None, data_kinds_to_filter: list[str] | None
    ) -> None:
        super().__init__()
        for name, kinds in (
            ("supported_data_kinds", supported_data_kinds),
            ("data_kinds_to_filter", data_kinds_to_filter),
        ):
            if kinds and not isinstance(kinds, list):
                raise ValueError(f"{name} must be a list of str, but got {type(kinds).__name__}")
        wrong = [
            k for k in data_kinds_to_filter or [] if supported_data_kinds and k not in supported_data_kinds
        ]
        if wrong:
            raise ValueError(f"data kinds {wrong} cannot be filtered; supported are {supported_data_kinds}")
        self.data_kinds = data_kinds_to_filter or supported_data_kinds

    def process(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        if shareable.get_return_code() != ReturnCode.OK:
            return shareable
        try:
            dxo = from_shareable(shareable)
        except Exception:  # not a DXO: nothing to filter
            return shareable
        if dxo.data is None:
            return shareable
        top = [dxo]
        self._filter_all(top, shareable, fl_ctx)
        return top[0].update_shareable(shareable)

    @abstractmethod
    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO | None:
        """The filtered DXO, which may be `dxo` itself; None when it was not filtered."""

    def _filter_all(self, dxos: list[Any] | dict[str, Any], shareable: Shareable, fl_ctx: FLContext) -> None:
        """Filter in place, whatever the collection is."""
        if not isinstance(dxos, (list, dict)):
            raise ValueError(f"a DXO collection must be a list or dict, but is {type(dxos).__name__}")
        entries: Iterable[tuple[Any, Any]] = enumerate(dxos) if isinstance(dxos, list) else dxos.items()
        for key, dxo in list(entries):
            if not isinstance(dxo, DXO):
                continue
            if dxo.data_kind == DataKind.COLLECTION:
                self._filter_all(dxo.data, shareable, fl_ctx)
            elif not self.data_kinds or dxo.data_kind in self.data_kinds:
                dxos[key] = self._filtered(dxo, shareable, fl_ctx)

    def _filtered(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO:
        if not dxo.data:
            return dxo
        name = type(self).__name__
        result = self.process_dxo(dxo, shareable, fl_ctx)
        if not result:
            return dxo
        if not isinstance(result, DXO):
            raise RuntimeError(
                f"{name}.process_dxo must give a DXO or None, but gave {type(result).__name__}"
            )
        if result is not dxo:
            result.add_filter_history(dxo.get_filter_history())
        result.add_filter_history(name)
        return result
