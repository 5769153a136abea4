"""Layer weights of Keras models as flat dicts: ``{"dense": [w, b]}`` is ``{"dense_nvf_0": w, "dense_nvf_1": b}``.

Answers ``nvflare.app_opt.tf.utils``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SPECIAL_KEY = "_nvf_"


def flat_layer_weights_dict(data: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """One entry per array; layers without weights have none."""
    return {
        f"{layer}{SPECIAL_KEY}{i}": item for layer, weights in data.items() for i, item in enumerate(weights)
    }


def unflat_layer_weights_dict(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The arrays of each layer, in the order in which they come; other keys are dropped."""
    result: dict[str, list[Any]] = {}
    for key, value in data.items():
        if SPECIAL_KEY in key:
            layer, _ = key.split(SPECIAL_KEY)
            result.setdefault(layer, []).append(value)
    return result
