"""BaseFedJob: a FedJob with the widgets that nearly every job wants.

One class answers for FLARE's framework-free one and, with a model, for those of PyTorch and TensorFlow.
"""

from __future__ import annotations

from typing import Any

from fedjob.errors import JobError, ReleaseError
from fedjob.flare import paths
from fedjob.flare.releases import R27, R29, Release
from fedjob.job import roles
from fedjob.job.api import FedJob
from fedjob.job.defs import SERVER
from fedjob.job.patterns import add_component
from fedjob.job.plan import Plan, Spelled

ANALYTIC_EVENT_TYPE = "analytix_log_stats"


class BaseFedJob(FedJob):
    """Adds, where not given: a ValidationJsonGenerator, an IntimeModelSelector for `key_metric`, a
    MetricsArtifactWriter (2.9), and to every client a ConvertToFedEvent.

    `intime_model_selector` is what 2.5 and 2.6 call `model_selector`. False for `analytics_receiver` or
    `convert_to_fed_event` leaves them out, as in 2.6. Raises JobError, JobTypeError for arguments of the wrong kind.
    """

    def __init__(
        self,
        name: str = "fed_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        key_metric: str = "accuracy",
        key_metric_mode: str = "max",
        validation_json_generator: Any = None,
        model_selector: Any = None,
        convert_to_fed_event: Any = None,
        analytics_receiver: Any = None,
        metrics_artifact_writer: Any = None,
        *,
        intime_model_selector: Any = None,
    ) -> None:
        if key_metric_mode not in {"min", "max"}:
            raise JobError(f"key_metric_mode must be 'min' or 'max', but got {key_metric_mode!r}")
        super().__init__(name=name, min_clients=min_clients, mandatory_clients=mandatory_clients)
        self.comp_ids: dict[str, str] = {}
        self._add_or_default("json_generator", validation_json_generator, paths.JSON_GENERATOR)
        self._add_selector(model_selector or intime_model_selector, key_metric, key_metric_mode)
        self._add_metrics_writer(metrics_artifact_writer)
        self.convert_to_fed_event = _to_fed_event(convert_to_fed_event)
        self._add_receiver(analytics_receiver)

    def set_up_client(self, target: str) -> None:
        if self.convert_to_fed_event is not None:
            self.to(self.convert_to_fed_event, target, id="event_to_fed")

    def _add_or_default(self, comp_id: str, given: Any, path: str) -> None:
        if given:
            roles.require(comp_id, given, path)
            self.to_server(given, id=comp_id)
        else:
            add_component(self, SERVER, comp_id, path, {})

    def _add_selector(self, given: Any, key_metric: str, key_metric_mode: str) -> None:
        if given:
            roles.require("model_selector", given, paths.COMPONENT)
            self.to_server(given, id="model_selector")
        elif key_metric:
            args = {"key_metric": key_metric, "negate_key_metric": key_metric_mode == "min"}
            add_component(self, SERVER, "model_selector", paths.MODEL_SELECTOR, args)
            if key_metric_mode != "max":
                self._app_for(SERVER).record(_require_key_metric_mode)

    def _add_metrics_writer(self, given: Any) -> None:
        if given is not None:
            roles.require("metrics_artifact_writer", given, paths.COMPONENT)
            self.to_server(given, id="metrics_artifact_writer")
        else:
            add_component(self, SERVER, "metrics_artifact_writer", paths.METRICS_WRITER, {}, since=R29)

    def _add_receiver(self, given: Any) -> None:
        if given and given is not True:
            roles.require("analytics_receiver", given, paths.ANALYTICS_RECEIVER)
            self.to_server(given, id="receiver")
        elif given is not False:
            self._app_for(SERVER).record(lambda plan: self._add_default_receiver(plan, asked=bool(given)))

    def _add_default_receiver(self, plan: Plan, *, asked: bool) -> None:
        """Up to 2.6 a job has TensorBoard's receiver unless told otherwise; since 2.7 none."""
        if asked or plan.release < R27:
            plan.add_component(Spelled(self._receiver_path(plan.release)), "receiver")

    def _receiver_path(self, release: Release) -> str:
        return paths.TB_RECEIVER


def _require_key_metric_mode(plan: Plan) -> None:
    if plan.release < R29:
        raise ReleaseError(f"FLARE {plan.release} has no key_metric_mode; it came with 2.9")


def _to_fed_event(given: Any) -> Any:
    if given is False:
        return None
    if given is None or given is True:
        return Spelled(paths.TO_FED_EVENT, {"events_to_convert": [ANALYTIC_EVENT_TYPE]})
    roles.require("convert_to_fed_event", given, paths.TO_FED_EVENT)
    return given
