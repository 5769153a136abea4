"""FlowerJob: a Flower app run inside FLARE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.errors import JobError, ReleaseError
from fedjob.flare import paths
from fedjob.flare.releases import R25, R26, R27, R29
from fedjob.job import roles
from fedjob.job.api import FedJob
from fedjob.job.defs import ALL_SITES
from fedjob.job.patterns import add_executor, add_workflow
from fedjob.job.plan import Plan, Spelled

_RESERVED_ENV = "NVFLARE_ANALYTICS_BOOTSTRAP"


class FlowerJob(FedJob):
    """Runs the Flower app in the directory `flower_content`, or one that is at the sites (`flower_app_path`).

    `stream_metrics`, `analytics_receiver` and `server_app_args` belong to FLARE 2.5 and 2.6.
    """

    def __init__(
        self,
        name: str,
        flower_content: str | None = None,
        flower_app_path: str | None = None,
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        database: str = "",
        superlink_ready_timeout: float = 10.0,
        configure_task_timeout: float = 10,
        start_task_timeout: float = 10,
        max_client_op_interval: float = 90.0,
        progress_timeout: float = 3600.0,
        per_msg_timeout: float = 10.0,
        tx_timeout: float = 100.0,
        client_shutdown_timeout: float = 5.0,
        extra_env: dict[str, str] | None = None,
        run_config: dict[str, Any] | None = None,
        allow_runtime_dependency_installation: bool = False,
        *,
        server_app_args: list[str] | None = None,
        stream_metrics: bool = False,
        analytics_receiver: Any = None,
    ) -> None:
        _check(flower_content, flower_app_path, extra_env)
        meta = {"flower_predeployed": True} if flower_app_path else None
        super().__init__(name, min_clients, mandatory_clients, meta)
        controller = {
            "database": database,
            "server_app_args": server_app_args,
            "superlink_ready_timeout": superlink_ready_timeout,
            "configure_task_timeout": configure_task_timeout,
            "start_task_timeout": start_task_timeout,
            "max_client_op_interval": max_client_op_interval,
            "progress_timeout": progress_timeout,
            "run_config": run_config,
            "allow_runtime_dependency_installation": allow_runtime_dependency_installation,
            "flower_app_path": flower_app_path,
        }
        executor = {
            "per_msg_timeout": per_msg_timeout,
            "tx_timeout": tx_timeout,
            "client_shutdown_timeout": client_shutdown_timeout,
            "extra_env": None if extra_env is None else dict(extra_env),
            "allow_runtime_dependency_installation": allow_runtime_dependency_installation,
        }
        add_workflow(self, paths.FLOWER_CONTROLLER, controller)
        if flower_content:
            self.to_server(flower_content)
        clients = self._app_for(ALL_SITES)
        clients.record(
            lambda plan: (
                plan.release >= R29 and plan.add_component(Spelled(paths.METRIC_RELAY), "metric_relay")
            )
        )
        add_executor(self, ALL_SITES, paths.FLOWER_EXECUTOR, ["*"], executor)
        if flower_content:
            self.to_clients(flower_content)
        self._add_metrics(stream=stream_metrics, receiver=analytics_receiver)

    def _add_metrics(self, *, stream: bool, receiver: Any) -> None:
        if stream:
            if not receiver:
                raise JobError("stream_metrics=True needs an analytics_receiver for the server")
            roles.require("analytics_receiver", receiver, paths.ANALYTICS_RECEIVER)
            self.to_server(receiver, id="analytics_receiver")
        self._app_for(ALL_SITES).record(lambda plan: _add_relay(plan, stream=stream))


def _add_relay(plan: Plan, *, stream: bool) -> None:
    """How metrics leave the clients before 2.9: 2.7 and 2.8 always, earlier releases when asked."""
    if plan.release >= R29:
        return
    if stream and plan.release >= R27:
        raise ReleaseError(f"FLARE {plan.release} has no stream_metrics; it went with 2.7")
    relays: list[str] = []
    if stream or plan.release >= R27:
        root = "{ROOT_URL}" if plan.release == R25 else "{CP_URL}"
        pipe = {
            "mode": "PASSIVE",
            "site_name": "{SITE_NAME}",
            "token": "{JOB_ID}",
            "root_url": root,
            "secure_mode": "{SECURE_MODE}",
            "workspace_dir": "{WORKSPACE}",
        }
        relay = {
            "pipe_id": plan.add_component(Spelled(paths.CELL_PIPE, pipe), "metrics_pipe"),
            "event_type": "fed.analytix_log_stats",
            "read_interval": 0.1,
            "heartbeat_timeout": 0,
            "fed_event": True,
        }
        relays = [plan.add_component(Spelled(paths.METRIC_RELAY, relay), "metric_relay")]
    if relays or plan.release >= R26:
        plan.add_component(
            Spelled(paths.EXTERNAL_CONFIGURATOR, {"component_ids": relays}), "client_api_config_preparer"
        )


def _check(content: str | None, app_path: str | None, extra_env: dict[str, str] | None) -> None:
    if bool(content) == bool(app_path):
        raise JobError(
            "give either flower_content (a directory to travel) or flower_app_path (one at the sites), and not both"
        )
    if content and not Path(content).is_dir():
        raise JobError(f"flower_content {content} is not a directory")
    if app_path and (not app_path.startswith("local/custom/") or ".." in app_path):
        raise JobError(
            f"invalid flower_app_path {app_path!r}: it must be a path below the workspace's local/custom/"
        )
    if extra_env and _RESERVED_ENV in extra_env:
        raise JobError(f"extra_env must not hold {_RESERVED_ENV}: FLARE sets it itself")
