"""BaseDistOptExecutor: a site's part in a peer-to-peer algorithm.

Answers ``nvflare.app_opt.p2p.executors.base_dist_opt_executor``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from fedjob.components.p2p.controller import TASK_CONFIG, TASK_RUN
from fedjob.components.p2p.network import LocalConfig, Neighbor
from fedjob.components.roles import Executor
from fedjob.exchange.dxo import from_shareable
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class BaseDistOptExecutor(Executor, ABC):
    """Write `run_algorithm`, `_exchange_values` and `_handle_neighbor_value`.

    From the run's start there are `client_name` and `id`, the number in the site's name (``site-3``: 3); from the task
    ``config`` on `config`, `neighbors` and `_weight`, which is what the neighbours' weights leave of 1 for the site itself.
    """

    _EVENTS = frozenset({EventType.START_RUN})

    def __init__(self) -> None:
        super().__init__()
        self.id: int | None = None
        self.client_name: str | None = None
        self.config: LocalConfig | None = None
        self._weight: float | None = None
        self.neighbors: list[Neighbor] = []

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            name = fl_ctx.get_identity_name()
            self.client_name = name
            try:
                self.id = int(name.split("-")[1])
            except (IndexError, ValueError):
                self.system_panic(
                    f"{name!r} has no number, by which peers are told apart; call the sites site-1, site-2 and so on",
                    fl_ctx,
                )

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if task_name == TASK_CONFIG:
            self._configure(LocalConfig(**from_shareable(shareable).data))
        elif task_name == TASK_RUN:
            self._pre_algorithm_run(fl_ctx, shareable, abort_signal)
            self.run_algorithm(fl_ctx, shareable, abort_signal)
            # Where a run is broken off is chance; FLARE saves what has been done if it was between two exchanges.
            if not abort_signal.triggered:
                self._post_algorithm_run(fl_ctx, shareable, abort_signal)
        else:
            self.log_warning(fl_ctx, f"{type(self).__name__} has no answer to task {task_name!r}")
            return make_reply(ReturnCode.TASK_UNKNOWN)
        return make_reply(ReturnCode.OK)

    def _configure(self, config: LocalConfig) -> None:
        without = [neighbor.id for neighbor in config.neighbors if neighbor.weight is None]
        if without:
            raise ValueError(
                f"the neighbours {without} have no weight; give each Neighbor of the network one"
            )
        self.config = config
        self.neighbors = config.neighbors
        self._weight = 1.0 - sum(neighbor.weight or 0.0 for neighbor in self.neighbors)

    @abstractmethod
    def run_algorithm(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        """The algorithm, from the first to the last iteration; `shareable` carries the network's `extra`."""

    def _pre_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        """Called before `run_algorithm`."""

    def _post_algorithm_run(self, fl_ctx: FLContext, shareable: Shareable, abort_signal: Signal) -> None:
        """Called after `run_algorithm`, unless that raised or the run was aborted."""

    @abstractmethod
    def _exchange_values(self, fl_ctx: FLContext, value: Any, *args: Any, **kwargs: Any) -> None:
        """Give `value` to the neighbours and take theirs."""

    @abstractmethod
    def _handle_neighbor_value(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        """Take what a neighbour has sent; the reply is for the neighbour."""

    def _to_message(self, x: Any) -> Any:
        """A value as it travels."""
        return x

    def _from_message(self, x: Any) -> Any:
        """A value as the algorithm uses it, from what has travelled."""
        return x


def told(shareable: Shareable, *names: str) -> list[Any]:
    """What the task ``run_algorithm`` says under these names; ValueError for one that the network's `extra` lacks."""
    extra = from_shareable(shareable).data
    missing = [name for name in names if name not in extra]
    if missing:
        raise ValueError(
            f"the algorithm was not told its {' and '.join(missing)}; give them to the controller's Config, in extra"
        )
    return [extra[name] for name in names]
