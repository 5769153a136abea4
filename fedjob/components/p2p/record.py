"""What peers compute their losses on and with, and the files in which these end."""

from __future__ import annotations

from typing import Any


def compute_loss_over_dataset(
    model: Any = None, loss: Any = None, dataloader: Any = None, device: Any = None
) -> float:
    """The mean loss per sample, of a `loss` that is a mean over its batch: ``nvflare.app_opt.p2p.utils.metrics``.

    Leaves the model in evaluation mode, as FLARE does. Raises ValueError where one of the first three is missing.
    """
    import torch

    missing = [
        name
        for name, value in (("model", model), ("loss", loss), ("dataloader", dataloader))
        if value is None
    ]
    if missing:
        raise ValueError(f"there is no loss over a dataset without {' and '.join(missing)}")
    model.eval()
    total = 0.0
    with torch.no_grad():
        for x, y in dataloader:
            inputs, labels = x.to(device), y.to(device)
            total += loss(model(inputs), labels).item() * inputs.size(0)
    return total / len(dataloader.dataset)


def get_device() -> Any:
    """The torch device to compute on, the fastest there is: ``nvflare.app_opt.p2p.utils.utils``."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def save(numbers: Any, name: str) -> None:
    """Write numbers as a tensor into the site's directory, where its process is."""
    import torch

    torch.save(torch.tensor(numbers), name)
