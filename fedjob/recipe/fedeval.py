"""FedEvalRecipe for PyTorch: evaluate a checkpoint at every client."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat
from fedjob.errors import JobError
from fedjob.flare import paths
from fedjob.job.base_fed_job import BaseFedJob
from fedjob.job.models import PTModel, is_torch_module
from fedjob.job.patterns import add_workflow
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.checks import at_least, carry_checkpoint, check_checkpoint, choice, job_model
from fedjob.recipe.per_site import PerSiteRecipe


class FedEvalRecipe(PerSiteRecipe):
    """Sends `model` with the weights of `eval_ckpt` to the clients, whose script returns metrics. Raises JobError."""

    def __init__(
        self,
        *,
        name: str = "eval",
        model: Any,
        eval_ckpt: str,
        min_clients: int,
        eval_script: str,
        eval_args: str = "",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        server_expected_format: ExchangeFormat | str = ExchangeFormat.NUMPY,
        validation_timeout: int = 6000,
        per_site_config: dict[str, dict[str, Any]] | None = None,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        if not (isinstance(model, dict) or is_torch_module(model)):
            raise JobError(
                f"model must be a torch.nn.Module or a dict with 'class_path', but is a {type(model).__name__}"
            )
        self.model = job_model(model)
        self.eval_ckpt = check_checkpoint(eval_ckpt)
        self.min_clients = at_least("min_clients", min_clients, 1)
        self.eval_script = eval_script
        self.eval_args = eval_args
        self.launch_external_process = launch_external_process
        self.command = command
        self.server_expected_format = choice(ExchangeFormat, "server_expected_format", server_expected_format)
        self.validation_timeout = validation_timeout
        self.client_memory_gc_rounds = client_memory_gc_rounds
        self.cuda_empty_cache = cuda_empty_cache
        job = BaseFedJob(name=name, min_clients=min_clients)
        job.comp_ids.update(
            job.to_server(PTModel(model=self.model, initial_ckpt=carry_checkpoint(job, self.eval_ckpt)))
        )
        controller = {"persistor_id": job.comp_ids["persistor_id"], "timeout": validation_timeout}
        add_workflow(job, paths.PT_FEDEVAL, controller)
        super().__init__(job)
        if per_site_config is not None:
            self.set_per_site_config(per_site_config)

    def _create_client_runner(self, site_config: dict[str, Any]) -> ScriptRunner:
        return ScriptRunner(
            script=site_config.get("eval_script", self.eval_script),
            script_args=site_config.get("eval_args", self.eval_args),
            launch_external_process=site_config.get("launch_external_process", self.launch_external_process),
            command=site_config.get("command", self.command),
            framework="pytorch",
            server_expected_format=site_config.get("server_expected_format", self.server_expected_format),
            memory_gc_rounds=self.client_memory_gc_rounds,
            cuda_empty_cache=self.cuda_empty_cache,
        )
