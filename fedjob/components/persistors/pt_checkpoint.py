"""The content of a PyTorch checkpoint file: ``{"model": state_dict, "meta_props": ..., "train_conf": ...}``.

Answers ``nvflare.app_opt.pt.model_persistence_format_manager``.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from fedjob.components.persistors.pt_params import inspect_model_params
from fedjob.exchange.app_constants import ModelFormat
from fedjob.exchange.dxo import MetaKey
from fedjob.exchange.learnable import (
    ModelLearnable,
    ModelLearnableKey,
    make_model_learnable,
    validate_model_learnable,
)


class PTModelPersistenceFormatManager:
    """Holds a checkpoint; `data` is one, or a bare state dict. Raises TypeError when it is no dict.

    Values are torch tensors as loaded, and whatever `update` brings, numpy arrays as a rule.
    """

    PERSISTENCE_KEY_MODEL = "model"
    PERSISTENCE_KEY_TRAIN_CONF = "train_conf"
    PERSISTENCE_KEY_META_PROPS = "meta_props"

    def __init__(
        self, data: dict[str, Any], default_train_conf: Any = None, allow_numpy_conversion: bool = True
    ) -> None:
        if not isinstance(data, dict):
            raise TypeError(f"a checkpoint must be a dict, but is {type(data).__name__}")
        self.meta: dict[str, Any] | None = None
        self.train_conf: Any = None
        self.other_props: dict[str, Any] = {}
        if self.PERSISTENCE_KEY_MODEL in data:
            self.other_props = dict(data)
            self.var_dict: dict[str, Any] = self.other_props.pop(self.PERSISTENCE_KEY_MODEL)
            self.meta = self.other_props.pop(self.PERSISTENCE_KEY_META_PROPS, None)
            self.train_conf = self.other_props.pop(self.PERSISTENCE_KEY_TRAIN_CONF, None)
        else:
            self.var_dict = data
        self.train_conf = self.train_conf or default_train_conf
        self._allow_numpy_conversion = allow_numpy_conversion

    def to_model_learnable(self, exclude_vars: re.Pattern[str] | None) -> ModelLearnable:
        """The model to send, without the variables in whose names `exclude_vars` is found.

        Tensors become numpy arrays (bfloat16 as float32), unless conversion is off or a filter took them over.
        """
        kept = {k: v for k, v in self.var_dict.items() if not (exclude_vars and exclude_vars.search(k))}
        weights = {k: _to_numpy(v) if self._converts(k) else v for k, v in kept.items()}
        return make_model_learnable(weights, self.meta)

    def to_persistence_dict(self) -> dict[str, Any]:
        """The checkpoint to write."""
        import torch

        saved: dict[str, Any] = OrderedDict()
        saved[self.PERSISTENCE_KEY_MODEL] = OrderedDict(
            (k, torch.as_tensor(v) if self._converts(k) else v) for k, v in self.var_dict.items()
        )
        if self.meta:
            saved[self.PERSISTENCE_KEY_META_PROPS] = self.meta
        if self.train_conf:
            saved[self.PERSISTENCE_KEY_TRAIN_CONF] = self.train_conf
        saved.update(self.other_props)
        return saved

    def update(self, ml: ModelLearnable) -> None:
        """Take over the parameters of `ml`; some of the model's may be missing.

        Raises ValueError for another shape, an unknown name, or a learnable that is no model.
        """
        if problem := validate_model_learnable(ml):
            raise ValueError(problem)
        self.meta = ml.get(ModelLearnableKey.META, None)
        learned = ml.get(ModelLearnableKey.WEIGHTS, {})
        # A server without a model of its own takes what it gets.
        if self.var_dict or not learned:
            _check(self.var_dict, learned)
        for k, v in learned.items():
            self.var_dict[k] = v

    @staticmethod
    def get_persist_model_format() -> str:
        return ModelFormat.PT_CHECKPOINT

    def _converts(self, key: str) -> bool:
        # Encrypted values, say, are marked as processed: they are nobody's tensors.
        processed = (self.meta or {}).get(MetaKey.PROCESSED_KEYS, {})
        return self._allow_numpy_conversion and not processed.get(key, False)


def _to_numpy(value: Any) -> Any:
    import torch

    on_cpu = value.cpu()
    return on_cpu.to(torch.float32).numpy() if value.dtype == torch.bfloat16 else on_cpu.numpy()


def _check(expected: dict[str, Any], learned: dict[str, Any]) -> None:
    report = inspect_model_params(expected, learned)
    if report.shape_mismatches:
        raise ValueError(report.format_shape_mismatch_error())
    if learned and not report.matched_keys:
        raise ValueError(report.format_zero_match_error())
    if report.unexpected_keys:
        raise ValueError(report.format_unexpected_keys_error())
