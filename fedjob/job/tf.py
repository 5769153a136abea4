"""The ready-made jobs of ``nvflare.app_opt.tf.job_config``; tensorflow itself is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedjob.errors import JobError
from fedjob.flare import paths
from fedjob.flare.releases import R25, Release
from fedjob.job import base_fed_job
from fedjob.job.models import TFModel, is_keras_model
from fedjob.job.patterns import add_workflow
from fedjob.job.pt import fedavg_args


class BaseFedJob(base_fed_job.BaseFedJob):
    """A BaseFedJob with a Keras model or a checkpoint; `comp_ids` holds persistor_id.

    A relative `initial_ckpt` travels with the server's app, an absolute one is at the server already.
    """

    def __init__(
        self,
        initial_model: Any = None,
        initial_ckpt: str | None = None,
        name: str = "fed_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        key_metric: str = "accuracy",
        validation_json_generator: Any = None,
        model_selector: Any = None,
        convert_to_fed_event: Any = None,
        analytics_receiver: Any = None,
        metrics_artifact_writer: Any = None,
        model_persistor: Any = None,
        key_metric_mode: str = "max",
        *,
        intime_model_selector: Any = None,
    ) -> None:
        super().__init__(
            name=name,
            min_clients=min_clients,
            mandatory_clients=mandatory_clients,
            key_metric=key_metric,
            key_metric_mode=key_metric_mode,
            validation_json_generator=validation_json_generator,
            model_selector=model_selector or intime_model_selector,
            convert_to_fed_event=convert_to_fed_event,
            analytics_receiver=analytics_receiver,
            metrics_artifact_writer=metrics_artifact_writer,
        )
        self.initial_model = initial_model
        if initial_model is not None or initial_ckpt is not None:
            model = TFModel(initial_model, persistor=model_persistor, initial_ckpt=self._carry(initial_ckpt))
            self.comp_ids["persistor_id"] = self.to_server(model)

    def _receiver_path(self, release: Release) -> str:
        return paths.TF_TB_RECEIVER if release == R25 else super()._receiver_path(release)

    def _carry(self, initial_ckpt: str | None) -> str | None:
        if initial_ckpt is None or Path(initial_ckpt).is_absolute():
            return initial_ckpt
        self.add_file_to_server(initial_ckpt)
        return Path(initial_ckpt).name


class FedAvgJob(BaseFedJob):
    """Federated averaging of a Keras model."""

    def __init__(
        self,
        initial_model: Any,
        n_clients: int,
        num_rounds: int,
        name: str = "fed_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        key_metric: str = "accuracy",
        key_metric_mode: str = "max",
    ) -> None:
        if not is_keras_model(initial_model):
            raise JobError(f"initial_model must be a tf.keras.Model, but got {type(initial_model).__name__}")
        super().__init__(
            initial_model,
            name=name,
            min_clients=min_clients,
            mandatory_clients=mandatory_clients,
            key_metric=key_metric,
            key_metric_mode=key_metric_mode,
        )
        add_workflow(self, paths.FEDAVG, fedavg_args(n_clients, num_rounds, self.comp_ids["persistor_id"]))
