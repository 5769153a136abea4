"""Recipes for NumPy: ``nvflare.app_common.np.recipes``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.errors import JobError
from fedjob.flare import paths
from fedjob.flare.releases import R29
from fedjob.job.api import FedJob
from fedjob.job.defs import ALL_SITES, SERVER, FrameworkType
from fedjob.job.patterns import add_component, add_executor, add_workflow
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe import fedavg
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import at_least, carry_checkpoint, check_checkpoint
from fedjob.recipe.pt import refuse
from fedjob.recipe.spec import Recipe

_NOT_TAKEN = (
    "framework", "model_persistor", "launch_timeout", "server_memory_gc_rounds", "enable_tensor_disk_offload",
)  # fmt: skip


class NumpyFedAvgRecipe(fedavg.FedAvgRecipe):
    """Federated averaging of a numpy array, or a (nested) list of numbers; `initial_model` is another word for `model`.

    Takes the arguments of `fedjob.recipe.fedavg.FedAvgRecipe` but those for other frameworks.
    """

    def __init__(self, *, model: Any = None, initial_model: Any = None, **options: Any) -> None:
        refuse(self, options, *_NOT_TAKEN)
        super().__init__(
            model=initial_model if model is None else model, framework=FrameworkType.NUMPY, **options
        )
        self.framework = FrameworkType.RAW  # as FLARE has it; its clients run with NUMPY

    def add_cse_validator_if_needed(self) -> None:
        """Let NumPy's validator answer the clients' validation tasks."""
        for target in self._client_targets(None):
            add_executor(self._job, target, paths.NP_VALIDATOR, ["validate"], {})


class NumpyCrossSiteEvalRecipe(Recipe):
    """Evaluate models that are there already, without training: by `eval_script`, or NumPy's validator without one.

    `initial_ckpt` is absolute, where the server runs; else `model_dir` and `model_name` say where the server's models are.
    """

    @typed
    def __init__(
        self,
        name: str = "numpy_cross_site_eval",
        min_clients: int = 2,
        eval_script: str | None = None,
        eval_args: str = "",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        initial_ckpt: str | None = None,
        model_dir: str | None = None,
        model_name: dict[str, str] | None = None,
        submit_model_timeout: int = 600,
        validation_timeout: int = 6000,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        if initial_ckpt is not None and not Path(initial_ckpt).is_absolute():
            raise JobError(f"initial_ckpt must be an absolute path here, but is {initial_ckpt}")
        job = FedJob(name=name, min_clients=min_clients)
        if initial_ckpt is not None:
            model_name, model_dir = {"server": initial_ckpt}, "models" if model_dir is None else model_dir
        locator_args = {"model_dir": model_dir, "model_name": model_name}
        locator_id = add_component(job, SERVER, "component", paths.NP_LOCATOR, locator_args)
        workflow = {
            "model_locator_id": locator_id,
            "submit_model_timeout": submit_model_timeout,
            "validation_timeout": validation_timeout,
        }
        add_workflow(job, paths.CROSS_SITE_EVAL, workflow)
        add_component(job, SERVER, "component", paths.JSON_GENERATOR, {})
        tasks = ["validate", "submit_model"]
        if eval_script is None:
            job._app_for(ALL_SITES)
            add_executor(job, ALL_SITES, paths.NP_VALIDATOR, tasks, {})
        else:
            runner = ScriptRunner(
                script=eval_script,
                script_args=eval_args,
                launch_external_process=launch_external_process,
                command=command,
                framework=FrameworkType.RAW,
                memory_gc_rounds=client_memory_gc_rounds,
                cuda_empty_cache=cuda_empty_cache,
            )
            job.to_clients(runner, tasks=tasks)
        self.framework = FrameworkType.RAW
        super().__init__(job)


class FedAvgLrRecipe(Recipe):
    """Logistic regression by Newton's method: the script sends gradient and Hessian, the server takes damped steps."""

    @typed
    def __init__(
        self,
        *,
        name: str = "lr_fedavg",
        min_clients: int,
        num_rounds: int = 2,
        damping_factor: float = 0.8,
        num_features: int = 13,
        initial_ckpt: str | None = None,
        train_script: str,
        train_args: str = "",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        self.min_clients = at_least("min_clients", min_clients, 1)
        self.num_features = at_least("num_features", num_features, 1)
        self.num_rounds = num_rounds
        self.damping_factor = damping_factor
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        job = FedJob(name=name, min_clients=min_clients)
        persistor = {
            "n_features": num_features,
            "source_ckpt_file_full_name": carry_checkpoint(job, initial_ckpt),
        }
        persistor_id = add_component(job, SERVER, "lr_persistor", paths.LR_PERSISTOR, persistor)
        add_component(job, SERVER, "metrics_artifact_writer", paths.METRICS_WRITER, {}, since=R29)
        controller = {
            "num_clients": min_clients,
            "damping_factor": damping_factor,
            "n_features": num_features,
            "num_rounds": num_rounds,
            "persistor_id": persistor_id,
        }
        add_workflow(job, paths.LOGISTIC_REGRESSION, controller)
        runner = ScriptRunner(
            script=train_script,
            script_args=train_args,
            launch_external_process=launch_external_process,
            command=command,
            framework=FrameworkType.RAW,
            server_expected_format="raw",
            memory_gc_rounds=client_memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
        job.to_clients(runner)
        super().__init__(job)
