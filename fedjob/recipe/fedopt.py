"""FedOptRecipe for PyTorch: an optimizer on the server steps by the clients' updates."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fedjob.client.config import ExchangeFormat
from fedjob.errors import JobError
from fedjob.exchange.dxo import DataKind
from fedjob.flare import paths
from fedjob.flare.releases import R29
from fedjob.job import roles
from fedjob.job.defs import SERVER
from fedjob.job.patterns import add_component, add_workflow
from fedjob.job.plan import Plan, Spelled
from fedjob.job.pt import BaseFedJob
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import (
    as_config,
    at_least,
    carry_checkpoint,
    check_checkpoint,
    check_data_kind,
    choice,
    job_model,
    since,
)
from fedjob.recipe.spec import Recipe

NUM_ROUNDS = "{num_rounds}"  # stands so in the argument


class FedOptRecipe(Recipe):
    """FedOpt (Reddi et al., 2021) of a torch module, or of one given as a dict, which is built to be described.

    `optimizer_args` and `lr_scheduler_args` are ``{"path", "args"}``; ``"{num_rounds}"`` as a scheduler's ``T_max`` is the
    number of rounds. `aggregator` expects WEIGHT_DIFF. Raises JobError.
    """

    @typed
    def __init__(
        self,
        *,
        name: str = "fedopt",
        model: Any = None,
        initial_ckpt: str | None = None,
        min_clients: int,
        num_rounds: int = 2,
        train_script: str,
        train_args: str = "",
        aggregator: Any = None,
        launch_external_process: bool = False,
        command: str = "python3 -u",
        server_expected_format: ExchangeFormat | str = ExchangeFormat.NUMPY,
        device: str | None = None,
        source_model: str = "model",
        optimizer_args: dict[str, Any] | None = None,
        lr_scheduler_args: dict[str, Any] | None = None,
        server_memory_gc_rounds: int = 1,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        enable_tensor_disk_offload: bool = False,
    ) -> None:
        if model is None:
            raise JobError("FedOpt needs a model: a torch.nn.Module, or a dict with 'class_path' and 'args'")
        self.model = job_model(model)
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        self.min_clients = at_least("min_clients", min_clients, 1)
        self.num_rounds = at_least("num_rounds", num_rounds, 1)
        self.server_expected_format = choice(ExchangeFormat, "server_expected_format", server_expected_format)
        self.optimizer_args = as_config(optimizer_args)
        self.lr_scheduler_args = as_config(lr_scheduler_args)
        self.aggregator = aggregator
        if aggregator is not None:
            roles.require("aggregator", aggregator, paths.AGGREGATOR)
            check_data_kind(DataKind.WEIGHT_DIFF, aggregator, name="FedOpt's data kind")

        job = BaseFedJob(name=name, min_clients=min_clients)
        since(job, R29, "enable_tensor_disk_offload in FedOptRecipe", used=enable_tensor_disk_offload)
        job.to_server(_built(self.model), id=source_model)
        checkpoint = carry_checkpoint(job, self.initial_ckpt)
        persistor_id = job._app_for(SERVER).record(
            lambda plan: plan.add_component(self._persistor(plan, source_model, checkpoint), "persistor")
        )
        add_component(job, SERVER, "locator", paths.PT_LOCATOR, {"pt_persistor_id": persistor_id})
        generator = {
            "optimizer_args": self.optimizer_args,
            "lr_scheduler_args": _with_rounds(self.lr_scheduler_args, num_rounds),
            "source_model": source_model,
            "device": device,
        }
        generator_id = add_component(job, SERVER, "shareable_generator", paths.PT_FEDOPT_GENERATOR, generator)
        controller = {
            "min_clients": min_clients,
            "num_rounds": num_rounds,
            "wait_time_after_min_received": 0,
            "aggregator_id": self._send_aggregator(job),
            "persistor_id": "persistor",
            "shareable_generator_id": generator_id,
            "memory_gc_rounds": server_memory_gc_rounds,
            "enable_tensor_disk_offload": enable_tensor_disk_offload,
        }
        add_workflow(job, paths.SCATTER_AND_GATHER, controller)
        runner = ScriptRunner(
            script=train_script,
            script_args=train_args,
            launch_external_process=launch_external_process,
            command=command,
            framework="pytorch",
            server_expected_format=self.server_expected_format,
            params_transfer_type="DIFF",
            memory_gc_rounds=client_memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
        job.to_clients(runner)
        super().__init__(job)

    def _persistor(self, plan: Plan, source_model: str, checkpoint: str | None) -> Spelled:
        args: dict[str, Any] = {"model": source_model, "source_ckpt_file_full_name": checkpoint}
        if plan.release >= R29:
            args["allow_numpy_conversion"] = self.server_expected_format != ExchangeFormat.PYTORCH
        return Spelled(paths.PT_PERSISTOR, args)

    def _send_aggregator(self, job: BaseFedJob) -> str:
        if self.aggregator is not None:
            return str(job.to_server(self.aggregator, id="aggregator"))
        args = {"expected_data_kind": DataKind.WEIGHT_DIFF}
        return add_component(job, SERVER, "aggregator", paths.IN_TIME_AGGREGATOR, args)


def _built(model: Any) -> Any:
    """The model itself, which becomes a component; one given as a dict is built."""
    if not isinstance(model, dict):
        return model
    module, _, name = model["path"].rpartition(".")
    try:
        return getattr(import_module(module), name)(**model["args"])
    except Exception as error:
        raise JobError(f"cannot build the model {model['path']}: {error}") from error


def _with_rounds(scheduler: dict[str, Any] | None, num_rounds: int) -> dict[str, Any] | None:
    args = (scheduler or {}).get("args")
    if scheduler is None or not args or args.get("T_max") != NUM_ROUNDS:
        return scheduler
    return {**scheduler, "args": {**args, "T_max": num_rounds}}
