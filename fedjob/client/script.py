"""What the Client API does for one script: ``nvflare.client.in_process.api``."""

from __future__ import annotations

import logging
import os
from typing import Any

from fedjob.client.config import ClientConfig, ExchangeFormat, TransferType
from fedjob.client.convert import are_alike, convert_params, numerical_params_diff
from fedjob.client.session import Session, TaskIn
from fedjob.errors import ClientAPIError
from fedjob.exchange.analytics import AnalyticsDataType
from fedjob.exchange.fl_model import FLModel, ParamsType, beside
from fedjob.exchange.keys import FLMetaKey

_log = logging.getLogger(__name__)


#: How often a script may look at one task. A loop that receives and never sends would go on for ever.
_LOOKS = 10_000


class Script:
    """The state of one script's exchange: the model it holds, whether it has received, what it left out.

    A received model is held, and given out again, until a result is sent for it. After ``send(clear_cache=False)``
    it is still held, but gives way to the next task's as soon as that has come.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._settings = settings = ClientConfig(session.config)
        #: The format of the script's params, and of those that travel.
        self._own: Any = settings.get_exchange_format() or ExchangeFormat.RAW
        self._servers: Any = settings.get_server_expected_format()
        self._converts = not are_alike(self._own, self._servers)
        self._subtracts = settings.get_transfer_type() == TransferType.DIFF
        self._state: dict[str, Any] = {}
        self._model: FLModel | None = None
        self._task_name: str | None = None
        self._error: Exception | None = None
        self._received = False
        self._answered = False
        self._looks = 0
        self.rank = "0"

    def init(self, rank: str | None = None) -> None:
        self.rank = os.environ.get("RANK", "0") if rank is None else rank

    def is_running(self) -> bool:
        """Whether there is a model to receive; blocks until there is or the job has ended."""
        if not self._session.is_open():
            self._model = None
            return False
        self._take(None)
        return self._model is not None

    def receive(self, timeout: float | None = None) -> FLModel | None:
        if self._model is not None and not self._answered and self._looks < _LOOKS - 1:
            self._looks += 1  # as `_take` would; mostly `is_running` has taken the task.
        else:
            self._take(timeout)
        self._received = self._received or self._model is not None
        return self._model

    def send(self, model: FLModel, clear_cache: bool = True) -> None:
        if not self._session.is_open():
            _log.warning("the job has ended; the model that %s sends is dropped", self._session.site_name)
            return
        if not self._received:
            raise ClientAPIError('"receive" needs to be called before sending model: a result answers a task')
        if self._subtracts:
            self._subtract(model)
        if model.params is None and model.metrics is None:
            raise ClientAPIError("the model to send has neither params nor metrics; set one of them")
        self._session.reply(self._converted(model, self._own, self._servers) if self._converts else model)
        self._answered = True
        if clear_cache:
            self._let_go(model)

    def clear(self) -> None:
        """Forget the received model; the next receive waits for the next task."""
        self._model = None
        self._received = False

    def shutdown(self) -> None:
        self._session.stop()

    def system_info(self) -> dict[str, Any]:
        return {FLMetaKey.SITE_NAME: self._session.site_name, FLMetaKey.JOB_ID: self._session.job_id}

    def get_config(self) -> dict[str, Any]:
        return self._settings.get_config()

    def get_job_id(self) -> str:
        return self._session.job_id

    def get_site_name(self) -> str:
        return self._session.site_name

    def get_task_name(self) -> str | None:
        """The name of the task that came last, None before the first."""
        return self._task("get_task_name")

    def is_train(self) -> bool:
        return self._is("is_train", self._settings.get_train_task())

    def is_evaluate(self) -> bool:
        return self._is("is_evaluate", self._settings.get_eval_task())

    def is_submit_model(self) -> bool:
        return self._is("is_submit_model", self._settings.get_submit_model_task())

    def log(self, key: str, value: Any, data_type: AnalyticsDataType, **kwargs: Any) -> None:
        self._only_rank_0("log")
        self._session.log(key, value, data_type, **kwargs)

    def _is(self, function: str, name: str) -> bool:
        return self._task(function) == name

    def _task(self, function: str) -> str | None:
        self._only_rank_0(function)
        if self._model is None or self._answered:
            self._accept(self._session.peek())
        return self._task_name

    def _only_rank_0(self, function: str) -> None:
        if self.rank != "0":
            raise ClientAPIError(f"only rank 0 can call {function}, and this is rank {self.rank}")

    def _take(self, timeout: float | None) -> None:
        """Hold the next task's model, unless one is held that waits for its result."""
        if self._model is None:
            self._looks = 0
            self._accept(self._session.next_task(0 if self._error else timeout))
        elif self._answered:
            self._accept(self._session.peek())
        else:
            self._looks += 1
            if self._looks >= _LOOKS:
                raise ClientAPIError(
                    f"task {self._task_name!r} was looked at {_LOOKS} times without a result being sent; "
                    "call flare.send(...) for each received model"
                )
        if self._error is not None:
            raise ClientAPIError(f"the task could not be received: {self._error}") from self._error

    def _accept(self, task: TaskIn | None) -> None:
        if task is None:
            return
        self._model, self._error, self._answered = None, None, False
        self._task_name = task.name
        if not self._converts:
            self._model = task.model
            return
        try:
            self._model = self._converted(task.model, self._servers, self._own)
        except Exception as error:
            self._error = error

    def _converted(self, model: FLModel, source: Any, target: Any) -> FLModel:
        """A model beside the given one, with params in the target format."""
        other = beside(model)
        other.params = convert_params(model.params, source, target, self._state, _log)
        return other

    def _subtract(self, model: FLModel) -> None:
        """Turn a FULL model into its difference from the received one, in place as FLARE does."""
        if self._model is None:
            raise ClientAPIError(
                "there is no received model to compute the difference from; receive one before each send"
            )
        if self._model.params is None or model.params is None or model.params_type != ParamsType.FULL:
            return
        try:
            model.params = numerical_params_diff(self._model.params, model.params)
        except Exception as error:
            raise ClientAPIError(f"the difference of the parameters cannot be computed: {error}") from error
        model.params_type = ParamsType.DIFF

    def _let_go(self, sent: FLModel) -> None:
        """Drop the parameters of the sent and the received model, as FLARE does from 2.7 to save memory."""
        sent.params = sent.optimizer_params = None
        if self._model is not None:
            self._model.params = self._model.optimizer_params = None
        self._model = None
        self._received = False
