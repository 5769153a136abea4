"""Parameters between the script's format and the server's: ``nvflare.client.converter_utils`` and ``...utils``.

numpy is imported when there is something to convert, the script's framework as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from importlib import import_module
from typing import Any

from fedjob.client.config import ExchangeFormat, normalize_exchange_format
from fedjob.errors import ExchangeError

_Params = dict[str, Any]
_State = MutableMapping[str, Any]

#: Between a layer's name and the number of one of its weights, in the flat form of Keras' weights.
LAYER_MARK = "_nvf_"

# What the script's conversions remember of each other, by key of the state.
_SHAPES, _EXCLUDED = "tensor_shapes", "exclude_vars"


def validate_format_pair(source_format: Any, target_format: Any) -> None:
    """Raises ValueError for formats that cannot be converted into each other."""
    source = normalize_exchange_format(source_format, "source_format")
    target = normalize_exchange_format(target_format, "target_format")
    if not _same(source, target) and (source, target) not in _CONVERSIONS:
        raise ValueError(
            f"{source.value} parameters cannot be converted into {target.value} ones; declare numpy"
        )


def are_alike(source_format: Any, target_format: Any) -> bool:
    """Whether these are ExchangeFormats of which params in one are in the other as they stand."""
    both = type(source_format) is ExchangeFormat and type(target_format) is ExchangeFormat
    return both and _same(source_format, target_format)


def convert_params(
    params: Any, source_format: Any, target_format: Any, state: _State, logger: logging.Logger | None = None
) -> Any:
    """`params` in the target format; unchanged when the formats are equal or one of them is RAW.

    `state` belongs to one script: it remembers what was left out on the way to the server, to put it back on the
    way in. Raises ValueError for formats or values that cannot be converted, TypeError for params that are no dict.
    """
    if params is None:
        return None
    source = normalize_exchange_format(source_format, "source_format")
    target = normalize_exchange_format(target_format, "target_format")
    validate_format_pair(source, target)
    if _same(source, target):
        return params
    if not isinstance(params, dict):
        raise TypeError(
            f"{source.value} parameters become {target.value} ones key by key, so they must be a dict, not "
            f"{type(params).__name__}"
        )
    converted = _CONVERSIONS[source, target](params, state)
    if source == ExchangeFormat.PYTORCH and state[_EXCLUDED] and logger is not None:
        logger.warning(
            "%d vars excluded as they were non-tensor type: %s; with the format pytorch only tensors are sent",
            len(state[_EXCLUDED]),
            list(state[_EXCLUDED]),
        )
    return converted


def _same(source: ExchangeFormat, target: ExchangeFormat) -> bool:
    return source is target or source is ExchangeFormat.RAW or target is ExchangeFormat.RAW


def _to_torch(params: _Params, state: _State) -> _Params:
    import numpy as np

    torch = _framework("torch", ExchangeFormat.PYTORCH)
    shapes = state.get(_SHAPES) or {}
    tensors = {
        key: torch.as_tensor(np.reshape(value, shapes[key]) if key in shapes else value)
        for key, value in params.items()
    }
    return tensors | (state.get(_EXCLUDED) or {})


def _from_torch(params: _Params, state: _State) -> _Params:
    torch = _framework("torch", ExchangeFormat.PYTORCH)
    tensors = {key: value for key, value in params.items() if isinstance(value, torch.Tensor)}
    excluded = {key: value for key, value in params.items() if key not in tensors}
    arrays = {key: _array(key, value) for key, value in tensors.items()}
    state[_SHAPES] = {key: value.shape for key, value in tensors.items()}
    state[_EXCLUDED] = excluded
    return arrays


def _array(key: str, tensor: Any) -> Any:
    try:
        return tensor.detach().cpu().numpy()
    except Exception as error:
        raise ValueError(
            f"the tensor {key!r} of {tensor.dtype} has no numpy form ({error}); "
            "convert it, or let the server expect pytorch"
        ) from error


def _to_layers(params: _Params, _state: _State) -> _Params:
    layers: _Params = {}
    for key, value in params.items():
        if LAYER_MARK in key:
            layers.setdefault(key.split(LAYER_MARK)[0], []).append(value)
    return layers


def _from_layers(params: _Params, _state: _State) -> _Params:
    return {
        f"{layer}{LAYER_MARK}{i}": weight
        for layer, weights in params.items()
        for i, weight in enumerate(weights)
    }


def _framework(module: str, form: ExchangeFormat) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ExchangeError(
            f"{form.value} parameters need {module}, which cannot be imported; install it, or say what the script "
            "takes: ScriptRunner(..., framework=FrameworkType.NUMPY), for one"
        ) from None


_CONVERSIONS: dict[tuple[ExchangeFormat, ExchangeFormat], Callable[[_Params, _State], _Params]] = {
    (ExchangeFormat.NUMPY, ExchangeFormat.PYTORCH): _to_torch,
    (ExchangeFormat.PYTORCH, ExchangeFormat.NUMPY): _from_torch,
    (ExchangeFormat.NUMPY, ExchangeFormat.KERAS_LAYER_WEIGHTS): _to_layers,
    (ExchangeFormat.KERAS_LAYER_WEIGHTS, ExchangeFormat.NUMPY): _from_layers,
}


def numerical_params_diff(original: Mapping[str, Any], new: Mapping[str, Any]) -> _Params:
    """New - original for the keys that both have; lists element by element.

    Raises ExchangeError, a RuntimeError, when they share no key.
    """
    common = [key for key in original if key in new]
    if not common:
        raise ExchangeError(
            f"the parameters sent and those received have no common keys: {sorted(new)} and {sorted(original)}"
        )
    return {key: _minus(new[key], original[key]) for key in common}


def _minus(new: Any, original: Any) -> Any:
    if isinstance(new, list) and isinstance(original, list):
        return [value - original[i] for i, value in enumerate(new)]
    return new - original
