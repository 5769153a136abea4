"""Words of a job's meta: ``nvflare.apis.job_def``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import Enum
from typing import Any

ALL_SITES = "@ALL"
SERVER_SITE_NAME = "server"
DEFAULT_STUDY = "default"


class RunStatus(str, Enum):
    """How far a submitted job has come."""

    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    DISPATCHED = "DISPATCHED"
    RUNNING = "RUNNING"
    FINISHED_COMPLETED = "FINISHED:COMPLETED"
    FINISHED_ABORTED = "FINISHED:ABORTED"
    FINISHED_EXECUTION_EXCEPTION = "FINISHED:EXECUTION_EXCEPTION"
    FINISHED_ABNORMAL = "FINISHED:ABNORMAL"
    FINISHED_CANT_SCHEDULE = "FINISHED:CAN_NOT_SCHEDULE"
    FAILED_TO_RUN = "FINISHED:FAILED_TO_RUN"
    ABANDONED = "FINISHED:ABANDONED"


class JobMetaKey(str, Enum):
    """Keys of a job's meta."""

    JOB_ID = "job_id"
    JOB_NAME = "name"
    JOB_FOLDER_NAME = "job_folder_name"
    SUBMITTER_NAME = "submitter_name"
    SUBMITTER_ORG = "submitter_org"
    SUBMITTER_ROLE = "submitter_role"
    STATUS = "status"
    DATA_STORAGE_FORMAT = "data_storage_format"
    DEPLOY_MAP = "deploy_map"
    RESOURCE_SPEC = "resource_spec"
    CONTENT_LOCATION = "content_location"
    RESULT_LOCATION = "result_location"
    APPROVALS = "approvals"
    MIN_CLIENTS = "min_clients"
    MANDATORY_CLIENTS = "mandatory_clients"
    SUBMIT_TIME = "submit_time"
    SUBMIT_TIME_ISO = "submit_time_iso"
    START_TIME = "start_time"
    DURATION = "duration"
    JOB_DEPLOY_DETAIL = "job_deploy_detail"
    SCHEDULE_COUNT = "schedule_count"
    SCOPE = "scope"
    CLONED_FROM = "cloned_from"
    LAST_SCHEDULE_TIME = "last_schedule_time"
    SCHEDULE_HISTORY = "schedule_history"
    STATS_POOL_CONFIG = "stats_pool_config"
    CUSTOM_PROPS = "custom_props"
    EDGE_METHOD = "edge_method"
    JOB_CLIENTS = "job_clients"
    STUDY = "study"
    JOB_LAUNCHER_SPEC = "launcher_spec"

    def __repr__(self) -> str:
        return self.value


def new_job_id() -> str:
    return str(uuid.uuid4())


def is_valid_job_id(jid: Any) -> bool:
    """Whether `jid` is a random (version 4) UUID, with or without its hyphens."""
    if not isinstance(jid, str):
        return False
    try:
        # UUID() itself overwrites the version digit, so it has to be compared.
        return uuid.UUID(jid, version=4).hex == jid.replace("-", "")
    except ValueError:
        return False


def get_custom_prop(meta: Mapping[str, Any], prop_key: str, default: Any = None) -> Any:
    props = meta.get(JobMetaKey.CUSTOM_PROPS)
    return props.get(prop_key, default) if props else default


def get_custom_props(meta: Mapping[str, Any], default: Any = None) -> Any:
    return meta.get(JobMetaKey.CUSTOM_PROPS, default)
