"""CCWFJob: client-controlled workflows (swarm learning, cyclic, cross-site evaluation)."""

from __future__ import annotations

from typing import Any

from fedjob.flare import paths
from fedjob.job import roles
from fedjob.job.api import FedJob
from fedjob.job.defs import ALL_SITES
from fedjob.job.patterns import add_executor, add_workflow

_ROLES = {
    "executor": paths.EXECUTOR,
    "persistor": paths.MODEL_PERSISTOR,
    "shareable_generator": paths.SHAREABLE_GENERATOR,
    "aggregator": paths.AGGREGATOR,
    "metric_comparator": paths.METRIC_COMPARATOR,
    "model_selector": paths.WIDGET,
}
_OPTIONAL = {"metric_comparator", "model_selector"}


class _Config:
    """Holds its arguments as attributes; what goes to a client must play its role (JobTypeError)."""

    def _hold(self, arguments: dict[str, Any]) -> None:
        for name, value in arguments.items():
            if name in _ROLES and not (name in _OPTIONAL and not value):
                roles.require(name, value, _ROLES[name])
        self.__dict__.update({name: value for name, value in arguments.items() if name != "self"})

    def _pick(self, *leave_out: str) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in leave_out}


class SwarmServerConfig(_Config):
    def __init__(
        self,
        num_rounds: int,
        start_round: int = 0,
        start_task_timeout: float = 10,
        configure_task_timeout: float = 300,
        participating_clients: list[str] | None = None,
        result_clients: list[str] | None = None,
        starting_client: str = "",
        max_status_report_interval: float = 90.0,
        progress_timeout: float = 3600.0,
        private_p2p: bool = True,
        aggr_clients: list[str] | None = None,
        train_clients: list[str] | None = None,
        min_clients: int = 0,
    ) -> None:
        self._hold(locals())


class SwarmClientConfig(_Config):
    def __init__(
        self,
        executor: Any,
        persistor: Any,
        shareable_generator: Any,
        aggregator: Any,
        metric_comparator: Any = None,
        model_selector: Any = None,
        learn_task_check_interval: float = 1.0,
        learn_task_abort_timeout: float = 5.0,
        learn_task_ack_timeout: float = 10,
        learn_task_timeout: float | None = None,
        final_result_ack_timeout: float = 10,
        min_responses_required: int = 1,
        wait_time_after_min_resps_received: float = 10.0,
        request_to_submit_result_msg_timeout: float = 5.0,
        request_to_submit_result_max_wait: float | None = None,
        request_to_submit_result_interval: float = 1.0,
        max_concurrent_submissions: int = 1,
        memory_gc_rounds: int = 1,
        cuda_empty_cache: bool = False,
        enable_tensor_disk_offload: bool = False,
    ) -> None:
        self._hold(locals())


class CyclicServerConfig(_Config):
    def __init__(
        self,
        num_rounds: int,
        start_task_timeout: float = 10,
        configure_task_timeout: float = 300,
        participating_clients: list[str] | None = None,
        result_clients: list[str] | None = None,
        starting_client: str = "",
        max_status_report_interval: float = 90.0,
        progress_timeout: float = 3600.0,
        private_p2p: bool = True,
        cyclic_order: str = "fixed",
    ) -> None:
        self._hold(locals())


class CyclicClientConfig(_Config):
    def __init__(
        self,
        executor: Any,
        persistor: Any,
        shareable_generator: Any,
        learn_task_abort_timeout: float = 5.0,
        learn_task_ack_timeout: float = 10,
        final_result_ack_timeout: float = 10,
    ) -> None:
        self._hold(locals())


class CrossSiteEvalConfig(_Config):
    def __init__(
        self,
        start_task_timeout: float = 10,
        configure_task_timeout: float = 300,
        eval_task_timeout: float = 30,
        progress_timeout: float = 3600.0,
        private_p2p: bool = True,
        participating_clients: list[str] | None = None,
        evaluators: list[str] | None = None,
        evaluatees: list[str] | None = None,
        global_model_client: str | None = None,
        max_status_report_interval: float = 90.0,
        eval_result_dir: str = "cross_site_val",
        get_model_timeout: float = 10,
    ) -> None:
        self._hold(locals())


class CCWFJob(FedJob):
    """`executor_tasks` are the tasks of the training executor; `external_resources` go to everybody."""

    def __init__(
        self,
        name: str = "fed_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        executor_tasks: list[str] | None = None,
        external_resources: str | None = None,
    ) -> None:
        super().__init__(name, min_clients, mandatory_clients)
        self.executor: Any = None
        self.executor_tasks = executor_tasks or ["train", "validate", "submit_model"]
        if external_resources:
            self.to_server(external_resources)
            self.to_clients(external_resources)

    def add_swarm(
        self,
        server_config: SwarmServerConfig,
        client_config: SwarmClientConfig,
        cse_config: CrossSiteEvalConfig | None = None,
    ) -> None:
        add_workflow(self, paths.SWARM_SERVER, server_config._pick())
        ids = self._add_parts(
            client_config, "metric_comparator", "persistor", "shareable_generator", "aggregator"
        )
        args = client_config._pick(*_ROLES) | ids
        add_executor(self, ALL_SITES, paths.SWARM_CLIENT, ["swarm_*"], args)
        self._add_training(client_config)
        self._add_parts(client_config, "model_selector")
        if cse_config:
            self.add_cross_site_eval(cse_config, ids["persistor_id"])

    def add_cyclic(
        self,
        server_config: CyclicServerConfig,
        client_config: CyclicClientConfig,
        cse_config: CrossSiteEvalConfig | None = None,
    ) -> None:
        add_workflow(self, paths.CYCLIC_SERVER, server_config._pick())
        ids = self._add_parts(client_config, "persistor", "shareable_generator")
        args = client_config._pick(*_ROLES) | ids
        add_executor(self, ALL_SITES, paths.CYCLIC_CLIENT, ["cyclic_*"], args)
        self._add_training(client_config)
        if cse_config:
            self.add_cross_site_eval(cse_config, ids["persistor_id"])

    def add_cross_site_eval(self, cse_config: CrossSiteEvalConfig, persistor_id: str) -> None:
        server = cse_config._pick("get_model_timeout")
        add_workflow(self, paths.CROSS_SITE_EVAL_SERVER, server)
        client = {"persistor_id": persistor_id, "get_model_timeout": cse_config._pick()["get_model_timeout"]}
        add_executor(self, ALL_SITES, paths.CROSS_SITE_EVAL_CLIENT, ["cse_*"], client)

    def _add_parts(self, config: _Config, *parts: str) -> dict[str, Any]:
        """Send the parts that the config holds to the clients; returns their ids as arguments."""
        held = config._pick()
        return {f"{part}_id": self.to_clients(held[part], id=part) if held[part] else None for part in parts}

    def _add_training(self, config: _Config) -> None:
        """The training executor serves all workflows, so it is added once."""
        if not self.executor:
            self.executor = config._pick()["executor"]
            self.to_clients(self.executor, tasks=self.executor_tasks)
