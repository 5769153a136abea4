"""GTExecutor and GTADAMExecutor: sites that also exchange what they know of the gradient of the sum of all losses.

Answer ``nvflare.app_opt.p2p.executors.gradient_tracking`` and ``...gtadam``. Gradient tracking: Di Lorenzo and Scutari, "NEXT: in-network
nonconvex optimization", IEEE TSIPN 2016; Pu and Nedić, "Distributed stochastic gradient tracking methods", Math. Program. 2021.
GTAdam: Carnevale, Farina, Notarnicola and Notarstefano, "GTAdam: gradient tracking with adaptive momentum for distributed
online optimization", IEEE TCNS 2022.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.p2p.executor import told
from fedjob.components.p2p.trainer import Trainer
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class GTExecutor(Trainer):
    """x becomes W x - a s, and the tracker s, zero at first, W s + g(x) - g(x before): W is the neighbours' weighted mean.

    ``extra`` has ``iterations`` and ``stepsize`` (a).
    """

    def _pre_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        super()._pre_algorithm_run(fl_ctx, shareable, abort_signal)
        self.old_gradient = self._zeros()
        self.tracker = self._zeros()

    def _zeros(self) -> list[Any]:
        import torch

        return [torch.zeros_like(parameter, device=self.device) for parameter in self.model.parameters()]

    def _step(self, iteration: int, data: Any, label: Any, fl_ctx: FLContext) -> None:
        import torch

        value = {"parameters": self.model.parameters(), "tracker": self.tracker}
        self._exchange_values(fl_ctx, value=value, iteration=iteration)
        received = [self.neighbors_values[iteration][neighbor.id] for neighbor in self.neighbors]
        with torch.no_grad():
            for n, parameter in enumerate(self.model.parameters()):
                if parameter.requires_grad:
                    self._mix(parameter, [each["parameters"][n] for each in received])
            self._update_local_state(self._stepsize)
            for n, tracker in enumerate(self.tracker):
                self._mix(tracker, [each["tracker"][n] for each in received])
        gradient = [
            old if new is None else new.clone()
            for new, old in zip(self._gradient(data, label), self.old_gradient, strict=True)
        ]
        with torch.no_grad():
            for tracker, new, old in zip(self.tracker, gradient, self.old_gradient, strict=True):
                tracker.add_(new).sub_(old)
        self.old_gradient = gradient

    def _update_local_state(self, stepsize: float) -> None:
        """Move the parameters, which are the mean already, by the site's own tracker."""
        for parameter, tracker in zip(self.model.parameters(), self.tracker, strict=True):
            if parameter.requires_grad:
                parameter.add_(tracker, alpha=-stepsize)

    def _to_message(self, x: Any) -> Any:
        return {
            key: [tensor.detach().cpu().numpy() for tensor in x[key]] for key in ("parameters", "tracker")
        }

    def _from_message(self, x: Any) -> Any:
        import torch

        return {key: [torch.from_numpy(array) for array in x[key]] for key in ("parameters", "tracker")}


class GTADAMExecutor(GTExecutor):
    """Moves by moving averages of the tracker and its square, the second of which has the upper bound `G`.

    ``extra`` also has ``beta1``, ``beta2`` and ``epsilon``, which is inside of the root.
    """

    def _pre_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        import torch

        super()._pre_algorithm_run(fl_ctx, shareable, abort_signal)
        self.beta1, self.beta2, self.epsilon = told(shareable, "beta1", "beta2", "epsilon")
        self.G = torch.tensor(1e6, device=self.device)
        self.m = self._zeros()
        self.v = self._zeros()

    def _update_local_state(self, stepsize: float) -> None:
        import torch

        with torch.no_grad():
            for n, (parameter, tracker) in enumerate(zip(self.model.parameters(), self.tracker, strict=True)):
                self.m[n] = self.beta1 * self.m[n] + (1 - self.beta1) * tracker
                square = self.beta2 * self.v[n] + (1 - self.beta2) * tracker**2
                self.v[n] = torch.minimum(square, self.G)
                if parameter.requires_grad:
                    parameter.add_(self.m[n] / torch.sqrt(self.v[n] + self.epsilon), alpha=-stepsize)
