"""DistOptController: tells the sites who their neighbours are, then has them run their algorithm.

Answers ``nvflare.app_opt.p2p.controllers.dist_opt_controller``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.controller import Controller
from fedjob.components.p2p.network import Config, Network
from fedjob.components.task import ClientTask, Task
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.signal import Signal

#: The tasks, as FLARE's sites know them.
TASK_CONFIG = "config"
TASK_RUN = "run_algorithm"


class DistOptController(Controller):
    """Sends each node of ``config.network`` its neighbours, one after another, and then all of them ``config.extra``.

    A site that fails ends the run: its neighbours could only wait for it. Raises ValueError, when the run begins, for a
    network that names a node twice or a neighbour that is none.
    """

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = config
        self._abort_signal = Signal()

    def start_controller(self, fl_ctx: FLContext) -> None:
        self.log_info(fl_ctx, "the peers' controller is here")

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        self._abort_signal = abort_signal
        network = self.config.network
        check(network)
        for node in network.nodes:
            neighbors = [neighbor.__dict__ for neighbor in node.neighbors]
            task = self._task(TASK_CONFIG, {"neighbors": neighbors})
            self.send_and_wait(task, fl_ctx, targets=[str(node.id)], abort_signal=abort_signal)
            if abort_signal.triggered:
                return
        self.broadcast_and_wait(
            self._task(TASK_RUN, dict(self.config.extra)),
            fl_ctx,
            targets=[str(node.id) for node in network.nodes],
            min_responses=0,
            abort_signal=abort_signal,
        )

    def stop_controller(self, fl_ctx: FLContext) -> None:
        self.log_info(fl_ctx, "the peers' controller is done")

    def _task(self, name: str, data: dict[str, Any]) -> Task:
        content = DXO(data_kind=DataKind.APP_DEFINED, data=data).to_shareable()
        return Task(name=name, data=content, result_received_cb=self._received)

    def _received(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        code = client_task.result.get_return_code() if client_task.result is not None else None
        if code in {None, ReturnCode.OK} or self._abort_signal.triggered:
            return
        self.system_panic(
            f"{client_task.client.name} answered task {client_task.task.name!r} with {code}, and its neighbours cannot go on"
            " without it; see the errors of that site",
            fl_ctx,
        )


def check(network: Network) -> None:
    """Raise ValueError unless every node is there once and every neighbour is a node."""
    ids = [node.id for node in network.nodes]
    if not ids:
        raise ValueError("the network has no nodes; give it one for each site")
    twice = sorted({str(each) for each in ids if ids.count(each) > 1})
    if twice:
        raise ValueError(f"the network has more than one node {', '.join(twice)}; give each site one")
    for node in network.nodes:
        unknown = [neighbor.id for neighbor in node.neighbors if neighbor.id not in ids]
        if unknown:
            raise ValueError(
                f"{node.id} has the neighbours {unknown}, which are no nodes of the network; its nodes are {ids}"
            )
