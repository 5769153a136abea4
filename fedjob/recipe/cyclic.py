"""CyclicRecipe: the model goes from client to client."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.errors import JobError, ReleaseError
from fedjob.flare import paths
from fedjob.flare.releases import R29
from fedjob.job.api import FedJob
from fedjob.job.defs import SERVER, FrameworkType
from fedjob.job.patterns import add_component, add_workflow
from fedjob.job.plan import Plan
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import (
    arguments_of,
    at_least,
    carry_checkpoint,
    check_checkpoint,
    choice,
    job_model,
    overridden,
    since,
)
from fedjob.recipe.spec import Recipe

COMMAND = "python3 -u"
_SCRIPT_ARGUMENTS = (
    "script", "script_args", "launch_external_process", "command", "framework", "server_expected_format",
    "params_transfer_type", "launch_once", "launch_timeout", "shutdown_timeout", "memory_gc_rounds", "cuda_empty_cache",
    "execution_mode",
)  # fmt: skip


class CyclicRecipe(Recipe):
    """FLARE's ``recipe.cyclic.CyclicRecipe``. `model` is a PTModel, a TFModel or another object that adds itself to a job;
    the recipes of `pt` and `tf` take models themselves. Times are in seconds.

    The overrides are further arguments of CyclicController and ScriptRunner. Raises JobError.
    """

    @typed
    def __init__(
        self,
        *,
        name: str = "cyclic",
        model: Any = None,
        initial_ckpt: str | None = None,
        num_rounds: int = 2,
        min_clients: int = 2,
        train_script: str,
        train_args: str = "",
        launch_external_process: bool = False,
        command: str = COMMAND,
        framework: FrameworkType | str = FrameworkType.NUMPY,
        server_expected_format: ExchangeFormat | str = ExchangeFormat.NUMPY,
        params_transfer_type: TransferType | str = TransferType.FULL,
        server_memory_gc_rounds: int = 1,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        task_assignment_timeout: int = 10,
        shutdown_timeout: float = 0.0,
        server_config_overrides: dict[str, Any] | None = None,
        client_config_overrides: dict[str, Any] | None = None,
    ) -> None:
        self.model = job_model(model)
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        if model is None and initial_ckpt is None:
            raise JobError("a recipe needs a model: give model or initial_ckpt")
        self.min_clients = at_least("min_clients", min_clients, 2)
        self.num_rounds = num_rounds
        self.framework = choice(FrameworkType, "framework", framework)
        self.server_expected_format = choice(ExchangeFormat, "server_expected_format", server_expected_format)
        self.params_transfer_type = choice(TransferType, "params_transfer_type", params_transfer_type)
        job = FedJob(name=name, min_clients=min_clients)
        since(job, R29, "task_assignment_timeout in recipes", used=task_assignment_timeout != 10)
        since(job, R29, "shutdown_timeout in CyclicRecipe", used=shutdown_timeout)
        since(
            job,
            R29,
            "overrides in CyclicRecipe",
            used=server_config_overrides is not None or client_config_overrides is not None,
        )
        controller = {
            "num_rounds": num_rounds,
            "task_assignment_timeout": task_assignment_timeout,
            "persistor_id": self._setup_model_and_persistor(job),
            "shareable_generator_id": "shareable_generator",
            "task_name": "train",
            "task_check_period": 0.5,
            "memory_gc_rounds": server_memory_gc_rounds,
        }
        controller = overridden(
            controller, server_config_overrides, "server_config_overrides", arguments_of(paths.CYCLIC)
        )
        at_least("task_assignment_timeout", controller["task_assignment_timeout"], 0)
        add_workflow(job, paths.CYCLIC, controller)
        add_component(job, SERVER, "shareable_generator", paths.FULL_MODEL_GENERATOR, {})
        client: dict[str, Any] = {
            "script": train_script,
            "script_args": train_args,
            "launch_external_process": launch_external_process,
            "command": command,
            "framework": self.framework,
            "server_expected_format": self.server_expected_format,
            "params_transfer_type": self.params_transfer_type,
            "shutdown_timeout": shutdown_timeout,
            "memory_gc_rounds": client_memory_gc_rounds,
            "cuda_empty_cache": cuda_empty_cache,
        }
        client = overridden(client, client_config_overrides, "client_config_overrides", _SCRIPT_ARGUMENTS)
        if launch_external_process and command != COMMAND:
            job._app_for(SERVER).record(_refuse_command)
        job.to_clients(ScriptRunner(**client))
        super().__init__(job)

    def _setup_model_and_persistor(self, job: FedJob) -> str:
        """Send the model to the server; returns its persistor's id."""
        checkpoint = carry_checkpoint(job, self.initial_ckpt)
        model = self.model if hasattr(self.model, "add_to_fed_job") else self._wrapped_model(checkpoint)
        if checkpoint and model is self.model:
            model.initial_ckpt = self._agreed_checkpoint(model, checkpoint)
        added = job.to_server(model, id="persistor")
        return str(added["persistor_id"] if isinstance(added, dict) else added)

    def _agreed_checkpoint(self, model: Any, checkpoint: str) -> str:
        if getattr(model, "initial_ckpt", None) not in {None, checkpoint}:
            raise JobError(
                f"{type(model).__name__} has initial_ckpt={model.initial_ckpt}, the recipe {checkpoint}; give one of them"
            )
        return checkpoint

    def _wrapped_model(self, checkpoint: str | None) -> Any:
        raise JobError(
            f"CyclicRecipe cannot keep a {type(self.model).__name__}; use the recipe of the model's framework, or give a "
            "PTModel or TFModel"
        )


def _refuse_command(plan: Plan) -> None:
    if plan.release < R29:
        raise ReleaseError(
            f"CyclicRecipe of FLARE {plan.release} forgets the command; leave it out, or export for 2.9"
        )
