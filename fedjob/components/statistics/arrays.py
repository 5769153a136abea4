"""Statistics of numpy arrays.

Answers ``nvflare.app_common.statistics.numpy_utils``.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from fedjob.components.statistics.spec import Bin, BinRange, DataType


class NpEncoder(json.JSONEncoder):
    """Also encodes numpy's values."""

    def default(self, obj: Any) -> Any:
        if isinstance(obj, (np.integer, np.floating, np.ndarray)):
            return obj.tolist()
        return super().default(obj)


def dtype_to_data_type(dtype: Any) -> DataType:
    """The type of a column, by its numpy or pandas dtype."""
    kind = getattr(dtype, "kind", "O")
    if kind == "f":
        return DataType.FLOAT
    if kind in "biu":
        return DataType.INT
    return DataType.DATETIME if kind in "mM" else DataType.STRING


def get_std_histogram_buckets(nums: Any, num_bins: int = 10, br: BinRange | None = None) -> list[Bin]:
    """Bins of equal width over `br`, or over all values; infinite values widen the outer bins."""
    negative, positive = int(np.isneginf(nums).sum()), int(np.isposinf(nums).sum())
    counts, edges = np.histogram(nums, bins=num_bins, range=(br.min_value, br.max_value) if br else None)
    bins = []
    for i, count in enumerate(counts):
        low, high = edges[i], edges[i + 1]
        if i == 0 and negative:
            low, count = -math.inf, count + negative  # noqa: PLW2901
        elif i == len(counts) - 1 and positive:
            high, count = math.inf, count + positive  # noqa: PLW2901
        bins.append(Bin(low_value=low, high_value=high, sample_count=count))
    if positive:
        bins.append(Bin(math.inf, math.inf, positive))
    elif negative:
        bins.append(Bin(-math.inf, -math.inf, negative))
    return bins
