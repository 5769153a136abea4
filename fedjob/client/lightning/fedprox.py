"""The proximal gradient of FedProx inside Lightning's optimization: ``nvflare.app_opt.lightning.fedprox``.

Before each optimizer step mu * (w - w_received) is added to the gradient of every trained parameter w, which is
the gradient of mu/2 * |w - w_received|^2; the script's own loss stays as it is.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from fedjob.errors import ClientAPIError
from fedjob.exchange.app_constants import AlgorithmConstants
from fedjob.exchange.fl_model import FLModel

_PRECISIONS = {"32-true", "bf16-mixed"}


def coefficient(model: FLModel) -> float | None:
    """The mu that the server asks for, None if it does not. Raises ClientAPIError for what is no such number."""
    mu = model.meta.get(AlgorithmConstants.FEDPROX_MU)
    if AlgorithmConstants.FEDPROX_MU not in model.meta:
        return None
    if isinstance(mu, bool) or not isinstance(mu, Real) or not math.isfinite(mu) or mu < 0:
        raise ClientAPIError(f"FedProx's mu must be a finite number that is not negative, but is {mu!r}")
    return float(mu)


class FedProx:
    """One round's proximal gradient. Raises ClientAPIError for training that it cannot be added to."""

    def __init__(self, mu: float, trainer: Any, module: Any) -> None:
        self._mu = mu
        self._module = module
        self._optimizer = _only_optimizer(trainer, module)
        self._trained = _trained(self._optimizer, module)
        self._received = {name: p.detach().clone() for name, p in self._trained.items()}
        self._trainable = _trainable(module)
        self._pending = False
        self.steps = 0

    def before_step(self, optimizer: Any) -> None:
        import torch

        if optimizer is not self._optimizer or self._pending:
            raise ClientAPIError(
                "FedProx needs one step of one optimizer per training batch, and there was another"
            )
        self._check_trainable()
        if sparse := [
            n for n, p in self._trained.items() if p.grad is not None and p.grad.layout != torch.strided
        ]:
            raise ClientAPIError(f"FedProx needs dense gradients, and those of {sparse} are sparse")
        with torch.no_grad():
            for name, parameter in self._trained.items():
                drift = parameter.detach() - self._received[name]
                if parameter.grad is None:
                    parameter.grad = drift.mul(self._mu)
                else:
                    parameter.grad.add_(drift, alpha=self._mu)
        self._pending = True

    def after_batch(self) -> None:
        if self._pending:
            self._check_trainable()
            self._pending = False
            self.steps += 1

    def finish(self) -> None:
        """Make sure that the round was trained with it."""
        self._check_trainable()
        if self._pending or not self.steps:
            raise ClientAPIError("FedProx needs at least one complete optimizer step in each round")

    def _check_trainable(self) -> None:
        if _trainable(self._module) != self._trainable:
            raise ClientAPIError("with FedProx parameters can be frozen or unfrozen only between rounds")


def _only_optimizer(trainer: Any, module: Any) -> Any:
    import torch

    if not getattr(module, "automatic_optimization", True):
        raise ClientAPIError(
            "FedProx needs automatic optimization; with manual one add the proximal term yourself"
        )
    scaler = getattr(trainer, "scaler", None) or getattr(
        getattr(trainer, "precision_plugin", None), "scaler", None
    )
    precision = str(getattr(trainer, "precision", ""))
    if precision not in _PRECISIONS or scaler is not None:
        known = " or ".join(sorted(_PRECISIONS))
        raise ClientAPIError(
            f"FedProx needs the precision {known} without a gradient scaler, not {precision!r}"
        )
    optimizers = getattr(trainer, "optimizers", None) or []
    if len(optimizers) != 1:
        raise ClientAPIError(f"FedProx needs exactly one optimizer, and the trainer has {len(optimizers)}")
    if isinstance(optimizers[0], (torch.optim.LBFGS, torch.optim.SparseAdam)):
        raise ClientAPIError(f"FedProx cannot be combined with {type(optimizers[0]).__name__}")
    return optimizers[0]


def _trained(optimizer: Any, module: Any) -> dict[str, Any]:
    """The module's parameters that the optimizer trains, by name."""
    names = {id(p): name for name, p in module.named_parameters()}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if foreign := [p for p in parameters if id(p) not in names]:
        raise ClientAPIError(f"FedProx: {len(foreign)} of the optimizer's parameters are not the module's")
    if len({id(p) for p in parameters}) != len(parameters):
        raise ClientAPIError("FedProx: the optimizer has the same parameter twice")
    trained = {names[id(p)]: p for p in parameters if p.requires_grad}
    if not trained:
        raise ClientAPIError("FedProx: the optimizer trains no parameter of the module")
    return trained


def _trainable(module: Any) -> dict[str, tuple[int, bool]]:
    return {name: (id(p), p.requires_grad) for name, p in module.named_parameters()}
