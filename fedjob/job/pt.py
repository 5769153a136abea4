"""The ready-made jobs of ``nvflare.app_opt.pt.job_config``; torch itself is not imported."""

from __future__ import annotations

from typing import Any

from fedjob.errors import JobError, JobTypeError
from fedjob.flare import paths
from fedjob.job import base_fed_job
from fedjob.job.models import PTModel, is_torch_module
from fedjob.job.patterns import add_workflow


class BaseFedJob(base_fed_job.BaseFedJob):
    """A BaseFedJob with a torch module; `comp_ids` holds persistor_id and locator_id."""

    def __init__(
        self,
        initial_model: Any = None,
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
        model_locator: Any = None,
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
        if initial_model is not None:
            if not is_torch_module(initial_model):
                raise JobTypeError(
                    f"initial_model must be a torch.nn.Module, but got {type(initial_model).__name__}"
                )
            model = PTModel(initial_model, persistor=model_persistor, locator=model_locator)
            self.comp_ids.update(self.to_server(model))


class FedAvgJob(BaseFedJob):
    """Federated averaging of a torch module. `convert_to_fed_event` and `analytics_receiver` are 2.6's."""

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
        *,
        convert_to_fed_event: Any = None,
        analytics_receiver: Any = None,
    ) -> None:
        if not is_torch_module(initial_model):
            raise JobError(f"initial_model must be a torch.nn.Module, but got {type(initial_model).__name__}")
        super().__init__(
            initial_model,
            name,
            min_clients,
            mandatory_clients,
            key_metric,
            convert_to_fed_event=convert_to_fed_event,
            analytics_receiver=analytics_receiver,
            key_metric_mode=key_metric_mode,
        )
        add_workflow(self, paths.FEDAVG, fedavg_args(n_clients, num_rounds, self.comp_ids["persistor_id"]))


def fedavg_args(n_clients: int, num_rounds: int, persistor_id: str) -> dict[str, Any]:
    return {"num_clients": n_clients, "num_rounds": num_rounds, "persistor_id": persistor_id}
