"""Trainer: what the peers that train a PyTorch model have in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from fedjob.components.p2p.executor import told
from fedjob.components.p2p.record import compute_loss_over_dataset, get_device, save
from fedjob.components.p2p.synchronous import SyncAlgorithmExecutor
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class Trainer(SyncAlgorithmExecutor):
    """Does a `_step` on one batch in each of ``extra["iterations"]``, with step size ``extra["stepsize"]``.

    A subclass makes model, loss (a torch module) and data in its own constructor. The losses over both data sets are put
    on record with their time in seconds: at first, and each time that the training data have come to their end. At the end
    they are saved as ``train_loss_sequence.pt`` and ``test_loss_sequence.pt``, tensors of shape (n, 2), in the site's
    directory. As in FLARE, the model is in evaluation mode throughout, and validation data are kept for subclasses.
    """

    @abstractmethod
    def __init__(
        self,
        model: Any = None,
        loss: Any = None,
        train_dataloader: Any = None,
        test_dataloader: Any = None,
        val_dataloader: Any = None,
    ) -> None:
        super().__init__()
        for name, value in (("model", model), ("loss", loss)):
            if not hasattr(value, "to"):
                raise TypeError(
                    f"{type(self).__name__} needs a torch module as {name}, but got {type(value).__name__}"
                )
        self.device = get_device()
        self.model = model.to(self.device)
        self.loss = loss.to(self.device)
        self.train_dataloader = train_dataloader
        self.test_dataloader = test_dataloader
        self.val_dataloader = val_dataloader
        self.train_loss_sequence: list[tuple[float, float]] = []
        self.test_loss_sequence: list[tuple[float, float]] = []
        self._iterations = 0
        self._stepsize = 0.0

    @abstractmethod
    def _step(self, iteration: int, data: Any, label: Any, fl_ctx: FLContext) -> None:
        """One iteration, on one batch."""

    def run_algorithm(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        batches = self._batches()
        for iteration in range(self._iterations):
            self.log_info(fl_ctx, f"iteration {iteration} of {self._iterations}")
            if abort_signal.triggered:
                return
            self._step(iteration, *next(batches), fl_ctx)
            self.neighbors_values.pop(iteration, None)

    def _pre_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        self._iterations, self._stepsize = told(shareable, "iterations", "stepsize")
        self._note_losses(0)

    def _post_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        save(self.train_loss_sequence, "train_loss_sequence.pt")
        save(self.test_loss_sequence, "test_loss_sequence.pt")

    def _batches(self) -> Iterator[tuple[Any, Any]]:
        """Batches without end."""
        started = time.time()
        while True:
            batch = None
            for batch in self.train_dataloader:
                data, label = batch
                yield data.to(self.device), label.to(self.device)
            if batch is None:
                raise ValueError(
                    f"the training data of {self.client_name} have no batches; give it data to train on"
                )
            self._note_losses(time.time() - started)

    def _note_losses(self, seconds: float) -> None:
        for losses, loader in (
            (self.train_loss_sequence, self.train_dataloader),
            (self.test_loss_sequence, self.test_dataloader),
        ):
            losses.append((seconds, compute_loss_over_dataset(self.model, self.loss, loader, self.device)))

    def _gradient(self, data: Any, label: Any) -> list[Any]:
        """That of the loss on one batch, by parameter; None for one that is not trained."""
        self.model.zero_grad()
        self.loss(self.model(data), label).backward()
        return [parameter.grad for parameter in self.model.parameters()]

    def _mix(self, own: Any, received: list[Any]) -> None:
        """Make a tensor, in place, the weighted mean of itself and its neighbours' ones, in the order of `neighbors`."""
        own.mul_(self._weight)
        for neighbor, value in zip(self.neighbors, received, strict=True):
            own.add_(value.to(self.device), alpha=neighbor.weight)
