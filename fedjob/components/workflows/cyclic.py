"""Cyclic: the model goes from site to site, each going on where the last one ended.

Answers ``nvflare.app_common.workflows.cyclic``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.checks import check_non_negative_int
from fedjob.components.workflows.model_controller import ModelController


class Cyclic(ModelController):
    """`num_clients` sites per round, sampled if there are more; the model is saved after each round.

    `memory_gc_rounds` has no effect here.
    """

    def __init__(
        self,
        *args: Any,
        num_clients: int = 2,
        num_rounds: int = 5,
        start_round: int = 0,
        memory_gc_rounds: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        check_non_negative_int("memory_gc_rounds", memory_gc_rounds)
        self.num_clients = num_clients
        self.num_rounds = num_rounds
        self.start_round = start_round
        self.memory_gc_rounds = memory_gc_rounds
        self.current_round = None

    def run(self) -> None:
        """Raises IndexError, as in FLARE, when a site gives no model: without it the cycle cannot go on."""
        model = self.load_model()
        if model is None:
            return  # load_model has panicked.
        model.start_round = self.start_round
        model.total_rounds = self.num_rounds
        for number in range(self.start_round, self.start_round + self.num_rounds):
            self.current_round = model.current_round = number
            self.info(f"Round {number} started.")
            for client in self.sample_clients(self.num_clients):
                result = self.send_model_and_wait(targets=[client], data=model)[0]
                model.params, model.meta = result.params, result.meta
            self.save_model(model)
