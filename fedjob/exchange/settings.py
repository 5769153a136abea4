"""Names of files, components and variables around a job: more of FLARE's ``nvflare.apis.fl_constant``.

Names and values are FLARE's interface. Within a class they are sorted.
"""

from __future__ import annotations

from typing import ClassVar


class JobConstants:
    """Names inside a job folder."""

    CLIENT_JOB_CONFIG = "config_fed_client.json"
    JOB_ID = "job_id"
    JOB_IMAGE = "image"
    JOB_LAUNCHER = "job_launcher"
    META = "meta"
    META_FILE = "meta.json"
    SERVER_JOB_CONFIG = "config_fed_server.json"
    SITES = "sites"


class SiteType:
    """Kinds of sites, as a deploy map and a policy name them."""

    ALL = "@ALL"
    CLIENT = "client"
    SERVER = "server"
    SERVER_PARENT = "server_parent"


class SystemComponents:
    """Ids of FLARE's own components."""

    APP_DEPLOYER = "app_deployer"
    CANCEL_RESOURCE_PROCESSOR = "cancel_resource_processor"
    CHECK_RESOURCE_PROCESSOR = "check_resource_processor"
    CLIENT_RUNNER = "client_runner"
    DEFAULT_APP_DEPLOYER = "default_app_deployer"
    FED_CLIENT = "fed_client"
    JOB_MANAGER = "job_manager"
    JOB_META_VALIDATOR = "job_meta_validator"
    JOB_RUNNER = "job_runner"
    JOB_SCHEDULER = "job_scheduler"
    RESOURCE_CONSUMER = "resource_consumer"
    RESOURCE_MANAGER = "resource_manager"
    RUN_MANAGER = "run_manager"
    SERVER_RUNNER = "server_runner"


class SystemConfigs:
    """Sections of FLARE's own configuration."""

    APPLICATION_CONF = "application_config"
    RESOURCES_CONF = "resources_config"
    STARTUP_CONF = "start_config"


class ConfigVarName:
    """Top-level settings that a job's configuration may carry, in seconds or as flags."""

    CELL_WAIT_TIMEOUT = "cell_wait_timeout"
    CLIENT_OUTCOME_WAIT_TIMEOUT = "client_outcome_wait_timeout"
    DEAD_CLIENT_CHECK_LEAD_TIME = "dead_client_check_lead_time"
    DEAD_CLIENT_GRACE_PERIOD = "dead_client_grace_period"
    DECOMPOSER_MODULE = "nvflare_decomposers"
    DOWNLOAD_CHUNK_SIZE = "download_chunk_size"
    END_RUN_READINESS_CHECK_INTERVAL = "end_run_readiness_check_interval"
    END_RUN_READINESS_TIMEOUT = "end_run_readiness_timeout"
    GET_TASK_TIMEOUT = "get_task_timeout"
    JOB_HEARTBEAT_INTERVAL = "job_heartbeat_interval"
    MAX_REG_DURATION = "max_reg_duration"
    MAX_RUNNER_SYNC_TIMEOUT = "max_runner_sync_timeout"
    MIN_DOWNLOAD_TIMEOUT = "min_download_timeout"
    MIN_FILE_SIZE_FOR_STREAMING = "min_file_size_for_streaming"
    NOTIFY_CP_MSG_TIMEOUT = "notify_cp_msg_timeout"
    NOTIFY_CP_RETRY_TIMEOUT = "notify_cp_retry_timeout"
    RM_MAX_REQUEST_WORKERS = "rm_max_request_workers"
    RM_QUERY_INTERVAL = "rm_query_interval"
    RUNNER_SYNC_TIMEOUT = "runner_sync_timeout"
    STREAMING_PER_REQUEST_TIMEOUT = "streaming_per_request_timeout"
    STRICT_START_JOB_REPLY_CHECK = "strict_start_job_reply_check"
    SUBMIT_TASK_RESULT_TIMEOUT = "submit_task_result_timeout"
    SYNC_CLIENT_JOBS_REQUIRE_PREVIOUS_REPORT = "sync_client_jobs_require_previous_report"
    TASK_CHECK_INTERVAL = "task_check_interval"
    TASK_CHECK_TIMEOUT = "task_check_timeout"


class ProcessType:
    """Which of FLARE's processes this is: parent or job, of the server or a client."""

    CLIENT_JOB = "CJ"
    CLIENT_PARENT = "CP"
    SERVER_JOB = "SJ"
    SERVER_PARENT = "SP"


class StreamCtxKey:
    """Keys of a stream's context."""

    CLIENT_NAME = "client_name"
    JOB_ID = "job_id"
    LOG_TYPE = "log_type"


class RunnerTask:
    """What a client's runner is doing."""

    END_RUN = "end_run"
    INIT = "init"
    TASK_EXEC = "task_exec"


class NonSerializableKeys:
    """Props that stay out of a snapshot."""

    KEYS: ClassVar[list[str]] = [
        "__engine__",
        "__manager__",
        "__runner__",
        "__scope_props__",
        "__scope_object__",
        "__workspace_object__",
        "__task_data__",
        "__shareable__",
    ]


class SystemVarName:
    """Variables that a job's configuration may refer to as ``{NAME}``."""

    CP_URL = "CP_URL"
    JOB_CONFIG_DIR = "JOB_CONFIG_DIR"
    JOB_CUSTOM_DIR = "JOB_CUSTOM_DIR"
    JOB_ID = "JOB_ID"
    PYTHONPATH = "PYTHONPATH"
    RELAY_URL = "RELAY_URL"
    ROOT_URL = "ROOT_URL"
    SECURE_MODE = "SECURE_MODE"
    SITE_NAME = "SITE_NAME"
    WORKSPACE = "WORKSPACE"
