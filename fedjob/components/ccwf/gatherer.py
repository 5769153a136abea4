"""Gatherer: takes the results of one round of swarm learning at the site that aggregates.

Answers the class of that name in ``nvflare.app_common.ccwf.swarm_client_ctl``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.aggregator import Aggregator
from fedjob.components.ccwf.common import Constant
from fedjob.components.metric_comparator import MetricComparator
from fedjob.components.roles import FLComponent
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable, make_reply


class Gatherer(FLComponent):
    """Is done when all trainers have answered, `wait_time` seconds after `min_responses` have, or after `timeout` seconds.

    Results are handed to the aggregator in the order of `trainers`, however they arrive, so that a run repeats.
    `executor` is the site's controller.
    """

    def __init__(
        self,
        *,
        task_data: Shareable,
        fl_ctx: FLContext,
        for_round: int,
        executor: Any,
        aggregator: Aggregator,
        metric_comparator: MetricComparator,
        trainers: list[str],
        min_responses: int,
        wait_time: float,
        timeout: float | None,
        max_concurrent_submissions: int = 1,
    ) -> None:
        super().__init__()
        self.fl_ctx = fl_ctx
        self.for_round = for_round
        self.executor = executor
        self.aggregator = aggregator
        self.metric_comparator = metric_comparator
        self.trainers = trainers
        self.min_responses = min_responses if 0 < min_responses < len(trainers) else len(trainers)
        self.wait_time = wait_time
        self.timeout = timeout
        self.max_concurrent_submissions = max_concurrent_submissions
        self._now = fl_ctx.get_engine().now
        self._started = self._now()
        self._enough_since: float | None = None
        self._submitting: set[str] = set()
        self._answered: set[str] = set()
        self._waiting: dict[str, tuple[Shareable, FLContext]] = {}
        self._best = {key: task_data.get_header(key) for key in _BEST}

    def can_accept_submission(self, client_name: str, fl_ctx: FLContext) -> str:
        """OK, or a return code that says to come again or that the result is not wanted."""
        if client_name not in self.trainers:
            self.log_error(fl_ctx, f"{client_name} would submit a result, but it is no trainer")
            return ReturnCode.MODEL_UNRECOGNIZED
        if client_name not in self._submitting and len(self._submitting) >= self.max_concurrent_submissions:
            return ReturnCode.SERVICE_UNAVAILABLE
        self._submitting.add(client_name)
        return ReturnCode.OK

    def gather(self, client_name: str, result: Shareable, fl_ctx: FLContext) -> Shareable:
        """Take one result; the reply is for the site that sent it."""
        self._submitting.discard(client_name)
        number = result.get_header(AppConstants.CURRENT_ROUND)
        if client_name not in self.trainers or number > self.for_round:
            self.log_error(fl_ctx, f"{client_name} sent a result for round {number} that nobody asked for")
            if client_name in self.trainers:
                self.executor.update_status(action="gather", error=ReturnCode.EXECUTION_EXCEPTION)
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        if number == self.for_round:
            self._answered.add(client_name)
            if len(self._answered) >= self.min_responses and self._enough_since is None:
                self._enough_since = self._now()
        rc = result.get_return_code()
        if rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"the result of {client_name} for round {number} is bad: {rc}")
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        self._waiting[client_name] = (result, fl_ctx)
        return make_reply(ReturnCode.OK)

    def is_done(self) -> bool:
        """Whether the round is over for the trainers."""
        if len(self._answered) == len(self.trainers):
            return True
        now = self._now()
        if self.timeout and now - self._started > self.timeout:
            self.log_warning(self.fl_ctx, f"round {self.for_round} timed out after {self.timeout} s")
            return True
        return self._enough_since is not None and now - self._enough_since > self.wait_time

    def aggregate(self) -> Shareable:
        """The round's result; its headers tell the best one so far."""
        for trainer in self.trainers:
            if trainer in self._waiting:
                self._accept(trainer, *self._waiting.pop(trainer))
        self.fire_event(AppEventType.BEFORE_AGGREGATION, self.fl_ctx)
        result = self.aggregator.aggregate(self.fl_ctx)
        self.fire_event_with_data(
            AppEventType.AFTER_AGGREGATION, self.fl_ctx, AppConstants.AGGREGATION_RESULT, result
        )
        for key, value in self._best_now().items():
            result.set_header(key, value)
        return result

    def _accept(self, client_name: str, result: Shareable, fl_ctx: FLContext) -> None:
        fl_ctx.set_prop(AppConstants.CURRENT_ROUND, self.for_round, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.TRAINING_RESULT, result, private=True, sticky=False)
        self.fire_event(AppEventType.BEFORE_CONTRIBUTION_ACCEPT, fl_ctx)
        accepted = self.aggregator.accept(result, fl_ctx)
        verdict = "ACCEPTED" if accepted else "REJECTED"
        self.log_info(fl_ctx, f"Contribution from {client_name} {verdict} at round {self.for_round}.")
        fl_ctx.set_prop(AppConstants.AGGREGATION_ACCEPTED, accepted, private=True, sticky=False)
        self.fire_event(AppEventType.AFTER_CONTRIBUTION_ACCEPT, fl_ctx)

    def _best_now(self) -> dict[str, Any]:
        """The better of this site's best result and the best that came with the task."""
        mine, other = self.executor.best_metric, self._best[Constant.METRIC]
        if mine is None or (other is not None and self.metric_comparator.compare(mine, other) <= 0):
            return self._best
        return {
            Constant.ROUND: self.executor.best_round,
            Constant.METRIC: mine,
            Constant.CLIENT: self.executor.me,
        }


_BEST = (Constant.ROUND, Constant.METRIC, Constant.CLIENT)
