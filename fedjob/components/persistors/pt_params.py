"""Compare and assign PyTorch parameters by name.

Answers ``nvflare.app_opt.pt.utils``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SAMPLE = 5


@dataclass(frozen=True)
class ParamShapeMismatch:
    """A parameter that came with another shape."""

    key: str
    expected_shape: tuple[int, ...]
    received_shape: tuple[int, ...]


@dataclass(frozen=True)
class ModelParamMatchReport:
    """How received parameters fit those that are there; key tuples are sorted."""

    external_key_count: int
    local_key_count: int
    external_key_sample: tuple[str, ...]
    local_key_sample: tuple[str, ...]
    matched_keys: tuple[str, ...]
    unexpected_keys: tuple[str, ...]
    shape_mismatches: tuple[ParamShapeMismatch, ...]
    prefix_hint: str | None = None

    def format_context(self) -> str:
        return (
            f"received {self.external_key_count} parameters such as {list(self.external_key_sample)}; "
            f"the model has {self.local_key_count} such as {list(self.local_key_sample)}"
        )

    def format_zero_match_error(self) -> str:
        return self._with_hint("no received parameter is one of the model's")

    def format_shape_mismatch_error(self) -> str:
        shown = ", ".join(
            f"{m.key}: expected {m.expected_shape}, obtained {m.received_shape}"
            for m in self.shape_mismatches[:_SAMPLE]
        )
        return f"received parameters have other shapes than the model's: {shown}; {self.format_context()}"

    def format_unexpected_keys_warning(self) -> str:
        return self._with_hint(f"parameters that the model does not have are ignored: {self._unexpected()}")

    def format_unexpected_keys_error(self) -> str:
        return self._with_hint(f"received parameters that the model does not have: {self._unexpected()}")

    def _unexpected(self) -> str:
        more = len(self.unexpected_keys) - _SAMPLE
        return f"{list(self.unexpected_keys[:_SAMPLE])}{f' and {more} more' if more > 0 else ''}"

    def _with_hint(self, message: str) -> str:
        return "; ".join(filter(None, (message, self.format_context(), self.prefix_hint)))


def inspect_model_params(
    local_var_dict: Mapping[str, Any], model_params: Mapping[str, Any] | None
) -> ModelParamMatchReport:
    """Compare received parameters with those that are there."""
    received = model_params or {}
    matched, unexpected, mismatches = [], [], []
    for key, value in received.items():
        if key not in local_var_dict:
            unexpected.append(key)
            continue
        expected, obtained = _shape(local_var_dict[key]), _shape(value)
        if expected is not None and obtained is not None and expected != obtained:
            mismatches.append(ParamShapeMismatch(key, expected, obtained))
        else:
            matched.append(key)
    return ModelParamMatchReport(
        external_key_count=len(received),
        local_key_count=len(local_var_dict),
        external_key_sample=tuple(sorted(received)[:_SAMPLE]),
        local_key_sample=tuple(sorted(local_var_dict)[:_SAMPLE]),
        matched_keys=tuple(sorted(matched)),
        unexpected_keys=tuple(sorted(unexpected)),
        shape_mismatches=tuple(mismatches),
        prefix_hint=_prefix_hint(set(local_var_dict), sorted(received)) if unexpected else None,
    )


def feed_vars(model: Any, model_params: Mapping[str, Any] | None) -> tuple[list[Any], dict[str, Any]]:
    """The assigned values, and a state dict of `model` with the received parameters in place.

    Parameters that the model lacks are ignored. Raises RuntimeError for another shape or when none matches.
    """
    import torch

    local_var_dict = model.state_dict()
    report = inspect_model_params(local_var_dict, model_params)
    if report.shape_mismatches:
        raise RuntimeError(report.format_shape_mismatch_error())
    if model_params and not report.matched_keys:
        raise RuntimeError(report.format_zero_match_error())
    assigned = []
    for name in [n for n in local_var_dict if n in set(report.matched_keys)]:
        value = (model_params or {})[name]
        assigned.append(value)
        local_var_dict[name] = torch.as_tensor(value)
    return assigned, local_var_dict


def _shape(value: Any) -> tuple[int, ...] | None:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return tuple(shape)
    import torch

    try:
        return tuple(torch.as_tensor(value).shape)
    except Exception:  # whatever is no array has no shape to compare
        return None


def _prefix_hint(local: set[str], received: list[str]) -> str | None:
    """Wrappers (DataParallel, Lightning) put one prefix before every key; say so."""
    for prefix in dict.fromkeys(f"{key.split('.', 1)[0]}." for key in received if "." in key):
        if all(key.startswith(prefix) for key in received):
            matches = local.intersection(key.removeprefix(prefix) for key in received)
            if matches:
                return f"without the prefix {prefix!r}, {len(matches)} of {len(received)} would match"
    return None
