"""ModelQuantizer and ModelDequantizer: send parameters with fewer bits.

Answers ``nvflare.app_opt.pt.quantization`` (FLARE >= 2.6) for ``float16`` and ``adaquant``. The other types need a GPU and
bitsandbytes; they can be exported, and run on FLARE itself.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from fedjob.components.filters.ada_quant import AdaQuantizer
from fedjob.components.filters.dxo_filter import DXOFilter
from fedjob.exchange.dxo import DXO, DataKind, MetaKey
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable

DATA_TYPE = ["FLOAT32", "FLOAT16", "BFLOAT16"]
QUANTIZATION_TYPE = ["FLOAT16", "BLOCKWISE8", "FLOAT4", "NORMFLOAT4", "ADAQUANT"]
_META = ("quant_state", "source_datatype", "quantized_flag")
_HALF = np.finfo(np.float16)


class ModelQuantizer(DXOFilter):
    """Quantizes float parameters, numpy arrays or torch tensors; the meta tells how.

    Raises ValueError for an unknown type, and when a parameter is neither float nor bool.
    """

    def __init__(self, quantization_type: str = "float16") -> None:
        kinds: list[str] = [DataKind.WEIGHTS, DataKind.WEIGHT_DIFF]
        super().__init__(supported_data_kinds=kinds, data_kinds_to_filter=kinds)
        self.quantization_type = _known(quantization_type.lower())

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO:
        if dxo.get_meta_prop("quantized_flag"):
            return dxo
        _require_here(self.quantization_type)
        data, states, types = {}, {}, {}
        for name, value in dxo.data.items():
            types[name] = _float_type(name, value)
            keeps = types[name] == "bool" or not _saves(self.quantization_type, types[name])
            data[name], states[name] = (value, {}) if keeps else self._quantized(value)
        quantized = DXO(data_kind=dxo.data_kind, data=data, meta=dict(dxo.meta))
        quantized.set_meta_prop(MetaKey.PROCESSED_ALGORITHM, self.quantization_type)
        for key, prop in zip(_META, (states, types, True), strict=True):
            quantized.set_meta_prop(key, prop)
        return quantized

    def _quantized(self, value: Any) -> tuple[Any, dict[str, Any]]:
        if self.quantization_type == "float16":
            return _to_half(value), {}
        import torch

        result, state = AdaQuantizer().quantize(torch.as_tensor(value).cpu())
        return _like(value, result), state


class ModelDequantizer(DXOFilter):
    """Undoes ModelQuantizer. Raises ValueError for data that it did not quantize."""

    def __init__(self) -> None:
        kinds: list[str] = [DataKind.WEIGHTS, DataKind.WEIGHT_DIFF]
        super().__init__(supported_data_kinds=kinds, data_kinds_to_filter=kinds)

    def process_dxo(self, dxo: DXO, shareable: Shareable, fl_ctx: FLContext) -> DXO:
        algorithm = _known(dxo.get_meta_prop(MetaKey.PROCESSED_ALGORITHM, None))
        _require_here(algorithm)
        states, types = dxo.meta["quant_state"], dxo.meta["source_datatype"]
        for name, value in dxo.data.items():
            if types[name] != "bool" and _saves(algorithm, types[name]):
                dxo.data[name] = _restored(value, states.get(name), types[name])
        dxo.remove_meta_props([MetaKey.PROCESSED_ALGORITHM, *_META])
        return dxo


def _known(quantization_type: Any) -> str:
    if not isinstance(quantization_type, str) or quantization_type.upper() not in QUANTIZATION_TYPE:
        raise ValueError(
            f"quantization type must be one of {QUANTIZATION_TYPE}, but is {quantization_type!r}"
        )
    return quantization_type


def _require_here(quantization_type: str) -> None:
    if quantization_type not in {"float16", "adaquant"}:
        raise ValueError(
            f'quantization type {quantization_type} needs a GPU and bitsandbytes; run it with engine="simulator", '
            "or use float16 or adaquant"
        )


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "element_size")


def _float_type(name: str, value: Any) -> str:
    if not isinstance(value, np.ndarray) and not _is_tensor(value):
        raise ValueError(f"parameter {name} must be a numpy array or a tensor, but is {type(value).__name__}")
    found = str(value.dtype).rpartition(".")[2]
    if found != "bool" and found.upper() not in DATA_TYPE:
        raise ValueError(f"parameter {name} is of type {found}; only {DATA_TYPE} can be quantized")
    return found


def _saves(quantization_type: str, source_type: str) -> bool:
    """Whether the type has fewer bits than the parameter's."""
    if quantization_type == "adaquant":
        return True
    wanted, has = (int(re.findall(r"\d+", t)[0]) for t in (quantization_type, source_type))
    return wanted < has


def _to_half(value: Any) -> Any:
    if not _is_tensor(value):
        return np.clip(value, _HALF.min, _HALF.max).astype(np.float16)
    import torch

    return torch.clamp(value, float(_HALF.min), float(_HALF.max)).to(torch.float16)


def _like(value: Any, result: Any) -> Any:
    """The quantized values as array or tensor, as the parameter was."""
    import torch

    if _is_tensor(value):
        return torch.as_tensor(result).cpu()
    return result.cpu().numpy() if _is_tensor(result) else result


def _restored(value: Any, state: dict[str, Any] | None, source_type: str) -> Any:
    import torch

    if state:
        value = _like(value, AdaQuantizer().dequantized(torch.as_tensor(value), state))
    return value.to(getattr(torch, source_type)) if _is_tensor(value) else value.astype(source_type)
