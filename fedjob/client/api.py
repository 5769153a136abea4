"""The Client API: ``nvflare.client.api`` and ``nvflare.client.api_context``.

Every function takes the context that `init` returned; without one it uses the script's first. Outside of a job and
before `init` they raise ClientAPIError, a RuntimeError.
"""

from __future__ import annotations

import logging
import os
from enum import Enum
from types import TracebackType
from typing import Any

from fedjob.client import session as sessions
from fedjob.client.script import Script
from fedjob.client.session import CURRENT
from fedjob.errors import ClientAPIError
from fedjob.exchange.analytics import AnalyticsDataType
from fedjob.exchange.fl_model import FLModel

DEFAULT_CONFIG = "config/client_api_config.json"

# Keys of Session.memo.
_SCRIPT, _CONTEXTS, _DEFAULT = "script", "contexts", "default"

_log = logging.getLogger(__name__)


class ClientAPIType(Enum):
    """Where the script runs."""

    IN_PROCESS_API = "IN_PROCESS_API"
    CELL_API = "CELL_API"


class APIContext:
    """What `init` returns; as a context manager it shuts the Client API down at its end."""

    def __init__(self, rank: str | None = None, config_file: str | None = None) -> None:
        self.rank = rank
        self.config_file = config_file or DEFAULT_CONFIG
        self._session = _session()
        self.api: Script | None = _script(self._session)
        self.api.init(rank)

    def __enter__(self) -> APIContext:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self.api is not None:
            self.api.shutdown()
            self.api = None
            self._session.script = None


def init(rank: str | int | None = None, config_file: str | None = None) -> APIContext:
    """Begin to use the Client API; a second call with equal arguments only warns.

    `rank` is that of the process in distributed training, by default the environment's RANK or 0. `config_file` is
    accepted as in FLARE; the settings come from the job. Raises ValueError for a rank that is no str or int.
    """
    if rank is None:
        rank = os.environ.get("RANK", "0")
    elif isinstance(rank, int):
        rank = str(rank)
    elif not isinstance(rank, str):
        raise ValueError(f"rank must be a str or an int, not {type(rank).__name__}")
    session = _session()
    memo = session.memo
    contexts: dict[tuple[str, str | None], APIContext] = memo.setdefault(_CONTEXTS, {})
    key = (rank, config_file)
    if key in contexts:
        _log.warning("init() was called more than once with the same parameters; this call is ignored")
    else:
        contexts[key] = memo[_DEFAULT] = context = APIContext(rank, config_file)
        session.script = context.api
    return contexts[key]


def get_context(ctx: APIContext | None = None) -> APIContext:
    """`ctx`, else the script's context. Raises ClientAPIError before `init`."""
    found: APIContext | None = ctx or _session().memo.get(_DEFAULT)
    if found is None:
        raise ClientAPIError("the Client API is not initialised in this script; call flare.init() first")
    return found


def receive(timeout: float | None = None, ctx: APIContext | None = None) -> FLModel | None:
    """The model of the current task, waiting for one if need be, the same until a result is sent.

    None when the job has ended, or after `timeout` seconds. Raises ClientAPIError when the job is aborted.
    """
    # In line, as in `send` and `is_running`: each task of each site has one of the three.
    session = CURRENT.get()
    script: Script | None = session.script if ctx is None and session is not None else None
    return (script or _api(ctx)).receive(timeout)


def send(model: FLModel, clear_cache: bool = True, ctx: APIContext | None = None) -> None:
    """Send the result of the current task.

    Afterwards the params of the sent and of the received model are None, unless `clear_cache` is False. Raises
    TypeError for what is no FLModel, ClientAPIError without a `receive` before it, for a model with neither params
    nor metrics, and when the job transfers differences and none can be computed.
    """
    if not isinstance(model, FLModel):
        raise TypeError(
            f"an FLModel can be sent, not {type(model).__name__}; write flare.FLModel(params=...)"
        )
    session = CURRENT.get()
    script: Script | None = session.script if ctx is None and session is not None else None
    (script or _api(ctx)).send(model, clear_cache)


def system_info(ctx: APIContext | None = None) -> dict[str, Any]:
    """``site_name`` and ``job_id``."""
    return _api(ctx).system_info()


def get_config(ctx: APIContext | None = None) -> dict[str, Any]:
    """The job's settings for this script."""
    return _api(ctx).get_config()


def get_job_id(ctx: APIContext | None = None) -> str:
    return _api(ctx).get_job_id()


def get_site_name(ctx: APIContext | None = None) -> str:
    return _api(ctx).get_site_name()


def get_task_name(ctx: APIContext | None = None) -> str | None:
    """The current task's name. Raises ClientAPIError for a rank other than 0."""
    return _api(ctx).get_task_name()


def is_running(ctx: APIContext | None = None) -> bool:
    """True when a model is waiting to be received, False when the job has ended; blocks until it is clear.

    Raises ClientAPIError when the job is aborted.
    """
    session = CURRENT.get()
    script: Script | None = session.script if ctx is None and session is not None else None
    return (script or _api(ctx)).is_running()


def is_train(ctx: APIContext | None = None) -> bool:
    """Whether the current task is to train. Raises ClientAPIError for a rank other than 0."""
    return _api(ctx).is_train()


def is_evaluate(ctx: APIContext | None = None) -> bool:
    """Whether the current task is to evaluate. Raises ClientAPIError for a rank other than 0."""
    return _api(ctx).is_evaluate()


def is_submit_model(ctx: APIContext | None = None) -> bool:
    """Whether the current task is to submit a model. Raises ClientAPIError for a rank other than 0."""
    return _api(ctx).is_submit_model()


def log(
    key: str, value: Any, data_type: AnalyticsDataType, ctx: APIContext | None = None, **kwargs: Any
) -> None:
    """Log a value; the writers of `tracking` are the comfortable way. Raises ClientAPIError for a rank but 0."""
    _api(ctx).log(key, value, data_type, **kwargs)


def clear(ctx: APIContext | None = None) -> None:
    """Forget the received model."""
    _api(ctx).clear()


def shutdown(ctx: APIContext | None = None) -> None:
    """Take no more tasks."""
    _api(ctx).shutdown()


def _api(ctx: APIContext | None) -> Script:
    api = get_context(ctx).api
    if api is None:
        raise ClientAPIError(
            "this context was shut down at the end of its with block; make calls inside of it"
        )
    return api


def _session() -> sessions.Session:
    found = sessions.current()
    if found is None:
        raise ClientAPIError(
            "no job runs this script, so there is nothing to connect to; run it as part of a job"
        )
    return found


def _script(session: sessions.Session) -> Script:
    """The state of the running script, which all of its contexts share."""
    script: Script | None = session.memo.get(_SCRIPT)
    if script is None:
        script = session.memo[_SCRIPT] = Script(session)
    return script
