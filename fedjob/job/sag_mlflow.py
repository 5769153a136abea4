"""SAGMLFlowJob: scatter-and-gather of a torch module, tracked by MLflow."""

from __future__ import annotations

from typing import Any

from fedjob.flare import paths
from fedjob.job.defs import SERVER
from fedjob.job.patterns import add_component, add_workflow
from fedjob.job.pt import BaseFedJob


class SAGMLFlowJob(BaseFedJob):
    """FLARE's ``app_opt.pt.job_config.fed_sag_mlflow.SAGMLFlowJob``."""

    def __init__(
        self,
        initial_model: Any,
        n_clients: int,
        num_rounds: int,
        name: str = "fed_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        key_metric: str = "accuracy",
        tracking_uri: str | None = None,
        kwargs: dict[str, Any] | None = None,
        artifact_location: str | None = None,
        key_metric_mode: str = "max",
    ) -> None:
        super().__init__(
            initial_model, name, min_clients, mandatory_clients, key_metric, key_metric_mode=key_metric_mode
        )
        generator_id = add_component(self, SERVER, "shareable_generator", paths.FULL_MODEL_GENERATOR, {})
        aggregator_id = add_component(
            self, SERVER, "aggregator", paths.IN_TIME_AGGREGATOR, {"expected_data_kind": "WEIGHTS"}
        )
        receiver = {"tracking_uri": tracking_uri, "kw_args": kwargs, "artifact_location": artifact_location}
        add_component(self, SERVER, "mlflow_receiver_with_tracking_uri", paths.MLFLOW_RECEIVER, receiver)
        controller = {
            "min_clients": n_clients,
            "num_rounds": num_rounds,
            "wait_time_after_min_received": 10,
            "aggregator_id": aggregator_id,
            "persistor_id": self.comp_ids["persistor_id"],
            "shareable_generator_id": generator_id,
        }
        add_workflow(self, paths.SCATTER_AND_GATHER, controller)

    def set_up_client(self, target: str) -> None:
        super().set_up_client(target)
        add_component(self, target, "log_writer", paths.MLFLOW_WRITER, {"event_type": "event_type"})
