"""FedTaskRecipe: one task for the clients, once."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.errors import JobError
from fedjob.flare import paths
from fedjob.job.api import FedJob
from fedjob.job.defs import FrameworkType
from fedjob.job.patterns import add_workflow
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import at_least, choice
from fedjob.recipe.spec import Recipe


class FedTaskRecipe(Recipe):
    """FLARE's ``recipe.fed_task.FedTaskRecipe`` (2.9): sends `task_data` to `num_clients` clients (all by default), whose
    script answers. `timeout` is in seconds, 0 for none. Raises JobError.
    """

    @typed
    def __init__(
        self,
        *,
        name: str = "fed_task",
        task_name: str = "task",
        min_clients: int,
        num_clients: int | None = None,
        min_responses: int | None = None,
        timeout: int = 0,
        task_data: dict[str, Any] | None = None,
        task_meta: dict[str, Any] | None = None,
        task_script: str,
        task_args: str = "",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        framework: FrameworkType | str = FrameworkType.RAW,
        server_expected_format: ExchangeFormat | str = ExchangeFormat.RAW,
        params_transfer_type: TransferType | str = TransferType.FULL,
        launch_once: bool = True,
        shutdown_timeout: float = 0.0,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        at_least("min_clients", min_clients, 1)
        for what, value in (("num_clients", num_clients), ("min_responses", min_responses)):
            if value is not None:
                at_least(what, value, 1)
        if num_clients is not None and min_responses is not None and min_responses > num_clients:
            raise JobError(f"min_responses={min_responses}, but only num_clients={num_clients} are asked")
        self.task_name = task_name
        self.framework = choice(FrameworkType, "framework", framework)
        job = FedJob(name=name, min_clients=min_clients)
        controller = {
            "task_name": task_name,
            "task_data": task_data,
            "task_meta": task_meta,
            "num_clients": num_clients,
            "min_responses": min_responses,
            "timeout": at_least("timeout", timeout, 0),
            "persistor_id": "",
        }
        add_workflow(job, paths.COMMAND, controller)
        runner = ScriptRunner(
            script=task_script,
            script_args=task_args,
            launch_external_process=launch_external_process,
            command=command,
            framework=self.framework,
            server_expected_format=choice(ExchangeFormat, "server_expected_format", server_expected_format),
            params_transfer_type=choice(TransferType, "params_transfer_type", params_transfer_type),
            launch_once=launch_once,
            shutdown_timeout=shutdown_timeout,
            memory_gc_rounds=client_memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
        job.to_clients(runner, tasks=[task_name])
        super().__init__(job)
