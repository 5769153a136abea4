"""ScaffoldRecipe for PyTorch: FedAvg with control variates."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.flare import paths
from fedjob.flare.releases import R29
from fedjob.job.models import PTModel
from fedjob.job.patterns import add_workflow
from fedjob.job.plan import Plan, Spelled
from fedjob.job.pt import BaseFedJob
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import at_least, carry_checkpoint, check_checkpoint, choice, job_model, since
from fedjob.recipe.spec import Recipe


class ScaffoldRecipe(Recipe):
    """SCAFFOLD (Karimireddy et al., 2020) of a torch module, or of one given as a dict; the script corrects its gradients
    with PTScaffoldHelper. Raises JobError.
    """

    @typed
    def __init__(
        self,
        *,
        name: str = "scaffold",
        model: Any = None,
        initial_ckpt: str | None = None,
        min_clients: int,
        num_rounds: int = 2,
        train_script: str,
        train_args: str = "",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        server_expected_format: ExchangeFormat | str = ExchangeFormat.NUMPY,
        params_transfer_type: TransferType | str = TransferType.FULL,
        server_memory_gc_rounds: int = 0,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        enable_tensor_disk_offload: bool = False,
    ) -> None:
        self.model = job_model(model)
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        self.min_clients = at_least("min_clients", min_clients, 1)
        self.num_rounds = at_least("num_rounds", num_rounds, 1)
        self.server_expected_format = choice(ExchangeFormat, "server_expected_format", server_expected_format)
        job = BaseFedJob(name=name, min_clients=min_clients)
        since(job, R29, "enable_tensor_disk_offload in ScaffoldRecipe", used=enable_tensor_disk_offload)
        controller = {
            "num_clients": min_clients,
            "num_rounds": num_rounds,
            "persistor_id": self._send_model(job),
            "memory_gc_rounds": server_memory_gc_rounds,
            "enable_tensor_disk_offload": enable_tensor_disk_offload,
        }
        add_workflow(job, paths.SCAFFOLD, controller)
        runner = ScriptRunner(
            script=train_script,
            script_args=train_args,
            launch_external_process=launch_external_process,
            command=command,
            framework="pytorch",
            server_expected_format=self.server_expected_format,
            params_transfer_type=choice(TransferType, "params_transfer_type", params_transfer_type),
            memory_gc_rounds=client_memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
        job.to_clients(runner)
        super().__init__(job)

    def _send_model(self, job: BaseFedJob) -> str:
        if self.model is None and self.initial_ckpt is None:
            return ""
        model = _ScaffoldModel(
            model=self.model,
            initial_ckpt=carry_checkpoint(job, self.initial_ckpt),
            allow_numpy_conversion=self.server_expected_format != ExchangeFormat.PYTORCH,
        )
        return str(job.to_server(model, id="persistor")["persistor_id"])


class _ScaffoldModel(PTModel):
    """Before 2.9, the recipe says nothing of formats to the persistor."""

    def _persistor(self, plan: Plan) -> Spelled:
        spelled = super()._persistor(plan)
        if plan.release < R29:
            spelled.args.pop("allow_numpy_conversion", None)
        return spelled
