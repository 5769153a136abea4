"""The server's side of workflows that the sites control: configure them, start one, wait for the end.

Answers ``nvflare.app_common.ccwf.server_ctl``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.ccwf.candidates import (
    DefaultValuePolicy,
    normalize_config_arg,
    validate_candidate,
    validate_candidates,
)
from fedjob.components.ccwf.common import (
    Constant,
    StatusReport,
    make_task_name,
    status_report_from_dict,
    topic_for_end_workflow,
    topic_for_status,
)
from fedjob.components.checks import (
    check_number_range,
    check_object_type,
    check_positive_int,
    check_positive_number,
    check_str,
)
from fedjob.components.controller import Controller
from fedjob.components.task import ClientTask, Task
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.client import Client
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class ServerSideController(Controller):
    """Times are in seconds. Sites report their progress; the first to be all done ends the workflow, an error the run.

    `max_status_report_interval` has no effect here: a site that is lost is noticed at once. Raises TypeError or ValueError
    for bad arguments.
    """

    def __init__(
        self,
        num_rounds: int = 1,
        start_round: int = 0,
        task_name_prefix: str = "wf",
        configure_task_timeout: float = Constant.CONFIG_TASK_TIMEOUT,
        end_workflow_timeout: float = Constant.END_WORKFLOW_TIMEOUT,
        start_task_timeout: float = Constant.START_TASK_TIMEOUT,
        task_check_period: float = Constant.TASK_CHECK_INTERVAL,
        job_status_check_interval: float = Constant.JOB_STATUS_CHECK_INTERVAL,
        starting_client: str = "",
        starting_client_policy: str = DefaultValuePolicy.ANY,
        participating_clients: Any = None,
        result_clients: Any = None,
        result_clients_policy: str = DefaultValuePolicy.ALL,
        max_status_report_interval: float = Constant.PER_CLIENT_STATUS_REPORT_TIMEOUT,
        progress_timeout: float = Constant.WORKFLOW_PROGRESS_TIMEOUT,
        private_p2p: bool = True,
        min_clients: int = 0,
    ) -> None:
        super().__init__(task_check_period)
        participating_clients = normalize_config_arg(participating_clients)
        if participating_clients is None:
            raise ValueError("participating_clients must not be empty")
        if participating_clients and len(participating_clients) < 2:
            raise ValueError(f"participating_clients must be more than one, but are {participating_clients}")
        check_object_type("private_p2p", private_p2p, bool)
        if min_clients < 0:
            raise ValueError(f"min_clients must be >= 0, but got {min_clients}")
        check_positive_int("num_rounds", num_rounds)
        check_number_range("configure_task_timeout", configure_task_timeout, min_value=1)
        check_number_range("end_workflow_timeout", end_workflow_timeout, min_value=1)
        check_positive_number("job_status_check_interval", job_status_check_interval)
        check_number_range("max_status_report_interval", max_status_report_interval, min_value=10.0)
        check_number_range("progress_timeout", progress_timeout, min_value=5.0)
        check_str("starting_client_policy", starting_client_policy)
        self.num_rounds = num_rounds
        self.start_round = start_round
        self.task_name_prefix = task_name_prefix
        self.configure_task_timeout = configure_task_timeout
        self.end_workflow_timeout = end_workflow_timeout
        self.start_task_timeout = start_task_timeout
        self.job_status_check_interval = job_status_check_interval
        self.starting_client = starting_client
        self.starting_client_policy = starting_client_policy
        self.participating_clients = participating_clients
        self.result_clients = result_clients or []
        self.result_clients_policy = result_clients_policy
        self.max_status_report_interval = max_status_report_interval
        self.progress_timeout = progress_timeout
        self.private_p2p = private_p2p
        self.min_clients = min_clients
        self.configure_task_name = make_task_name(task_name_prefix, Constant.BASENAME_CONFIG)
        self.start_task_name = make_task_name(task_name_prefix, Constant.BASENAME_START)
        self.workflow_id: Any = None
        self.cw_started = False
        self.asked_to_stop = False
        self.client_statuses: dict[str, StatusReport] = {}
        self._configured: set[str] = set()
        self._last_progress = 0.0

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Raises RuntimeError or ValueError when the sites that the settings name are not there."""
        self.workflow_id = fl_ctx.get_prop(FLContextKey.WORKFLOW)
        if not self.workflow_id:
            raise RuntimeError("the context does not name the workflow")
        names = [client.name for client in self._engine.get_clients()]
        if len(names) < 2:
            raise RuntimeError(
                f"a client-controlled workflow needs at least two sites, but there are {names}"
            )
        self.participating_clients = validate_candidates(
            "participating_clients",
            self.participating_clients,
            names,
            DefaultValuePolicy.ALL,
            allow_none=False,
        )
        sites = self.participating_clients
        if self.min_clients > len(sites):
            raise RuntimeError(f"min_clients is {self.min_clients}, but only {sites} participate")
        self.starting_client = validate_candidate(
            "starting_client", self.starting_client, sites, self.starting_client_policy, allow_none=True
        )
        self.result_clients = validate_candidates(
            "result_clients", self.result_clients, sites, self.result_clients_policy, allow_none=True
        )
        self.client_statuses = {site: StatusReport() for site in sites}

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        self._engine.register_aux_message_handler(topic_for_status(self.workflow_id), self._take_report)
        if not self._configure(abort_signal, fl_ctx) or not self._start(abort_signal, fl_ctx):
            return
        self.sub_flow(abort_signal, fl_ctx)
        self._last_progress = self._engine.now()
        while not abort_signal.triggered and not self.asked_to_stop and not self._is_over(fl_ctx):
            self._engine.poll(self.job_status_check_interval)
        self._end(fl_ctx)

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Nothing is left to stop."""

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        self.log_warning(fl_ctx, f"a result of the unknown task {task_name} from {client.name} is dropped")

    # For workflows to override.

    def prepare_config(self) -> dict[str, Any]:
        """What else the sites are to be told."""
        return {}

    def process_config_reply(self, client_name: str, reply: Shareable, fl_ctx: FLContext) -> bool:
        """Whether a site is configured as it should be."""
        return True

    def client_started(self, client_task: ClientTask, fl_ctx: FLContext) -> bool:
        """Whether the starting site has started as it should."""
        return True

    def sub_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """What the server itself has to do after the start."""

    def is_sub_flow_done(self, fl_ctx: FLContext) -> bool:
        """Whether the workflow ends with the server's own part."""
        return False

    # The steps.

    def _configure(self, abort_signal: Signal, fl_ctx: FLContext) -> bool:
        data, sites = Shareable(), self.participating_clients
        data[Constant.CONFIG] = {
            Constant.PRIVATE_P2P: self.private_p2p,
            Constant.TASK_NAME_PREFIX: self.task_name_prefix,
            Constant.CLIENTS: sites,
            Constant.START_CLIENT: self.starting_client,
            Constant.RESULT_CLIENTS: self.result_clients,
            AppConstants.NUM_ROUNDS: self.num_rounds,
            Constant.START_ROUND: self.start_round,
            FLContextKey.WORKFLOW: self.workflow_id,
            **self.prepare_config(),
        }
        task = Task(
            name=self.configure_task_name,
            data=data,
            timeout=int(self.configure_task_timeout),
            result_received_cb=self._process_configure_reply,
        )
        needed = self._needed()
        self.broadcast_and_wait(
            task=task, targets=list(sites), min_responses=needed, fl_ctx=fl_ctx, abort_signal=abort_signal
        )
        failed = [site for site in sites if site not in self._configured]
        if len(self._configured) < needed:
            self.system_panic(f"sites {failed} could not be configured, and {needed} are needed", fl_ctx)
            return False
        if failed:
            self.log_warning(fl_ctx, f"sites {failed} could not be configured; the others go on")
        return True

    def _start(self, abort_signal: Signal, fl_ctx: FLContext) -> bool:
        if not self.starting_client:
            return True
        task = Task(
            name=self.start_task_name,
            data=Shareable(),
            timeout=int(self.start_task_timeout),
            result_received_cb=self._process_start_reply,
        )
        self.send_and_wait(
            task=task, targets=[self.starting_client], fl_ctx=fl_ctx, abort_signal=abort_signal
        )
        if not self.cw_started:
            self.system_panic(f"{self.starting_client} could not start {self.workflow_id}", fl_ctx)
        return self.cw_started

    def _end(self, fl_ctx: FLContext) -> None:
        sites = self.participating_clients
        replies = self._engine.send_aux_request(
            targets=list(sites),
            topic=topic_for_end_workflow(self.workflow_id),
            request=Shareable(),
            timeout=self.end_workflow_timeout,
            fl_ctx=fl_ctx,
            secure=False,
        )
        bad = [s for s in sites if not replies.get(s) or replies[s].get_return_code() != ReturnCode.OK]
        if len(sites) - len(bad) < self._needed():
            self.system_panic(f"sites {bad} did not end {self.workflow_id}", fl_ctx)
        elif bad:
            self.log_warning(fl_ctx, f"sites {bad} did not end {self.workflow_id}")

    def _needed(self) -> int:
        return self.min_clients or len(self.participating_clients)

    def _process_configure_reply(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        result, site = client_task.result, client_task.client.name
        if self._is_ok(result, f"{site} could not be configured", fl_ctx):
            assert result is not None
            if self.process_config_reply(site, result, fl_ctx):
                self._configured.add(site)

    def _process_start_reply(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        site = client_task.client.name
        if self._is_ok(client_task.result, f"{site} could not start", fl_ctx):
            self.cw_started = self.client_started(client_task, fl_ctx)

    def _is_ok(self, result: Shareable | None, problem: str, fl_ctx: FLContext) -> bool:
        rc = result.get_return_code() if result is not None else "no reply"
        if rc != ReturnCode.OK:
            detail = result.get(Constant.ERROR, "?") if result is not None else "?"
            self.log_error(fl_ctx, f"{problem}: {rc}: {detail}")
        return bool(rc == ReturnCode.OK)

    def _take_report(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        site = fl_ctx.get_peer_context().get_identity_name()
        report = status_report_from_dict(request[Constant.STATUS_REPORTS])
        if site in self.client_statuses:
            self.client_statuses[site] = report
            self._last_progress = self._engine.now()
        if report.error and not self.asked_to_stop:
            self.asked_to_stop = True
            self.system_panic(f"{site} reports {report.error} in {report.action}", fl_ctx)
        return make_reply(ReturnCode.OK)

    def _is_over(self, fl_ctx: FLContext) -> bool:
        if self.is_sub_flow_done(fl_ctx) or any(s.all_done for s in self.client_statuses.values()):
            return True
        if self._engine.now() - self._last_progress > self.progress_timeout:
            self.system_panic(f"{self.workflow_id} made no progress for {self.progress_timeout} s", fl_ctx)
            return True
        return False
