"""Recipes for scikit-learn: ``nvflare.app_opt.sklearn.recipes``. scikit-learn itself is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.errors import JobError
from fedjob.flare import paths
from fedjob.job.base_fed_job import BaseFedJob
from fedjob.job.defs import SERVER, FrameworkType
from fedjob.job.patterns import add_component
from fedjob.job.plan import Spelled
from fedjob.recipe import fedavg
from fedjob.recipe.arguments import typed
from fedjob.recipe.checks import at_least, one_of
from fedjob.recipe.pt import refuse

_NOT_TAKEN = (
    "framework", "model", "initial_ckpt", "model_persistor", "server_expected_format", "params_transfer_type", "stop_cond",
    "patience", "best_model_filename", "save_filename", "exclude_vars", "aggregation_weights", "server_memory_gc_rounds",
    "client_memory_gc_rounds", "enable_tensor_disk_offload", "cuda_empty_cache",
)  # fmt: skip
_KERNELS = ("linear", "poly", "rbf", "sigmoid")


class SklearnFedAvgRecipe(fedavg.FedAvgRecipe):
    """Federated averaging of an estimator's parameters, which start from `model_params` or a file at the server.

    `model_path` is absolute, where the server runs. Takes the arguments of `fedjob.recipe.fedavg.FedAvgRecipe` but those for
    models, formats and stop conditions.
    """

    @typed
    def __init__(
        self,
        *,
        name: str = "sklearn_fedavg",
        model_params: dict[str, Any] | None = None,
        model_path: str | None = None,
        **options: Any,
    ) -> None:
        refuse(self, options, *_NOT_TAKEN)
        if model_path is not None and not Path(model_path).is_absolute():
            raise JobError(f"model_path must be an absolute path, where the server runs, but is {model_path}")
        self.model_path = model_path
        persistor = {"initial_params": model_params or {}, "model_path": model_path}
        super().__init__(
            name=name,
            framework=FrameworkType.RAW,
            server_expected_format="raw",
            model_persistor=Spelled(paths.JOBLIB_PERSISTOR, persistor),
            **options,
        )

    def _own_persistor(self, job: BaseFedJob) -> str:
        persistor: Spelled = self.model_persistor
        persistor_id = add_component(job, SERVER, "persistor", persistor.path, persistor.args)
        job.comp_ids["persistor_id"] = persistor_id
        return persistor_id


class _AssembledRecipe(SklearnFedAvgRecipe):
    """An estimator that is put together from the clients' parts, by the assembler that goes to the server."""

    def __init__(self, assembler_id: str, assembler: Spelled, **options: Any) -> None:
        refuse(
            self,
            options,
            "aggregator",
            "aggregator_data_kind",
            "launch_once",
            "launch_timeout",
            "shutdown_timeout",
        )
        self._assembler_id = assembler_id
        super().__init__(**options)
        add_component(self._job, SERVER, assembler_id, assembler.path, assembler.args)

    def _model_aggregator(self) -> Any:
        return Spelled(paths.COLLECT_AND_ASSEMBLE, {"assembler_id": self._assembler_id})


class KMeansFedAvgRecipe(_AssembledRecipe):
    """Federated k-means: the clients' centres and counts, clustered again by mini-batch k-means."""

    @typed
    def __init__(
        self,
        *,
        name: str = "kmeans_fedavg",
        num_rounds: int = 5,
        n_clusters: int = 3,
        key_metric: str = "metrics",
        **options: Any,
    ) -> None:
        refuse(self, options, "model_params")
        self.n_clusters = at_least("n_clusters", n_clusters, 1)
        super().__init__(
            "kmeans_assembler",
            Spelled(paths.KMEANS_ASSEMBLER),
            name=name,
            num_rounds=num_rounds,
            model_params={"n_clusters": n_clusters},
            key_metric=key_metric,
            **options,
        )


class SVMFedAvgRecipe(_AssembledRecipe):
    """A federated support vector machine: fitted again on the clients' support vectors, in the first of two rounds."""

    def __init__(
        self, *, name: str = "svm_fedavg", kernel: str = "rbf", key_metric: str = "AUC", **options: Any
    ) -> None:
        refuse(self, options, "model_params", "num_rounds")
        self.kernel = one_of("kernel", kernel, _KERNELS)
        super().__init__(
            "svm_assembler",
            Spelled(paths.SVM_ASSEMBLER, {"kernel": kernel}),
            name=name,
            num_rounds=2,
            model_params={"kernel": kernel},
            key_metric=key_metric,
            **options,
        )
