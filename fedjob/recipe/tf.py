"""Recipes for TensorFlow: ``nvflare.app_opt.tf.recipes``. tensorflow itself is not imported."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.flare import paths
from fedjob.job.base_fed_job import BaseFedJob
from fedjob.job.models import TFModel
from fedjob.job.patterns import add_workflow
from fedjob.job.script_runner import ScriptRunner
from fedjob.job.tf import BaseFedJob as KerasJob
from fedjob.recipe import cyclic, fedavg
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import (
    as_config,
    at_least,
    carry_checkpoint,
    check_checkpoint,
    choice,
    job_model,
)
from fedjob.recipe.pt import refuse
from fedjob.recipe.spec import Recipe

_NOT_TAKEN = (
    "stop_cond", "patience", "exclude_vars", "aggregation_weights", "enable_tensor_disk_offload",
    "cuda_empty_cache",
)  # fmt: skip


class FedAvgRecipe(fedavg.FedAvgRecipe):
    """Federated averaging of a Keras model, a dict with ``class_path`` and ``args``, or a checkpoint.

    Takes the arguments of `fedjob.recipe.fedavg.FedAvgRecipe` but those for PyTorch, stop conditions and weights.
    """

    def __init__(self, *, framework: str = "tensorflow", **options: Any) -> None:
        refuse(self, options, *_NOT_TAKEN)
        super().__init__(framework=framework, **options)

    def _setup_model_and_persistor(self, job: BaseFedJob) -> str:
        if self.model_persistor is not None:
            persistor_id: str = self._own_persistor(job)
            return persistor_id
        model = TFModel(self.model, initial_ckpt=carry_checkpoint(job, self.initial_ckpt))
        return str(job.to_server(model, id="persistor"))


class CyclicRecipe(cyclic.CyclicRecipe):
    """Cyclic learning of a Keras model; takes the arguments of `fedjob.recipe.cyclic.CyclicRecipe`."""

    def __init__(self, *, framework: str = "tensorflow", **options: Any) -> None:
        refuse(self, options, "cuda_empty_cache")
        super().__init__(framework=framework, **options)

    def _wrapped_model(self, checkpoint: str | None) -> Any:
        return TFModel(self.model, initial_ckpt=checkpoint)


class _KerasRecipe(Recipe):
    """What FedOptRecipe and ScaffoldRecipe share: a Keras model, a workflow, a script."""

    _WORKFLOW: str

    @typed
    def __init__(
        self,
        *,
        name: str,
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
    ) -> None:
        self.model = job_model(model)
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        self.min_clients = at_least("min_clients", min_clients, 1)
        self.num_rounds = at_least("num_rounds", num_rounds, 1)
        self.server_memory_gc_rounds = server_memory_gc_rounds
        job = KerasJob(self.model, self.initial_ckpt, name=name, min_clients=min_clients)
        add_workflow(job, self._WORKFLOW, self._controller_args())
        runner = ScriptRunner(
            script=train_script,
            script_args=train_args,
            launch_external_process=launch_external_process,
            command=command,
            framework="tensorflow",
            server_expected_format=choice(ExchangeFormat, "server_expected_format", server_expected_format),
            params_transfer_type=choice(TransferType, "params_transfer_type", params_transfer_type),
            memory_gc_rounds=client_memory_gc_rounds,
        )
        job.to_clients(runner)
        super().__init__(job)

    def _controller_args(self) -> dict[str, Any]:
        return {
            "num_clients": self.min_clients,
            "num_rounds": self.num_rounds,
            "memory_gc_rounds": self.server_memory_gc_rounds,
        }


class ScaffoldRecipe(_KerasRecipe):
    """SCAFFOLD (Karimireddy et al., 2020) for a Keras model; the script corrects its gradients itself."""

    _WORKFLOW = paths.SCAFFOLD

    def __init__(self, *, name: str = "scaffold", **options: Any) -> None:
        super().__init__(name=name, **options)


class FedOptRecipe(_KerasRecipe):
    """FedOpt (Reddi et al., 2021): an optimizer on the server, given as ``{"path", "args"}``, steps by the clients' updates."""

    _WORKFLOW = paths.TF_FEDOPT

    def __init__(
        self,
        *,
        name: str = "fedopt",
        optimizer_args: dict[str, Any] | None = None,
        lr_scheduler_args: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.optimizer_args = as_config(optimizer_args)
        self.lr_scheduler_args = as_config(lr_scheduler_args)
        super().__init__(name=name, **options)

    def _controller_args(self) -> dict[str, Any]:
        settings = {"optimizer_args": self.optimizer_args, "lr_scheduler_args": self.lr_scheduler_args}
        given = {name: value for name, value in settings.items() if value is not None}
        return {**super()._controller_args(), **given}
