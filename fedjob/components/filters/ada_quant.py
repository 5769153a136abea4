"""AdaQuantizer: as few levels per tensor as its range asks for, then compressed.

Answers ``nvflare.app_opt.pt.quantization.ada_quant``; the method is ADAQUANT of the FedNCF/FedOBD line of work, as FLARE implements it.
"""

from __future__ import annotations

import bz2
import math
from typing import Any

import numpy as np


class AdaQuantizer:
    """`weight` trades error (small) for size (large); with `compression` bytes are packed where that saves any."""

    def __init__(self, weight: float = 0.01, compression: bool = True) -> None:
        self.weight = weight
        self.compression = compression

    def quantize(self, values_tensor: Any) -> tuple[Any, dict[str, Any]]:
        """What to send for a tensor, and the state that `dequantized` needs; an empty state means the tensor itself."""
        import torch

        shape = list(values_tensor.shape)
        flat = values_tensor.to(dtype=torch.float64).view(-1)
        offset = self.get_offset(flat)
        flat = flat + offset
        levels = self.get_number_of_quantization_levels(values_tensor.element_size(), flat)
        if levels is None:
            return values_tensor, {}
        norm, level, dtype = levels
        if norm == 0.0:
            return torch.tensor([0], dtype=torch.bool), {"offset": offset, "tensor_shape": shape}
        quantized = (flat / norm * level).round().clamp(0, level).numpy().astype(dtype=dtype)
        state = {"offset": offset, "quantization_level": level, "tensor_shape": shape, "norm": norm}
        packed = bz2.compress(quantized.tobytes(), compresslevel=1) if self.compression else None
        if packed is None or len(packed) >= quantized.nbytes:
            return quantized, state
        state |= {"compressed_tensor": np.frombuffer(packed, dtype=np.uint8), "new_dtype": dtype}
        return torch.tensor([0], dtype=torch.bool), state

    def dequantized(self, quantized_tensor: Any, quant_state: dict[str, Any]) -> Any:
        """The tensor, as float64."""
        import torch

        offset, shape = quant_state["offset"], quant_state["tensor_shape"]
        if "norm" not in quant_state:
            return torch.zeros(shape, dtype=torch.float64) - offset
        if "compressed_tensor" in quant_state:
            unpacked = bz2.decompress(quant_state["compressed_tensor"].tobytes())
            values = np.frombuffer(unpacked, dtype=quant_state["new_dtype"]).astype(np.float64)
            quantized_tensor = torch.from_numpy(values)
        values = quantized_tensor.to(dtype=torch.float64).reshape(shape)
        return values * quant_state["norm"] / quant_state["quantization_level"] - offset

    def get_offset(self, tensor: Any) -> float:
        return -float(tensor.min().item())

    def get_number_of_quantization_levels(
        self, element_size: int, values_tensor: Any
    ) -> tuple[float, int, str] | None:
        """The range, the highest level and the dtype; None when nothing is saved. Raises RuntimeError beyond 16 bits."""
        norm, bits = values_tensor.max().item(), element_size * 8
        level = math.ceil(max(1, math.sqrt(norm * bits * math.log(4) / self.weight)))
        needed = math.ceil(math.log2(level))
        if needed >= bits:
            return None
        if needed > 16:
            raise RuntimeError(f"{needed} bits per value are needed; the tensor's range {norm} is too large")
        return norm, int(2**needed) - 1, "u1" if needed <= 8 else "<u2"
