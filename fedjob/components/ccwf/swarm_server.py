"""SwarmServerController: starts swarm learning, in which the sites aggregate by turns.

Answers ``nvflare.app_common.ccwf.swarm_server_ctl``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.ccwf.candidates import DefaultValuePolicy, normalize_config_arg, validate_candidates
from fedjob.components.ccwf.common import Constant
from fedjob.components.ccwf.server import ServerSideController
from fedjob.exchange.fl_context import FLContext


class SwarmServerController(ServerSideController):
    """`train_clients` train, one of `aggr_clients` aggregates in each round; both are all sites by default.

    Raises ValueError when no site is to start.
    """

    def __init__(
        self,
        num_rounds: int,
        start_round: int = 0,
        task_name_prefix: str = Constant.TN_PREFIX_SWARM,
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
        aggr_clients: Any = None,
        train_clients: Any = None,
        min_clients: int = 0,
    ) -> None:
        starting_client = normalize_config_arg(starting_client)
        if starting_client is None:
            raise ValueError("starting_client must be specified")
        super().__init__(
            num_rounds=num_rounds,
            start_round=start_round,
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
            min_clients=min_clients,
        )
        self.aggr_clients = aggr_clients or []
        self.train_clients = train_clients or []

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Raises RuntimeError when a participant neither trains nor aggregates."""
        super().start_controller(fl_ctx)
        sites = self.participating_clients
        for attribute in ("train_clients", "aggr_clients"):
            given = getattr(self, attribute)
            found = validate_candidates(attribute, given, sites, DefaultValuePolicy.ALL, allow_none=False)
            setattr(self, attribute, found)
        idle = [s for s in sites if s not in self.train_clients and s not in self.aggr_clients]
        if idle:
            raise RuntimeError(f"sites {idle} neither train nor aggregate")
        fl_ctx.set_prop(Constant.PROP_KEY_TRAIN_CLIENTS, self.train_clients, private=True, sticky=True)

    def prepare_config(self) -> dict[str, Any]:
        return {Constant.AGGR_CLIENTS: self.aggr_clients, Constant.TRAIN_CLIENTS: self.train_clients}
