"""The seam between the Client API and whatever runs the script.

A Session is one script's line to its site. Who runs a script makes one and binds it around the script::

    with session.bound(MySession(...)):
        run_script(...)

Every function of the Client API finds it with `current`. In-process the script runs in a strand of its own, and
the binding holds for that strand alone: it is a context variable, and each greenlet starts with an empty context.
In an external process there is one script, bound at its start to a Session that speaks over a pipe.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from fedjob.errors import ClientAPIError
from fedjob.exchange.analytics import AnalyticsDataType
from fedjob.exchange.fl_model import FLModel


@dataclass(kw_only=True, slots=True)
class TaskIn:
    """A task that has come to the script. Not to be changed."""

    #: The task's name, e.g. "train"; the script reads it with get_task_name().
    name: str
    #: What the server sent, parameters still in the server's format: FLModelUtils.from_shareable of the task.
    model: FLModel


class Session(ABC):
    """One script's line to its site.

    `config` is what get_config() returns, in FLARE 2.9's shape: ``site_name``, ``job_id``, ``TASK_NAME`` (None) and
    ``TASK_EXCHANGE`` with the settings of ConfigKey. Formats and DIFF are the Client API's affair: what `next_task`
    gives and `reply` takes is in the server's format.
    """

    def __init__(self, *, site_name: str, job_id: str, config: dict[str, Any]) -> None:
        self.site_name = site_name
        self.job_id = job_id
        self.config = config
        #: What the Client API keeps for this script; nobody else's.
        self.memo: dict[str, Any] = {}
        #: The Client API's Script, to which calls without a context go at once; None before `init` and after a shutdown.
        self.script: Any = None

    @abstractmethod
    def is_open(self) -> bool:
        """Whether the job goes on; does not block. False once it has ended or `stop` was called.

        Raises ClientAPIError when the job is aborted (see `aborted`).
        """

    @abstractmethod
    def next_task(self, timeout: float | None = None) -> TaskIn | None:
        """The next task, each once. Blocks the script until there is one.

        None when the job has ended, and after `timeout` seconds; 0 only looks. Raises ClientAPIError when the job
        is aborted, before or while waiting. A task that comes replaces one that was not taken yet.
        """

    def peek(self) -> TaskIn | None:
        """The next task if it is there already."""
        return self.next_task(0)

    @abstractmethod
    def reply(self, model: FLModel) -> None:
        """Send `model` as the result of the task that was taken last.

        It may be the script's own, and must not be changed. It is encoded before this returns: the script may
        overwrite its arrays at once. Other strands get a turn.
        A script can send again for the same task (``clear_cache=False``); what becomes of it is the site's affair.
        """

    @abstractmethod
    def log(self, key: str, value: Any, data_type: AnalyticsDataType, **kwargs: Any) -> None:
        """Hand on a logged value; `kwargs` may hold ``global_step``, ``path``, ``writer`` (a LogWriterName).

        A value that does not fit its type is the site's to report: as in FLARE, logging never fails in the script.
        """

    @abstractmethod
    def stop(self) -> None:
        """The script called shutdown(): it takes no more tasks, and `is_open` is False from now on."""


def aborted(reason: object) -> ClientAPIError:
    """The error that a script gets from its next call once its job is aborted."""
    return ClientAPIError(f"request to abort the job for reason {reason}")


#: The session of this strand.
CURRENT: ContextVar[Session | None] = ContextVar("fedjob_session", default=None)

#: All that are bound in this process, for threads that a script has started itself.
_open: dict[Session, None] = {}


@contextmanager
def bound(session: Session) -> Iterator[Session]:
    """Make `session` the current one of this strand (or process) for the length of a block."""
    bind(session)
    try:
        yield session
    finally:
        release(session)


def bind(session: Session) -> None:
    """Make `session` the current one of this strand until `release`; for a process that never stops using it."""
    CURRENT.set(session)
    _open[session] = None


def release(session: Session) -> None:
    """End a binding. May be called from another strand, when the script's was killed."""
    _open.pop(session, None)
    if CURRENT.get() is session:
        CURRENT.set(None)


def current() -> Session | None:
    """The session of the script that is running, None outside of scripts.

    In a thread of the script's own it is found when no other script lives in this process.
    """
    found = CURRENT.get()
    if found is None and len(_open) == 1:
        return next(iter(_open))
    return found
