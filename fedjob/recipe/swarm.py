"""SwarmLearningRecipe for PyTorch: clients aggregate in turn, the server only starts and watches."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from fedjob.client.config import ExchangeFormat
from fedjob.errors import JobError
from fedjob.exchange.dxo import DataKind
from fedjob.flare import paths
from fedjob.flare.releases import R29
from fedjob.job.api import FedJob, JobCtx
from fedjob.job.ccwf_job import CCWFJob, CrossSiteEvalConfig, SwarmClientConfig, SwarmServerConfig
from fedjob.job.patterns import Part
from fedjob.job.plan import Plan, Spelled
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.checks import (
    at_least,
    check_checkpoint,
    check_data_kind,
    choice,
    job_model,
    one_of,
    overridden,
    since,
)
from fedjob.recipe.spec import Recipe

_OF_THE_RECIPE = {
    "executor", "aggregator", "persistor", "shareable_generator", "model_selector", "min_responses_required",
}  # fmt: skip
_OF_THE_SCRIPT = {
    "script", "launch_external_process", "command", "framework", "aggregation_format", "server_expected_format",
    "memory_gc_rounds", "cuda_empty_cache",
}  # fmt: skip


class BaseSwarmLearningRecipe(Recipe):
    """Swarm learning as its configurations say."""

    def __init__(
        self,
        name: str,
        server_config: SwarmServerConfig,
        client_config: SwarmClientConfig,
        cse_config: CrossSiteEvalConfig | None = None,
        min_clients: int = 1,
    ) -> None:
        job = CCWFJob(name=name, min_clients=min_clients)
        job.add_swarm(server_config, client_config, cse_config)
        super().__init__(job)


class SwarmLearningRecipe(BaseSwarmLearningRecipe):
    """Swarm learning of a torch module, or of one given as a dict. `train_args` are further arguments of ScriptRunner, the
    overrides of SwarmServerConfig and SwarmClientConfig; times are in seconds. Raises JobError.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        num_rounds: int,
        train_script: str,
        min_clients: int,
        initial_ckpt: str | None = None,
        train_args: dict[str, Any] | None = None,
        do_cross_site_eval: bool = False,
        cross_site_eval_timeout: float = 300,
        launch_external_process: bool = False,
        command: str = "python3 -u",
        memory_gc_rounds: int = 1,
        cuda_empty_cache: bool = False,
        expected_data_kind: DataKind | str = DataKind.WEIGHTS,
        params_transfer_type: str = "FULL",
        start_task_timeout: float = 300,
        progress_timeout: float = 3600,
        max_status_report_interval: float = 300,
        round_timeout: float = 3600,
        learn_task_timeout: float | None = None,
        max_concurrent_submissions: int = 1,
        learn_task_abort_timeout: float | None = None,
        learn_task_ack_timeout: float | None = None,
        final_result_ack_timeout: float | None = None,
        server_config_overrides: dict[str, Any] | None = None,
        client_config_overrides: dict[str, Any] | None = None,
        aggregation_format: ExchangeFormat | str = ExchangeFormat.NUMPY,
        enable_tensor_disk_offload: bool = False,
        key_metric: str | None = "accuracy",
        key_metric_mode: str = "max",
    ) -> None:
        check_data_kind(expected_data_kind, None, name="expected_data_kind")
        one_of("key_metric_mode", key_metric_mode, ("min", "max"))
        if taken := sorted(_OF_THE_SCRIPT & set(train_args or ())):
            raise JobError(f"train_args has {taken[0]!r}, which the recipe sets itself")
        self.aggregation_format = choice(ExchangeFormat, "aggregation_format", aggregation_format)
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        server = {
            "num_rounds": num_rounds,
            "start_task_timeout": start_task_timeout,
            "progress_timeout": progress_timeout,
            "max_status_report_interval": max_status_report_interval,
            "min_clients": min_clients,
        }
        server_config = SwarmServerConfig(
            **overridden(
                server,
                server_config_overrides,
                "server_config_overrides",
                _parameters(SwarmServerConfig) - {"min_clients"},
            )
        )
        runner = ScriptRunner(
            script=train_script,
            launch_external_process=launch_external_process,
            command=command,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
            server_expected_format=self.aggregation_format,
            params_transfer_type=params_transfer_type,
            **(train_args or {}),
        )
        client = {
            "executor": runner,
            "aggregator": Part(paths.IN_TIME_AGGREGATOR, {"expected_data_kind": expected_data_kind}),
            "persistor": _Persistor(
                job_model(model),
                initial_ckpt=_place(self.initial_ckpt),
                allow_numpy_conversion=self.aggregation_format != ExchangeFormat.PYTORCH,
            ),
            "shareable_generator": Part(paths.SIMPLE_GENERATOR, {}),
            "enable_tensor_disk_offload": enable_tensor_disk_offload,
            "memory_gc_rounds": memory_gc_rounds,
            "cuda_empty_cache": cuda_empty_cache,
            "min_responses_required": min_clients,
            "learn_task_timeout": learn_task_timeout,
            "max_concurrent_submissions": at_least(
                "max_concurrent_submissions", max_concurrent_submissions, 1
            ),
            "learn_task_ack_timeout": round_timeout
            if learn_task_ack_timeout is None
            else learn_task_ack_timeout,
            "final_result_ack_timeout": round_timeout
            if final_result_ack_timeout is None
            else final_result_ack_timeout,
        }
        if learn_task_abort_timeout is not None:
            client["learn_task_abort_timeout"] = learn_task_abort_timeout
        if key_metric is not None:
            selector = {"key_metric": key_metric, "negate_key_metric": key_metric_mode == "min"}
            client["model_selector"] = Part(paths.MODEL_SELECTOR, selector, since=R29)
        client_config = SwarmClientConfig(
            **overridden(
                client,
                client_config_overrides,
                "client_config_overrides",
                _parameters(SwarmClientConfig) - _OF_THE_RECIPE,
            )
        )
        evaluation = (
            CrossSiteEvalConfig(eval_task_timeout=cross_site_eval_timeout) if do_cross_site_eval else None
        )
        super().__init__(name, server_config, client_config, evaluation, min_clients)
        later = {
            "learn_task_timeout": learn_task_timeout,
            "learn_task_abort_timeout": learn_task_abort_timeout,
            "learn_task_ack_timeout": learn_task_ack_timeout,
            "final_result_ack_timeout": final_result_ack_timeout,
            "max_concurrent_submissions": max_concurrent_submissions != 1,
            "enable_tensor_disk_offload": enable_tensor_disk_offload,
            "aggregation_format": self.aggregation_format != ExchangeFormat.NUMPY,
            "overrides": server_config_overrides or client_config_overrides,
            "key_metric": key_metric not in {None, "accuracy"} or key_metric_mode != "max",
        }
        for what, used in later.items():
            since(self.job, R29, f"{what} in SwarmLearningRecipe", used=used)
        if self.initial_ckpt is not None and not Path(self.initial_ckpt).is_absolute():
            self.job.add_file_to_clients(self.initial_ckpt)


class _Persistor:
    """The clients' persistor, which before 2.9 is told nothing of formats."""

    def __init__(self, model: Any, initial_ckpt: str | None, *, allow_numpy_conversion: bool) -> None:
        self.args = {"model": model, "source_ckpt_file_full_name": initial_ckpt}
        self.formats = {"allow_numpy_conversion": allow_numpy_conversion}

    def add_to_fed_job(self, job: FedJob, ctx: JobCtx) -> str:
        persistor_id: str = job.record(self._add, ctx)
        return persistor_id

    def _add(self, plan: Plan) -> str:
        more = self.formats if plan.release >= R29 else {}
        return plan.add_component(Spelled(paths.PT_PERSISTOR, {**self.args, **more}), "persistor")


def _place(checkpoint: str | None) -> str | None:
    """A relative checkpoint travels with the job, and is known by its name there."""
    return checkpoint if checkpoint is None or Path(checkpoint).is_absolute() else Path(checkpoint).name


def _parameters(config: type) -> set[str]:
    return set(inspect.signature(config).parameters)
