"""Names and small things that the two sides of client-controlled workflows share.

Answers ``nvflare.app_common.ccwf.common``; the values are FLARE's interface.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedjob.components.metric_comparator import MetricComparator


class Constant:
    """Task names, keys of messages and contexts, and default times in seconds."""

    TN_PREFIX_CYCLIC = "cyclic"
    TN_PREFIX_SWARM = "swarm"
    TN_PREFIX_CROSS_SITE_EVAL = "cse"
    BASENAME_CONFIG = "config"
    BASENAME_START = "start"
    BASENAME_LEARN = "learn"
    BASENAME_EVAL = "eval"
    BASENAME_REQUEST_TO_SUBMIT_LEARN_RESULT = "req_to_submit_learn_result"
    BASENAME_REPORT_LEARN_RESULT = "report_learn_result"
    BASENAME_REPORT_FINAL_RESULT = "report_final_result"
    BASENAME_ASK_FOR_MODEL = "ask_for_model"
    BASENAME_PREP_MODEL = "prep_model"
    TASK_NAME_PREFIX = "cwf.task_prefix"
    PRIVATE_P2P = "cwf.private_p2p"
    ERROR = "cwf.error"
    ORDER = "cwf.order"
    CLIENTS = "cwf.clients"
    START_CLIENT = "cwf.start_client"
    RESULT_CLIENTS = "cwf.result_clients"
    CLIENT_ORDER = "cwf.client_order"
    LAST_ROUND = "cwf.last_round"
    START_ROUND = "cwf.start_round"
    TIMESTAMP = "cwf.timestamp"
    ACTION = "cwf.action"
    ALL_DONE = "cwf.all_done"
    AGGR_CLIENTS = "cwf.aggr_clients"
    TRAIN_CLIENTS = "cwf.train_clients"
    AGGREGATOR = "cwf.aggr"
    METRIC = "cwf.metric"
    CLIENT = "cwf.client"
    ROUND = "cwf.round"
    CONFIG = "cwf.config"
    STATUS_REPORTS = "cwf.status_reports"
    RESULT = "cwf.result"
    RESULT_TYPE = "cwf.result_type"
    EVAL_LOCAL = "cwf.eval_local"
    EVAL_GLOBAL = "cwf.eval_global"
    EVALUATORS = "cwf.evaluators"
    EVALUATEES = "cwf.evaluatees"
    GLOBAL_CLIENT = "cwf.global_client"
    MODEL_OWNER = "cwf.model_owner"
    MODEL_NAME = "cwf.model_name"
    MODEL_TYPE = "cwf.model_type"
    GLOBAL_NAMES = "cwf.global_names"
    EXECUTOR = "cwf.executor"
    EXECUTOR_INITIALIZED = "cwf.executor_initialized"
    EXECUTOR_FINALIZED = "cwf.executor_finalized"
    TOPIC_SHARE_RESULT = "cwf.share_result"
    TOPIC_END_WORKFLOW = "cwf.end_wf"
    TOPIC_UPDATE_MEMBERSHIP = "cwf.update_membership"
    RC_NO_GLOBAL_MODELS = "cwf.no_global_models"
    RC_NO_LOCAL_MODEL = "cwf.no_local_model"
    RC_UNABLE_TO_EVAL = "cwf.unable_to_eval"
    CONFIG_TASK_TIMEOUT = 300
    START_TASK_TIMEOUT = 10
    END_WORKFLOW_TIMEOUT = 2.0
    TASK_CHECK_INTERVAL = 0.5
    JOB_STATUS_CHECK_INTERVAL = 2.0
    PER_CLIENT_STATUS_REPORT_TIMEOUT = 90.0
    WORKFLOW_PROGRESS_TIMEOUT = 3600.0
    LEARN_TASK_CHECK_INTERVAL = 1.0
    LEARN_TASK_ACK_TIMEOUT = 10
    LEARN_TASK_ABORT_TIMEOUT = 5.0
    FINAL_RESULT_ACK_TIMEOUT = 10
    GET_MODEL_TIMEOUT = 10
    MAX_TASK_TIMEOUT = 3600
    PROP_KEY_TRAIN_CLIENTS = "cwf.train_clients"


class ModelType:
    """Whose model is evaluated."""

    LOCAL = "local"
    GLOBAL = "global"


class ResultType:
    """Which result is sent round at the end."""

    BEST = "best"
    LAST = "last"


class CyclicOrder:
    """In which order the sites take their turns."""

    FIXED = "fixed"
    RANDOM = "random"


@dataclass(slots=True)
class StatusReport:
    """What a site tells the server of its progress."""

    timestamp: float | None = None
    action: str = ""
    last_round: int | None = None
    all_done: bool = False
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        report: dict[str, Any] = {
            Constant.TIMESTAMP: self.timestamp,
            Constant.ACTION: self.action,
            Constant.ALL_DONE: self.all_done,
        }
        if self.last_round is not None:
            report[Constant.LAST_ROUND] = self.last_round
        if self.error:
            report[Constant.ERROR] = self.error
        return report

    def update(self, last_round: int | None, action: str | None, error: str | None, all_done: bool) -> None:
        """Note progress; what is None or False stays as it was."""
        self.timestamp = time.time()
        self.all_done = self.all_done or all_done
        self.error = error or self.error
        self.action = action or self.action
        if last_round is not None and (self.last_round is None or last_round > self.last_round):
            self.last_round = last_round


def status_report_from_dict(d: Mapping[str, Any]) -> StatusReport:
    return StatusReport(
        timestamp=d.get(Constant.TIMESTAMP),
        action=d.get(Constant.ACTION, ""),
        last_round=d.get(Constant.LAST_ROUND),
        all_done=d.get(Constant.ALL_DONE, False),
        error=d.get(Constant.ERROR, ""),
    )


def rotate_to_front(item: Any, items: list[Any]) -> None:
    """Turn the list, in place, until `item` is first."""
    index = items.index(item)
    items[:] = items[index:] + items[:index]


def topic_for_end_workflow(wf_id: str) -> str:
    return f"{Constant.TOPIC_END_WORKFLOW}.{wf_id}"


def topic_for_status(wf_id: str) -> str:
    """Where sites send their reports; FLARE sends them along with each poll for tasks."""
    return f"{Constant.STATUS_REPORTS}.{wf_id}"


def make_task_name(prefix: str, base_name: str) -> str:
    return f"{prefix}_{base_name}"


class NumberMetricComparator(MetricComparator):
    """The greater number is better."""

    def compare(self, a: Any, b: Any) -> int | float:
        """Raises ValueError for what is no number."""
        for value in (a, b):
            if not isinstance(value, (int, float)):
                raise ValueError(f"a metric value must be a number, but is {type(value).__name__}")
        difference: int | float = a - b
        return difference
