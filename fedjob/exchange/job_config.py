"""What a job has put at the top of its configuration, e.g. by a recipe's `add_client_config`.

Answers ``nvflare.utils.configs``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.secrets import resolve_secret_refs
from fedjob.exchange.settings import JobConstants


def get_job_config_value(
    fl_ctx: FLContext, config_file: str, key: str, default: Any = None, *, resolve_refs: bool = True
) -> Any:
    """The value of `key` in the app's `config_file`; `default` when it is not there or the file cannot be read.

    References to secrets are resolved unless `resolve_refs` is false; ValueError for one that leads nowhere.
    """
    try:
        folder = fl_ctx.get_engine().get_workspace().get_app_config_dir(fl_ctx.get_job_id())
        config = json.loads((Path(folder) / config_file).read_text(encoding="utf-8"))
        value = config[key]
    except Exception:  # as in FLARE: who asks with a default wants no error
        return default
    return resolve_secret_refs(value) if resolve_refs else value


def get_client_config_value(
    fl_ctx: FLContext, key: str, default: Any = None, *, resolve_refs: bool = True
) -> Any:
    """The value of `key` in ``config_fed_client.json``; see `get_job_config_value`."""
    return get_job_config_value(
        fl_ctx, JobConstants.CLIENT_JOB_CONFIG, key, default, resolve_refs=resolve_refs
    )


def get_server_config_value(
    fl_ctx: FLContext, key: str, default: Any = None, *, resolve_refs: bool = True
) -> Any:
    """The value of `key` in ``config_fed_server.json``; see `get_job_config_value`."""
    return get_job_config_value(
        fl_ctx, JobConstants.SERVER_JOB_CONFIG, key, default, resolve_refs=resolve_refs
    )
