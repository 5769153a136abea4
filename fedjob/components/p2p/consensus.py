"""ConsensusExecutor: sites agree on the mean of their values.

Answers ``nvflare.app_opt.p2p.executors.consensus``; DeGroot, "Reaching a consensus", JASA 1974; Xiao and Boyd, "Fast linear
iterations for distributed averaging", Systems & Control Letters 2004.
"""

from __future__ import annotations

import random
from typing import Any

from fedjob.components.p2p.executor import told
from fedjob.components.p2p.record import save
from fedjob.components.p2p.synchronous import SyncAlgorithmExecutor
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class ConsensusExecutor(SyncAlgorithmExecutor):
    """In each of ``extra["iterations"]`` a site's value becomes the weighted mean of its own and its neighbours'.

    Without an `initial_value` it starts with a random one in [0, 1). All its values are saved as the tensor
    ``value_sequence.pt`` in the site's directory.
    """

    def __init__(self, initial_value: float | None = None) -> None:
        super().__init__()
        if initial_value is None:
            initial_value = random.random()  # noqa: S311  # the site's own generator
        self.initial_value = initial_value
        self.current_value: Any = self.initial_value
        self.value_history: list[Any] = [self.current_value]

    def run_algorithm(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        (iterations,) = told(shareable, "iterations")
        for iteration in range(iterations):
            if abort_signal.triggered:
                return
            self._exchange_values(fl_ctx, value=self.current_value, iteration=iteration)
            received = self.neighbors_values.pop(iteration, {})
            mean = self.current_value * self._weight
            for neighbor in self.neighbors:
                mean += received[neighbor.id] * neighbor.weight
            self.current_value = mean
            self.value_history.append(mean)

    def _post_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        save(self.value_history, "value_sequence.pt")
