"""Filters whose order shows in the numbers: x -> x * a + b does not commute."""

from nvflare.apis.dxo import DataKind, from_shareable
from nvflare.apis.dxo_filter import DXOFilter
from nvflare.apis.filter import Filter
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable


class Affine(Filter):
    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.a = a
        self.b = b

    def process(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        dxo = from_shareable(shareable)
        dxo.data = {k: v * self.a + self.b for k, v in dxo.data.items()}
        return dxo.update_shareable(shareable)


class Half(DXOFilter):
    def __init__(self) -> None:
        super().__init__(supported_data_kinds=[DataKind.WEIGHTS], data_kinds_to_filter=[DataKind.WEIGHTS])

    def process_dxo(self, dxo, shareable, fl_ctx):
        dxo.data = {k: v / 2 for k, v in dxo.data.items()}
        return dxo


class Fails(Filter):
    def __init__(self, how: str = "raise") -> None:
        super().__init__()
        self.how = how

    def process(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        if self.how == "raise":
            raise ValueError("the filter raised")
        return "not a shareable"
