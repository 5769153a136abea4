"""A task: a piece of work that a controller has sites do.

Answers ``nvflare.apis.controller_spec`` (Task, ClientTask, SendOrder, TaskCompletionStatus).
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from fedjob.exchange.client import Client
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable


class TaskCompletionStatus(Enum):
    OK = "ok"
    TIMEOUT = "timeout"
    ERROR = "error"
    CANCELLED = "cancelled"
    ABORTED = "aborted"
    IGNORED = "ignored"
    CLIENT_DEAD = "client_dead"


class SendOrder(Enum):
    ANY = "any"
    SEQUENTIAL = "sequential"


class TaskOperatorKey:
    OP_ID = "op_id"
    METHOD = "method"
    NUM_ROUNDS = "num_rounds"
    TARGETS = "targets"
    DATA_FILTERS = "data_filters"
    RESULT_FILTERS = "result_filters"
    AGGREGATOR = "aggregator"
    SHAREABLE_GENERATOR = "shareable_gen"
    PERSISTOR = "persistor"
    TIMEOUT = "timeout"
    TASK_ASSIGNMENT_TIMEOUT = "task_assign_timeout"
    MIN_TARGETS = "min_targets"
    WAIT_TIME_AFTER_MIN_RESPS = "wait_time_after_min_received"


class OperatorMethod:
    BROADCAST = "bcast"
    RELAY = "relay"


class OperatorConfigKey:
    OPERATORS = "operators"


class Task:
    """Work for one or more sites, with callbacks at each step.

    `timeout` counts in whole seconds from scheduling; 0 means none. Raises TypeError or ValueError for
    arguments of the wrong kind, as FLARE does.
    """

    def __init__(
        self,
        name: str,
        data: Shareable,
        props: dict[str, Any] | None = None,
        timeout: int = 0,
        before_task_sent_cb: Callable[..., Any] | None = None,
        after_task_sent_cb: Callable[..., Any] | None = None,
        result_received_cb: Callable[..., Any] | None = None,
        task_done_cb: Callable[..., Any] | None = None,
        operator: dict[str, Any] | None = None,
        secure: bool = False,
    ) -> None:
        _require("name", name, str)
        _require("data", data, Shareable)
        _require("operator", operator or {}, dict)
        _require("props", {} if props is None else props, dict)
        _require("timeout", timeout, int)
        if timeout < 0:
            raise ValueError(f"timeout must be >= 0, but got {timeout}")
        callbacks = {
            "before_task_sent_cb": before_task_sent_cb,
            "after_task_sent_cb": after_task_sent_cb,
            "result_received_cb": result_received_cb,
            "task_done_cb": task_done_cb,
        }
        for key, callback in callbacks.items():
            if callback is not None and not callable(callback):
                raise TypeError(f"{key} must be callable, but got {type(callback).__name__}")
        data.set_header(ReservedHeaderKey.TASK_NAME, name)
        self.name = name
        self.data = data
        self.operator = operator
        self.secure = secure
        self.props = {} if props is None else props
        self.timeout = timeout
        self.before_task_sent_cb = before_task_sent_cb
        self.after_task_sent_cb = after_task_sent_cb
        self.result_received_cb = result_received_cb
        self.task_done_cb = task_done_cb
        self.cb_lock = threading.Lock()
        self.msg_root_id = str(uuid.uuid4())
        self._numbers = itertools.count(1)
        self.targets: list[str] | None = None
        self.client_tasks: list[ClientTask] = []
        self.last_client_task_map: dict[str, ClientTask] = {}
        self.completion_status: TaskCompletionStatus | None = None
        self.is_standing = False
        self.schedule_time: float | None = None
        self.create_time = time.time()
        self.exception: Exception | None = None

    def set_prop(self, key: str, value: Any) -> None:
        """Keep a value with the task; keys that start with ``__`` are FLARE's own (ValueError)."""
        if key.startswith("__"):
            raise ValueError(f"keys that start with __ are reserved; choose another key than {key!r}")
        self.props[key] = value

    def get_prop(self, key: str) -> Any:
        return self.props.get(key)


def let_go(task: Task, **_: Any) -> None:
    """Have a task let go of its client tasks if it is done. May be its `task_done_cb`.

    They and the task refer to one another: its data, a model, would stay until garbage is collected, which may be many
    rounds later.
    """
    if not task.is_standing:
        task.client_tasks.clear()
        task.last_client_task_map.clear()


_Callback = TypeVar("_Callback", bound=Callable[..., Any])


def only_fires(event_type: str) -> Callable[[_Callback], _Callback]:
    """Say of a task's callback that all it does is to fire an event: where nobody listens, it need not be called."""

    def mark(callback: _Callback) -> _Callback:
        callback.__dict__["only_fires"] = event_type
        return callback

    return mark


class ClientTask:
    """What became of a task at one site."""

    def __init__(self, client: Client, task: Task) -> None:
        self.client = client
        self.task = task
        #: Which of the task's client tasks it is.
        self.number = next(task._numbers)
        self.task_send_count = 0
        self.task_sent_time: float | None = None
        self.result_received_time: float | None = None
        self.result: Shareable | None = None
        self.props: dict[str, Any] = {}

    @property
    def id(self) -> str:
        """What tells it from all other client tasks."""
        return task_id(self.task.msg_root_id, self.number)


def task_id(root: str, number: int) -> str:
    """The id of a client task: as unique as a UUID and like one, but none is drawn for each of thousands of sites."""
    return f"{root[:24]}{number:012x}"


def _require(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__}, but got {type(value).__name__}")
