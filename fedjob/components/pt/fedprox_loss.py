"""PTFedProxLoss: how far a local model has gone from the global one.

Answers ``nvflare.app_opt.pt.fedproxloss``; Li et al., "Federated optimization in heterogeneous networks", MLSys 2020.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def __getattr__(name: str) -> Any:
    # The class is made when asked for: its base is torch's, and torch is not imported before.
    if name == "PTFedProxLoss":
        return _loss_class()
    raise AttributeError(f"module {__name__} has no attribute {name!r}")


@cache
def _loss_class() -> type:
    import torch
    from torch.nn.modules.loss import _Loss

    class PTFedProxLoss(_Loss):  # type: ignore[misc]  # torch is not checked
        """`mu` / 2 times the squared distance of two models' parameters. Raises ValueError for a negative `mu`."""

        def __init__(self, mu: float = 0.01) -> None:
            super().__init__()
            if mu < 0.0:
                raise ValueError(f"mu must not be negative, but got {mu}")
            self.mu = mu

        def forward(self, input: Any, target: Any) -> Any:
            """`input` is the local model, `target` the global one, which should have no gradients."""
            pairs = zip(input.parameters(), target.parameters(), strict=False)
            return sum((self.mu / 2 * torch.sum((local - glob) ** 2) for local, glob in pairs), 0.0)

    PTFedProxLoss.__qualname__ = "PTFedProxLoss"
    return PTFedProxLoss
