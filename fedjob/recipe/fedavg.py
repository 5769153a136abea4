"""FedAvgRecipe: federated averaging, of whatever framework.

The recipes of one framework (`pt`, `tf`, `np`, `sklearn`) add how the model is kept on the server.
"""

from __future__ import annotations

import operator
from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.errors import JobError, JobTypeError
from fedjob.exchange.math import parse_compare_criteria
from fedjob.flare import paths
from fedjob.flare.releases import R28, R29
from fedjob.job import roles
from fedjob.job.base_fed_job import BaseFedJob
from fedjob.job.defs import SERVER, FrameworkType
from fedjob.job.patterns import add_component, add_workflow
from fedjob.job.plan import Spelled
from fedjob.job.script_runner import ScriptRunner
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import (
    at_least,
    carry_checkpoint,
    check_checkpoint,
    check_data_kind,
    choice,
    job_model,
    since,
    warn_user,
)
from fedjob.recipe.per_site import PerSiteRecipe

LAUNCH_TIMEOUT = 300.0  #: seconds, FLARE's
_GLOBAL_MODEL = "FL_global_model.pt"
_MODES: dict[Any, str] = {operator.gt: "max", operator.ge: "max", operator.lt: "min", operator.le: "min"}


class FedAvgRecipe(PerSiteRecipe):
    """FLARE's ``recipe.fedavg.FedAvgRecipe``: `num_rounds` of training by a script, weighted averages in between.

    `model` is a dict with ``class_path`` and ``args``, for NumPy an array or a list; modules of PyTorch and Keras need
    the recipe of their framework. The model may also come from `initial_ckpt` or a `model_persistor`. `aggregator` is a
    ModelAggregator. `save_filename` is 2.7's word for `best_model_filename`. Times are in seconds. Raises JobError.
    """

    @typed
    def __init__(
        self,
        *,
        name: str = "fedavg",
        model: Any = None,
        initial_ckpt: str | None = None,
        min_clients: int,
        num_rounds: int = 2,
        train_script: str,
        train_args: str = "",
        aggregator: Any = None,
        aggregator_data_kind: Any = "WEIGHTS",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        framework: FrameworkType | str = FrameworkType.PYTORCH,
        server_expected_format: ExchangeFormat | str = ExchangeFormat.NUMPY,
        params_transfer_type: TransferType | str = TransferType.FULL,
        model_persistor: Any = None,
        per_site_config: dict[str, dict[str, Any]] | None = None,
        launch_once: bool = True,
        launch_timeout: float | None = LAUNCH_TIMEOUT,
        shutdown_timeout: float = 0.0,
        key_metric: str = "accuracy",
        key_metric_mode: str | None = None,
        stop_cond: str | None = None,
        patience: int | None = None,
        best_model_filename: str | None = None,
        save_filename: str | None = None,
        exclude_vars: str | None = None,
        aggregation_weights: dict[str, float] | None = None,
        server_memory_gc_rounds: int = 0,
        enable_tensor_disk_offload: bool = False,
        client_memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        if best_model_filename and save_filename and best_model_filename != save_filename:
            raise JobError(
                f"best_model_filename={best_model_filename!r} and save_filename={save_filename!r} name the same file; "
                "give one of them"
            )
        self.model = job_model(model)
        self.initial_ckpt = check_checkpoint(initial_ckpt)
        self.model_persistor = model_persistor
        if model is None and initial_ckpt is None and model_persistor is None:
            raise JobError("a recipe needs a model: give model, initial_ckpt or model_persistor")
        self.min_clients = at_least("min_clients", min_clients, 1)
        self.num_rounds = at_least("num_rounds", num_rounds, 1)
        self.train_script = train_script
        self.train_args = train_args
        check_data_kind(aggregator_data_kind, aggregator)
        self.aggregator = aggregator
        self.aggregator_data_kind = aggregator_data_kind
        self.launch_external_process = launch_external_process
        self.command = command
        self.framework = self._runner_framework = choice(FrameworkType, "framework", framework)
        self.server_expected_format = choice(ExchangeFormat, "server_expected_format", server_expected_format)
        self.params_transfer_type = choice(TransferType, "params_transfer_type", params_transfer_type)
        self.launch_once = launch_once
        self.launch_timeout = launch_timeout
        self.shutdown_timeout = shutdown_timeout
        self.key_metric = key_metric
        self.key_metric_mode = _mode(key_metric, key_metric_mode, stop_cond)
        self.stop_cond = stop_cond
        self.patience = patience
        self.best_model_filename = best_model_filename
        self.save_filename = save_filename
        self.exclude_vars = exclude_vars
        self.aggregation_weights = aggregation_weights
        self.server_memory_gc_rounds = server_memory_gc_rounds
        self.enable_tensor_disk_offload = enable_tensor_disk_offload
        self.client_memory_gc_rounds = client_memory_gc_rounds
        self.cuda_empty_cache = cuda_empty_cache

        job = _AveragingJob(name, min_clients, key_metric=key_metric, key_metric_mode=self.key_metric_mode)
        since(job, R29, "key_metric_mode", used=key_metric_mode == "min")
        since(job, R29, "launch_timeout in recipes", used=launch_timeout != LAUNCH_TIMEOUT)
        since(job, R28, "best_model_filename", used=best_model_filename)
        since(job, R28, "enable_tensor_disk_offload", used=enable_tensor_disk_offload)
        persistor_id = self._setup_model_and_persistor(job)
        add_workflow(job, paths.FEDAVG, self._controller_args(persistor_id))
        super().__init__(job)
        if per_site_config is not None:
            self.set_per_site_config(per_site_config)

    def _controller_args(self, persistor_id: str) -> dict[str, Any]:
        return {
            "num_clients": self.min_clients,
            "num_rounds": self.num_rounds,
            "persistor_id": persistor_id,
            "model": None if persistor_id else self._model_for_controller(),
            "save_filename": self.save_filename or self.best_model_filename or _GLOBAL_MODEL,
            "aggregator": self._model_aggregator(),
            "stop_cond": self.stop_cond,
            "patience": self.patience,
            "task_name": "train",
            "exclude_vars": self.exclude_vars,
            "aggregation_weights": self.aggregation_weights,
            "memory_gc_rounds": self.server_memory_gc_rounds,
            "enable_tensor_disk_offload": self.enable_tensor_disk_offload,
        }

    def _setup_model_and_persistor(self, job: BaseFedJob) -> str:
        """Send what keeps the model to the server; returns its id, "" when the controller has the model itself."""
        if self.model_persistor is not None:
            return self._own_persistor(job)
        if self.framework == FrameworkType.NUMPY:
            return self._numpy_persistor(job)
        return ""

    def _own_persistor(self, job: BaseFedJob) -> str:
        roles.require("model_persistor", self.model_persistor, paths.MODEL_PERSISTOR)
        persistor_id: str = job.to_server(self.model_persistor, id="persistor")
        job.comp_ids["persistor_id"] = persistor_id
        return persistor_id

    def _numpy_persistor(self, job: BaseFedJob) -> str:
        model = self.model.tolist() if hasattr(self.model, "tolist") else self.model
        if not (model is None or isinstance(model, list)):
            raise JobTypeError(f"model must be a numpy array or a list, but got {type(self.model).__name__}")
        args = {"model": model, "source_ckpt_file_full_name": carry_checkpoint(job, self.initial_ckpt)}
        persistor_id = add_component(job, SERVER, "persistor", paths.NP_PERSISTOR, args)
        job.comp_ids["persistor_id"] = persistor_id
        return persistor_id

    def _model_for_controller(self) -> dict[str, Any]:
        if isinstance(self.model, dict):
            return self.model
        raise JobTypeError(
            f"{type(self).__name__} takes a model as a dict, but got {type(self.model).__name__}; use the recipe of "
            "the model's framework, or give a model_persistor"
        )

    def _model_aggregator(self) -> Any:
        if self.aggregator is None or roles.plays(self.aggregator, paths.MODEL_AGGREGATOR):
            return self.aggregator
        warn_user(
            f"aggregator {type(self.aggregator).__name__} is no ModelAggregator: FLARE's recipes leave it out, and average"
        )
        return None

    def _create_client_runner(self, site_config: dict[str, Any]) -> ScriptRunner:
        def of(key: str, default: Any) -> Any:
            value = site_config.get(key)
            return default if value is None else value

        return ScriptRunner(
            script=of("train_script", self.train_script),
            script_args=of("train_args", self.train_args),
            launch_external_process=of("launch_external_process", self.launch_external_process),
            command=of("command", self.command),
            framework=of("framework", self._runner_framework),
            server_expected_format=of("server_expected_format", self.server_expected_format),
            params_transfer_type=of("params_transfer_type", self.params_transfer_type),
            launch_once=of("launch_once", self.launch_once),
            launch_timeout=site_config.get("launch_timeout", self.launch_timeout),
            shutdown_timeout=of("shutdown_timeout", self.shutdown_timeout),
            memory_gc_rounds=self.client_memory_gc_rounds,
            cuda_empty_cache=self.cuda_empty_cache,
        )


class _AveragingJob(BaseFedJob):
    """Since 2.9 the selector looks for the least value where the stop condition does."""

    def _add_selector(self, given: Any, key_metric: str, key_metric_mode: str) -> None:
        least = key_metric_mode == "min"
        if key_metric:
            self._app_for(SERVER).record(
                lambda plan: plan.add_component(
                    Spelled(
                        paths.MODEL_SELECTOR,
                        {"key_metric": key_metric, "negate_key_metric": least and plan.release >= R29},
                    ),
                    "model_selector",
                )
            )


def _mode(key_metric: str, mode: str | None, stop_cond: str | None) -> str:
    """Whether the greatest or the least value of the key metric is best: as said, else as the stop condition has it."""
    stop_metric, _, compare = parse_compare_criteria(stop_cond) if stop_cond else (None, None, None)
    implied = _MODES.get(compare) if stop_metric == key_metric else None
    if mode is None:
        return implied or "max"
    if mode not in {"min", "max"}:
        raise JobError(f"key_metric_mode must be 'min' or 'max', but got {mode!r}")
    if implied and implied != mode:
        raise JobError(
            f"key_metric_mode={mode!r} contradicts stop_cond={stop_cond!r}, for which the {implied} of {key_metric} is best"
        )
    return mode
