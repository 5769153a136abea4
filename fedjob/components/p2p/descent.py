"""DGDExecutor: distributed (stochastic) gradient descent.

Answers ``nvflare.app_opt.p2p.executors.distributed_gradient_descent``; Nedić and Ozdaglar, "Distributed subgradient methods for
multi-agent optimization", IEEE TAC 2009. As in FLARE, the gradient is taken where the mean is, not where the site was
before: combine, then adapt (Cattivelli and Sayed, "Diffusion LMS strategies for distributed estimation", IEEE TSP 2010).
"""

from __future__ import annotations

from typing import Any

from fedjob.components.p2p.trainer import Trainer
from fedjob.exchange.fl_context import FLContext


class DGDExecutor(Trainer):
    """x becomes y - a g(y), where y is the weighted mean of the neighbours' x, a the step size, g the gradient on a batch.

    ``extra`` has ``iterations`` and ``stepsize``. Parameters that are not trained stay as they are, and do not travel.
    """

    def _step(self, iteration: int, data: Any, label: Any, fl_ctx: FLContext) -> None:
        import torch

        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self._exchange_values(fl_ctx, value=self.model.parameters(), iteration=iteration)
        received = self.neighbors_values[iteration]
        with torch.no_grad():
            for n, parameter in enumerate(trained):
                self._mix(parameter, [received[neighbor.id][n] for neighbor in self.neighbors])
        self._gradient(data, label)
        with torch.no_grad():
            for parameter in trained:
                if parameter.grad is not None:
                    parameter.add_(parameter.grad, alpha=-self._stepsize)

    def _to_message(self, x: Any) -> Any:
        return [parameter.detach().cpu().numpy() for parameter in x if parameter.requires_grad]

    def _from_message(self, x: Any) -> Any:
        import torch

        return [torch.from_numpy(array) for array in x]
