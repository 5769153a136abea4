"""PTScaffoldHelper: the control variates of one site (see the Scaffold workflow).

Answers ``nvflare.app_opt.pt.scaffold``.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any


def get_lr_values(optimizer: Any) -> list[float]:
    """The learning rates of the optimizer's parameter groups."""
    return [group["lr"] for group in optimizer.state_dict()["param_groups"]]


class _Controls:
    """One control per parameter, by name; stands in for a model with the same state dict."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def state_dict(self) -> dict[str, Any]:
        return dict(self._values)

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def to(self, device: Any) -> _Controls:
        self._values = {key: value.to(device) for key, value in self._values.items()}
        return self


class PTScaffoldHelper:
    """Call `init` once; per round `load_global_controls`, `get_params`, after each step `model_update`, at the end
    `terms_update`, and send `get_delta_controls`. Controls live on the CPU. Raises RuntimeError for calls out of turn.
    """

    def __init__(self) -> None:
        self.cnt = 0  #: steps in this round
        self.c_global: Any = None
        self.c_local: Any = None
        self.c_delta_para: dict[str, Any] | None = None
        self.device: Any = None
        self._model_ref: Any = None
        self._control_correction: dict[str, Any] = {}
        self._previous_trainable_keys: set[str] | None = None
        self._round_trainable_keys: set[str] | None = None

    def init(self, model: Any) -> None:
        """Start with zero controls for the model's parameters."""
        self._model_ref = weakref.ref(model)
        parameters = dict(model.named_parameters())
        if not parameters:
            raise RuntimeError("a model without parameters has nothing to control")
        self.c_global = _Controls({k: _zeros(p) for k, p in parameters.items()})
        self.c_local = _Controls({k: _zeros(p) for k, p in parameters.items()})
        self.device = next(iter(parameters.values())).device

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Global and local controls at the start of a round; those of newly trainable parameters start at zero."""
        self.cnt = 0
        self.c_delta_para = None
        self._control_correction = {}
        parameters = dict(self._get_model().named_parameters())
        trainable = _trainable(parameters)
        if self._previous_trainable_keys is not None:
            fresh = {k: _zeros(parameters[k]) for k in trainable - self._previous_trainable_keys}
            self.c_local.load_state_dict(self.c_local.state_dict() | fresh)
        self._previous_trainable_keys = self._round_trainable_keys = trainable
        return self.c_global.state_dict(), self.c_local.state_dict()

    def model_update(self, model: Any, curr_lr: float, c_global_para: Any, c_local_para: Any) -> None:
        """Correct the model after one optimizer step at learning rate `curr_lr`."""
        import torch

        with torch.no_grad():
            for key, parameter in self._trained(model):
                correction = self._correction(key, parameter, c_global_para, c_local_para)
                parameter.add_(correction, alpha=-curr_lr)
        self.cnt += 1

    def terms_update(
        self, model: Any, curr_lr: float, c_global_para: Any, c_local_para: Any, model_global: Any
    ) -> None:
        """New local controls at the end of the round; `model_global` is the model that the round started from."""
        import torch

        if self.cnt <= 0:
            raise RuntimeError("terms_update needs at least one model_update in the round")
        start, local, changes = model_global.state_dict(), self.c_local.state_dict(), {}
        with torch.no_grad():
            for key, parameter in self._trained(model):
                correction = self._correction(key, parameter, c_global_para, c_local_para)
                moved = start[key].to(parameter) - parameter
                local[key] = (-correction + moved / (self.cnt * curr_lr)).detach().cpu()
                old = torch.as_tensor(c_local_para[key], dtype=local[key].dtype, device="cpu")
                change = local[key] - old
                # numpy has no bfloat16.
                changes[key] = (change.float() if change.dtype == torch.bfloat16 else change).numpy()
        self.c_delta_para = changes
        self.c_local.load_state_dict(local)
        self._control_correction = {}

    def load_global_controls(self, weights: Mapping[str, Any]) -> None:
        """Take over the server's controls; parameters that it has none for get zero."""
        import torch

        given: Any = weights
        if not given or not isinstance(given, Mapping):
            raise RuntimeError("the global controls must be a non-empty mapping")
        parameters = dict(self._get_model().named_parameters())
        if not parameters.keys() & weights.keys():
            raise RuntimeError(
                f"no global control is for a parameter of the model: there are {sorted(weights)[:5]} "
                f"for {sorted(parameters)[:5]}"
            )
        loaded = {}
        for key, parameter in parameters.items():
            zeros = _zeros(parameter)
            try:
                value = torch.as_tensor(weights[key]) if key in weights else zeros
            except (TypeError, ValueError, RuntimeError) as e:
                raise RuntimeError(f"the global control of {key!r} is no tensor: {e}") from e
            if value.shape != zeros.shape:
                raise RuntimeError(
                    f"the global control of {key!r} must be of shape {tuple(zeros.shape)}, but is {tuple(value.shape)}"
                )
            loaded[key] = value.to(dtype=zeros.dtype, device="cpu")
        self.c_global.load_state_dict(loaded)

    def get_delta_controls(self) -> dict[str, Any]:
        """How the local controls changed in this round, as numpy arrays. Raises ValueError before `terms_update`."""
        if self.c_delta_para is None:
            raise ValueError("the controls of this round are not there before terms_update")
        return self.c_delta_para

    def _get_model(self) -> Any:
        model = self._model_ref() if self._model_ref is not None else None
        if model is None:
            raise RuntimeError("the model that init was given is gone; keep a reference to it")
        return model

    def _trained(self, model: Any) -> list[tuple[str, Any]]:
        """The trainable parameters, which must be those of the round's start."""
        if self._round_trainable_keys is None:
            raise RuntimeError(
                "call get_params at the start of each round, before updating model or controls"
            )
        parameters = dict(model.named_parameters())
        changed = _trainable(parameters) ^ self._round_trainable_keys
        if changed:
            raise RuntimeError(
                f"requires_grad must not change during a round; it did for {sorted(changed)[:5]}"
            )
        return [(k, p) for k, p in parameters.items() if p.requires_grad]

    def _correction(self, key: str, parameter: Any, c_global: Any, c_local: Any) -> Any:
        import torch

        found = self._control_correction.get(key)
        if found is None or found.device != parameter.device or found.dtype != parameter.dtype:
            kind = {"dtype": parameter.dtype, "device": parameter.device}
            found = torch.as_tensor(c_global[key], **kind) - torch.as_tensor(c_local[key], **kind)
            self._control_correction[key] = found
        return found


def _trainable(parameters: Mapping[str, Any]) -> set[str]:
    return {key for key, parameter in parameters.items() if parameter.requires_grad}


def _zeros(parameter: Any) -> Any:
    import torch

    return torch.zeros_like(parameter.detach(), device="cpu")
