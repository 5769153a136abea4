"""SwarmClientController: train, have one site aggregate, and go on from there.

Answers ``nvflare.app_common.ccwf.swarm_client_ctl``.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from fedjob.components.aggregator import Aggregator
from fedjob.components.ccwf.client import ClientSideController
from fedjob.components.ccwf.common import Constant, NumberMetricComparator, make_task_name
from fedjob.components.ccwf.gatherer import Gatherer
from fedjob.components.ccwf.submission import submit
from fedjob.components.ccwf.swarm_results import distribute, share_best
from fedjob.components.checks import (
    check_non_empty_str,
    check_object_type,
    check_positive_int,
    check_positive_number,
)
from fedjob.components.metric_comparator import MetricComparator
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.learnable import Learnable
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class SwarmClientController(ClientSideController):
    """Times are in seconds. `memory_gc_rounds`, `cuda_empty_cache` and `enable_tensor_disk_offload` have no effect here.

    Raises TypeError or ValueError for bad arguments.
    """

    def __init__(
        self,
        task_name_prefix: str = Constant.TN_PREFIX_SWARM,
        learn_task_name: str = AppConstants.TASK_TRAIN,
        persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID,
        shareable_generator_id: str = AppConstants.DEFAULT_SHAREABLE_GENERATOR_ID,
        aggregator_id: str = AppConstants.DEFAULT_AGGREGATOR_ID,
        metric_comparator_id: str | None = None,
        learn_task_check_interval: float = Constant.LEARN_TASK_CHECK_INTERVAL,
        learn_task_abort_timeout: float = Constant.LEARN_TASK_ABORT_TIMEOUT,
        learn_task_ack_timeout: float = Constant.LEARN_TASK_ACK_TIMEOUT,
        learn_task_timeout: float | None = None,
        final_result_ack_timeout: float = Constant.FINAL_RESULT_ACK_TIMEOUT,
        min_responses_required: int = 1,
        wait_time_after_min_resps_received: float = 10.0,
        request_to_submit_result_max_wait: float | None = None,
        request_to_submit_result_msg_timeout: float = 5.0,
        request_to_submit_result_interval: float = 1.0,
        max_concurrent_submissions: int = 1,
        memory_gc_rounds: int = 1,
        cuda_empty_cache: bool = False,
        enable_tensor_disk_offload: bool = False,
    ) -> None:
        for name, value in (
            ("learn_task_name", learn_task_name),
            ("persistor_id", persistor_id),
            ("shareable_generator_id", shareable_generator_id),
            ("aggregator_id", aggregator_id),
            ("metric_comparator_id", metric_comparator_id or "default"),
        ):
            check_non_empty_str(name, value)
        for name, number in (
            ("request_to_submit_result_msg_timeout", request_to_submit_result_msg_timeout),
            ("request_to_submit_result_interval", request_to_submit_result_interval),
            ("request_to_submit_result_max_wait", request_to_submit_result_max_wait or 1),
            ("learn_task_timeout", learn_task_timeout or 1),
            ("wait_time_after_min_resps_received", wait_time_after_min_resps_received),
        ):
            check_positive_number(name, number)
        check_positive_int("max_concurrent_submissions", max_concurrent_submissions)
        check_positive_int("min_responses_required", min_responses_required)
        check_object_type("enable_tensor_disk_offload", enable_tensor_disk_offload, bool)
        super().__init__(
            task_name_prefix=task_name_prefix,
            learn_task_name=learn_task_name,
            persistor_id=persistor_id,
            shareable_generator_id=shareable_generator_id,
            learn_task_check_interval=learn_task_check_interval,
            learn_task_ack_timeout=learn_task_ack_timeout,
            learn_task_abort_timeout=learn_task_abort_timeout,
            final_result_ack_timeout=final_result_ack_timeout,
            allow_busy_task=True,
        )
        self.aggregator_id = aggregator_id
        self.metric_comparator_id = metric_comparator_id
        self.learn_task_timeout = learn_task_timeout
        self.min_responses_required = min_responses_required
        self.wait_time_after_min_resps_received = wait_time_after_min_resps_received
        self.request_to_submit_result_max_wait = request_to_submit_result_max_wait
        self.request_to_submit_result_msg_timeout = request_to_submit_result_msg_timeout
        self.request_to_submit_result_interval = request_to_submit_result_interval
        self.max_concurrent_submissions = max_concurrent_submissions
        self.memory_gc_rounds = memory_gc_rounds
        self.cuda_empty_cache = cuda_empty_cache
        self.enable_tensor_disk_offload = enable_tensor_disk_offload
        self.report_learn_result_task_name = make_task_name(
            task_name_prefix, Constant.BASENAME_REPORT_LEARN_RESULT
        )
        self.request_to_submit_learn_result_task_name = make_task_name(
            task_name_prefix, Constant.BASENAME_REQUEST_TO_SUBMIT_LEARN_RESULT
        )
        self.aggregator: Any = None
        self.metric_comparator: Any = None
        self.gatherer: Gatherer | None = None
        self.trainers: list[str] = []
        self.aggrs: list[str] = []
        self.last_aggr_round_done = -1

    def start_run(self, fl_ctx: FLContext) -> None:
        super().start_run(fl_ctx)
        self.aggregator = self.require(self.aggregator_id, Aggregator, fl_ctx)
        self.metric_comparator = (
            self.require(self.metric_comparator_id, MetricComparator, fl_ctx)
            if self.metric_comparator_id
            else NumberMetricComparator()
        )

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == AppEventType.GLOBAL_BEST_MODEL_AVAILABLE:
            self._keep_best(fl_ctx)
        else:
            super().handle_event(event_type, fl_ctx)

    def process_config(self, fl_ctx: FLContext) -> Shareable | None:
        sites = self.get_config_prop(Constant.CLIENTS)
        self.trainers = self.get_config_prop(Constant.TRAIN_CLIENTS) or sites
        self.aggrs = self.get_config_prop(Constant.AGGR_CLIENTS) or sites
        for topic, handler in (
            (self.topic_for_my_workflow(Constant.TOPIC_SHARE_RESULT), self._process_share_result),
            (self.request_to_submit_learn_result_task_name, self._process_submission_request),
        ):
            self.engine.register_aux_message_handler(topic, handler)
        return None

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if task_name == self.report_learn_result_task_name:
            return self.process_learn_result(shareable, fl_ctx, abort_signal)
        return super().execute(task_name, shareable, fl_ctx, abort_signal)

    def start_workflow(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        started = self._scatter(shareable, self.get_config_prop(Constant.START_ROUND, 0), fl_ctx)
        return make_reply(ReturnCode.OK if started else ReturnCode.EXECUTION_EXCEPTION)

    def do_learn_task(self, name: str, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> None:
        number: int = data.get_header(AppConstants.CURRENT_ROUND)
        aggr = data.get_header(Constant.AGGREGATOR)
        self.update_status(last_round=number, action="start_learn_task")
        data.set_header(FLContextKey.TASK_NAME, name)
        if not fl_ctx.get_prop(AppConstants.GLOBAL_MODEL):
            fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, Learnable(), private=True, sticky=True)
        model = self.shareable_generator.shareable_to_learnable(data, fl_ctx)
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, model, private=True, sticky=True)
        fl_ctx.set_prop(AppConstants.CURRENT_ROUND, number, private=True, sticky=True)
        self.fire_event(AppEventType.ROUND_STARTED, fl_ctx)
        if self.me == aggr and not self._set_up_gatherer(data, number, fl_ctx):
            return
        if self.me not in self.trainers:
            return
        result = self.execute_learn_task(data, fl_ctx, abort_signal)
        rc = result.get_return_code()
        if rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"the executor failed in round {number}: {rc}")
            self.update_status(action="learner_execution", error=rc)
            return
        submit(self, result, aggr, number, fl_ctx, abort_signal)

    # A round, from the first task to the last result.

    def _scatter(self, task_data: Shareable, for_round: int, fl_ctx: FLContext) -> bool:
        """Have all trainers learn, and one site aggregate."""
        aggr = random.choice(self.aggrs)  # noqa: S311  # the site's own generator
        task_data.set_header(AppConstants.CURRENT_ROUND, for_round)
        task_data.add_cookie(AppConstants.CONTRIBUTION_ROUND, for_round)
        task_data.set_header(Constant.AGGREGATOR, aggr)
        targets = list(dict.fromkeys([*self.trainers, aggr]))
        if self.me in targets and not self.set_learn_task(copy.deepcopy(task_data), fl_ctx):
            self.log_error(fl_ctx, f"this site is still at work and cannot begin round {for_round}")
            return False
        others = [t for t in targets if t != self.me]
        return not others or self.send_learn_task(others, task_data, fl_ctx)

    def _set_up_gatherer(self, data: Shareable, number: int, fl_ctx: FLContext) -> bool:
        if self.gatherer is not None:
            self.log_error(fl_ctx, f"round {number} begins while round {self.gatherer.for_round} is gathered")
            self.update_status(action="do_learn_task", error=ReturnCode.EXECUTION_EXCEPTION)
            return False
        self.gatherer = Gatherer(
            task_data=data,
            fl_ctx=fl_ctx,
            for_round=number,
            executor=self,
            aggregator=self.aggregator,
            metric_comparator=self.metric_comparator,
            trainers=self.trainers,
            min_responses=self.min_responses_required,
            wait_time=self.wait_time_after_min_resps_received,
            timeout=self.learn_task_timeout,
            max_concurrent_submissions=self.max_concurrent_submissions,
        )
        self.engine.spawn(self._gather, self.gatherer, name=f"{self.me} gathers round {number}")
        return True

    def _gather(self, gatherer: Gatherer) -> None:
        """Wait for the results of a round, aggregate them, and begin the next one."""
        try:
            while not gatherer.is_done() or self._submits(gatherer.for_round):
                if self.asked_to_stop:
                    return
                self.engine.poll(0.2)
            self.last_aggr_round_done = gatherer.for_round
            self.gatherer = None
            self._end_gather(gatherer)
        except Exception as e:
            self.log_exception(gatherer.fl_ctx, f"aggregation failed in round {gatherer.for_round}: {e}")
            self.engine.note_exception(e)
            self.update_status(action="aggregate", error=ReturnCode.EXECUTION_EXCEPTION)

    def _submits(self, number: int) -> bool:
        """Whether this site has still to end its own learning of a round that is gathered already."""
        task = self.learning.task
        return task is not None and bool(task.data.get_header(AppConstants.CURRENT_ROUND) == number)

    def _end_gather(self, gatherer: Gatherer) -> None:
        fl_ctx, number = gatherer.fl_ctx, gatherer.for_round
        result = gatherer.aggregate()
        model = self.shareable_generator.shareable_to_learnable(result, fl_ctx)
        self.record_last_result(fl_ctx, number, model)
        done = number - self.get_config_prop(Constant.START_ROUND, 0) + 1
        if done >= self.get_config_prop(AppConstants.NUM_ROUNDS):
            distribute(self, result, fl_ctx)
            return
        data = self.shareable_generator.learnable_to_shareable(model, fl_ctx)
        if result.get_header(Constant.CLIENT):
            for key in (Constant.ROUND, Constant.CLIENT, Constant.METRIC):
                data.set_header(key, result.get_header(key))
        self._scatter(data, number + 1, fl_ctx)

    # A trainer's result.

    def _process_submission_request(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        site = fl_ctx.get_peer_context().get_identity_name()
        number = request.get_header(AppConstants.CURRENT_ROUND)
        if self.gatherer is not None:
            return make_reply(self.gatherer.can_accept_submission(site, fl_ctx))
        late = number <= self.last_aggr_round_done
        return make_reply(ReturnCode.MODEL_UNRECOGNIZED if late else ReturnCode.SERVICE_UNAVAILABLE)

    def process_learn_result(self, request: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Take the result that the peer of the context sends."""
        peer_ctx = fl_ctx.get_peer_context()
        site = peer_ctx.get_identity_name()
        number = request.get_header(AppConstants.CURRENT_ROUND)
        peer_ctx.set_prop(FLContextKey.SHAREABLE, request, private=True, sticky=True)
        until = self.engine.now() + self.learn_task_abort_timeout
        while self.gatherer is None and not abort_signal.triggered:
            if number <= self.last_aggr_round_done:
                self.log_info(fl_ctx, f"the result of {site} for round {number} is late and dropped")
                return make_reply(ReturnCode.OK)
            if self.engine.now() > until:
                self.log_error(fl_ctx, f"nobody gathers results here, so that of {site} is lost")
                self.update_status(action="wait_for_gatherer", error=ReturnCode.EXECUTION_EXCEPTION)
                return make_reply(ReturnCode.EXECUTION_EXCEPTION)
            self.engine.poll(0.2)
        if self.gatherer is None:
            return make_reply(ReturnCode.TASK_ABORTED)
        return self.gatherer.gather(site, request, fl_ctx)

    # The best model.

    def _keep_best(self, fl_ctx: FLContext) -> None:
        """Remember a model that this site found to be the best so far."""
        finder = fl_ctx.get_prop(Constant.CLIENT)
        if finder and finder != self.me:
            return
        self.best_metric = fl_ctx.get_prop(AppConstants.VALIDATION_RESULT)
        self.best_result = copy.deepcopy(fl_ctx.get_prop(AppConstants.GLOBAL_MODEL))
        self.best_round = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        self.update_status(last_round=self.best_round, action="better_aggregation")

    def _process_share_result(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        if not self.best_result:
            self.log_error(fl_ctx, "this site is asked for its best result, but has none")
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        self.update_status(action="start_share_result_request_process")
        share_best(self, fl_ctx)
        return make_reply(ReturnCode.OK)
