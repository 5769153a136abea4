"""One step of a server-side optimizer, with the aggregated change as its gradient.

Used by FedOpt's two forms; Reddi et al., "Adaptive federated optimization", ICLR 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def step(
    model: Any, optimizer: Any, scheduler: Any, change: Mapping[str, Any], device: Any
) -> tuple[dict[str, Any], set[str]]:
    """The model's state after the step, and the names of the parameters that the optimizer moved."""
    import torch

    model.train()
    optimizer.zero_grad()
    moved = set()
    for name, parameter in model.named_parameters():
        if name in change:
            parameter.grad = torch.as_tensor(-1.0 * change[name]).clone().to(device)
            moved.add(name)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return model.state_dict(), moved


def device_of(given: Any) -> Any:
    """A torch device; the first GPU, if there is one, when none is given."""
    import torch

    return torch.device(given or ("cuda:0" if torch.cuda.is_available() else "cpu"))
