"""CyclicServerController: starts cyclic learning, in which the sites pass the model on by themselves.

Answers ``nvflare.app_common.ccwf.cyclic_server_ctl``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.ccwf.candidates import normalize_config_arg
from fedjob.components.ccwf.common import Constant, CyclicOrder
from fedjob.components.ccwf.server import ServerSideController
from fedjob.components.checks import check_str


class CyclicServerController(ServerSideController):
    """`cyclic_order` is one of CyclicOrder. Raises ValueError for another, and when no site is to start."""

    def __init__(
        self,
        num_rounds: int,
        task_name_prefix: str = Constant.TN_PREFIX_CYCLIC,
        start_task_timeout: float = Constant.START_TASK_TIMEOUT,
        configure_task_timeout: float = Constant.CONFIG_TASK_TIMEOUT,
        task_check_period: float = Constant.TASK_CHECK_INTERVAL,
        job_status_check_interval: float = Constant.JOB_STATUS_CHECK_INTERVAL,
        participating_clients: Any = None,
        result_clients: Any = None,
        starting_client: str = "",
        max_status_report_interval: float = Constant.PER_CLIENT_STATUS_REPORT_TIMEOUT,
        progress_timeout: float = Constant.WORKFLOW_PROGRESS_TIMEOUT,
        private_p2p: bool = True,
        cyclic_order: str = CyclicOrder.FIXED,
    ) -> None:
        starting_client = normalize_config_arg(starting_client)
        if starting_client is None:
            raise ValueError("starting_client must be specified")
        super().__init__(
            num_rounds=num_rounds,
            task_name_prefix=task_name_prefix,
            start_task_timeout=start_task_timeout,
            configure_task_timeout=configure_task_timeout,
            task_check_period=task_check_period,
            job_status_check_interval=job_status_check_interval,
            participating_clients=participating_clients,
            result_clients=normalize_config_arg(result_clients),
            starting_client=starting_client,
            max_status_report_interval=max_status_report_interval,
            progress_timeout=progress_timeout,
            private_p2p=private_p2p,
        )
        check_str("cyclic_order", cyclic_order)
        if cyclic_order not in {CyclicOrder.FIXED, CyclicOrder.RANDOM}:
            raise ValueError(f"cyclic_order must be 'fixed' or 'random', but got {cyclic_order!r}")
        self.cyclic_order = cyclic_order

    def prepare_config(self) -> dict[str, Any]:
        return {Constant.ORDER: self.cyclic_order}
