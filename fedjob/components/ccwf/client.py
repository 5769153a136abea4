"""The sites' side of workflows that they control: an executor that sends tasks to other sites.

Answers ``nvflare.app_common.ccwf.client_ctl``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from fedjob.components.ccwf.common import (
    Constant,
    StatusReport,
    make_task_name,
    topic_for_end_workflow,
    topic_for_status,
)
from fedjob.components.ccwf.final_result import broadcast, take
from fedjob.components.ccwf.learning import Learning
from fedjob.components.checks import check_non_empty_str, check_number_range, check_positive_number
from fedjob.components.generator import ShareableGenerator
from fedjob.components.persistor import LearnablePersistor
from fedjob.components.roles import Executor
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.events import EventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.learnable import Learnable
from fedjob.exchange.shareable import Shareable, make_reply
from fedjob.exchange.signal import Signal


class ClientSideController(Executor):
    """Write `start_workflow` and `do_learn_task`. Times are in seconds; `learn_task_check_interval` has no effect here.

    `learn_task_name` is the task of the executor that trains; it and the components of the two ids must be there, or the
    run ends. Raises TypeError or ValueError for bad arguments.
    """

    def __init__(
        self,
        task_name_prefix: str,
        learn_task_name: str = AppConstants.TASK_TRAIN,
        persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID,
        shareable_generator_id: str = AppConstants.DEFAULT_SHAREABLE_GENERATOR_ID,
        learn_task_check_interval: float = Constant.LEARN_TASK_CHECK_INTERVAL,
        learn_task_ack_timeout: float = Constant.LEARN_TASK_ACK_TIMEOUT,
        learn_task_abort_timeout: float = Constant.LEARN_TASK_ABORT_TIMEOUT,
        final_result_ack_timeout: float = Constant.FINAL_RESULT_ACK_TIMEOUT,
        allow_busy_task: bool = False,
    ) -> None:
        check_non_empty_str("task_name_prefix", task_name_prefix)
        check_positive_number("learn_task_check_interval", learn_task_check_interval)
        check_number_range("learn_task_ack_timeout", learn_task_ack_timeout, min_value=1.0)
        check_positive_number("learn_task_abort_timeout", learn_task_abort_timeout)
        check_number_range("final_result_ack_timeout", final_result_ack_timeout, min_value=1.0)
        super().__init__()
        self.task_name_prefix = task_name_prefix
        self.learn_task_name = learn_task_name
        self.persistor_id = persistor_id
        self.shareable_generator_id = shareable_generator_id
        self.learn_task_check_interval = learn_task_check_interval
        self.learn_task_ack_timeout = learn_task_ack_timeout
        self.learn_task_abort_timeout = learn_task_abort_timeout
        self.final_result_ack_timeout = final_result_ack_timeout
        self.allow_busy_task = allow_busy_task
        self.start_task_name = make_task_name(task_name_prefix, Constant.BASENAME_START)
        self.configure_task_name = make_task_name(task_name_prefix, Constant.BASENAME_CONFIG)
        self.do_learn_task_name = make_task_name(task_name_prefix, Constant.BASENAME_LEARN)
        self.report_final_result_task_name = make_task_name(
            task_name_prefix, Constant.BASENAME_REPORT_FINAL_RESULT
        )
        self.engine: Any = None
        self.me = ""
        self.config: dict[str, Any] = {}
        self.workflow_id: Any = None
        self.persistor: Any = None
        self.shareable_generator: Any = None
        self.learn_executor: Any = None
        self.learning = Learning(self)
        self.current_status = StatusReport()
        self.is_starting_client = False
        self.asked_to_stop = False
        self.workflow_done = False
        self.last_result: Any = None
        self.last_round: int | None = None
        self.best_result: Any = None
        self.best_metric: Any = None
        self.best_round: int | None = 0

    # For workflows to write.

    @abstractmethod
    def start_workflow(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Begin, at the starting site; `shareable` carries the first model."""

    @abstractmethod
    def do_learn_task(self, name: str, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> None:
        """One site's work of one round."""

    def process_config(self, fl_ctx: FLContext) -> Shareable | None:
        """Take over the configuration; a reply other than OK tells the server what is wrong."""
        return None

    # The run.

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.START_RUN:
            self.start_run(fl_ctx)
        elif event_type in {EventType.ABORT_TASK, EventType.ABOUT_TO_END_RUN, EventType.END_RUN}:
            self._stop(fl_ctx)

    def start_run(self, fl_ctx: FLContext) -> None:
        """Find executor and components; ends the run when one is missing or of the wrong class."""
        self.engine = fl_ctx.get_engine()
        self.me = fl_ctx.get_identity_name()
        if self.learn_task_name:
            self.learn_executor = self.require_executor(self.learn_task_name, fl_ctx)
        self.persistor = self.require(self.persistor_id, LearnablePersistor, fl_ctx)
        if self.shareable_generator_id:
            self.shareable_generator = self.require(self.shareable_generator_id, ShareableGenerator, fl_ctx)
        fl_ctx.set_prop(Constant.EXECUTOR, self, private=True, sticky=False)
        self.fire_event(Constant.EXECUTOR_INITIALIZED, fl_ctx)

    def finalize(self, fl_ctx: FLContext) -> None:
        if not self.workflow_done:
            self.workflow_done = True
            fl_ctx.set_prop(Constant.EXECUTOR, self, private=True, sticky=False)
            fl_ctx.set_prop(FLContextKey.WORKFLOW, self.workflow_id, private=True, sticky=False)
            self.fire_event(Constant.EXECUTOR_FINALIZED, fl_ctx)

    def require(self, component_id: str, role: type, fl_ctx: FLContext) -> Any:
        """The component; ends the run when it is not there."""
        found = self.engine.get_component(component_id)
        if isinstance(found, role):
            return found
        self.system_panic(
            f"component {component_id!r} must be a {role.__name__}, but is {type(found).__name__}", fl_ctx
        )
        return None

    def require_executor(self, task_name: str, fl_ctx: FLContext) -> Any:
        """The site's executor of a task; ends the run when there is none."""
        found = self.engine.find_executor(task_name)
        if found is None:
            self.system_panic(f"no executor of this site handles task {task_name!r}", fl_ctx)
        return found

    def get_config_prop(self, name: str, default: Any = None) -> Any:
        """What the server's side has told the sites."""
        return self.config.get(name, default)

    def topic_for_my_workflow(self, base_topic: str) -> str:
        return f"{base_topic}.{self.workflow_id}"

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if task_name == self.configure_task_name:
            return self._configure(shareable, fl_ctx)
        if task_name == self.start_task_name:
            self.is_starting_client = True
            model = fl_ctx.get_prop(AppConstants.GLOBAL_MODEL)
            first = self.shareable_generator.learnable_to_shareable(model, fl_ctx)
            return self.start_workflow(first, fl_ctx, abort_signal)
        if task_name == self.do_learn_task_name:
            return self._process_learn_request(shareable, fl_ctx)
        if task_name == self.report_final_result_task_name:
            return take(self, shareable, fl_ctx)
        self.log_error(fl_ctx, f"{type(self).__name__} has no answer to task {task_name!r}")
        return make_reply(ReturnCode.TASK_UNKNOWN)

    def update_status(
        self,
        last_round: int | None = None,
        action: str | None = None,
        error: str | None = None,
        all_done: bool = False,
    ) -> None:
        """Report progress to the server; an error ends the run."""
        self.current_status.update(last_round, action, error, all_done)
        report = Shareable()
        report[Constant.STATUS_REPORTS] = self.current_status.to_dict()
        with self.engine.new_context() as fl_ctx:
            self.engine.fire_and_forget_aux_request(topic_for_status(self.workflow_id), report, fl_ctx)

    # Learning.

    def set_learn_task(self, task_data: Shareable, fl_ctx: FLContext) -> bool:
        """Begin to learn beside all else; False when this site is still at work on another task."""
        task_data.set_header(AppConstants.NUM_ROUNDS, self.get_config_prop(AppConstants.NUM_ROUNDS))
        return self.learning.begin(task_data, fl_ctx)

    def send_learn_task(self, targets: list[str], request: Shareable, fl_ctx: FLContext) -> bool:
        """Have other sites learn; False, and the error reported, when one does not accept."""
        request.set_header(AppConstants.NUM_ROUNDS, self.get_config_prop(AppConstants.NUM_ROUNDS))
        replies = self.ask(targets, self.do_learn_task_name, request, self.learn_task_ack_timeout, fl_ctx)
        for target, reply in replies.items():
            rc = reply.get_return_code()
            if rc != ReturnCode.OK:
                self.log_error(fl_ctx, f"{target} did not accept the task to learn: {rc}")
                self.update_status(action="send_learn_task", error=rc)
                return False
        return True

    def execute_learn_task(self, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Have the site's executor train; an exception makes a reply that says so."""
        number = data.get_header(AppConstants.CURRENT_ROUND)
        try:
            result: Shareable = self.learn_executor.execute(self.learn_task_name, data, fl_ctx, abort_signal)
        except Exception as e:
            self.log_exception(fl_ctx, f"the executor failed in round {number}: {e}")
            self.engine.note_exception(e)
            result = make_reply(ReturnCode.EXECUTION_EXCEPTION)
        result.set_cookie_jar(data.get_cookie_jar())
        result.set_header(AppConstants.CURRENT_ROUND, number)
        result.add_cookie(AppConstants.CONTRIBUTION_ROUND, number)
        return result

    def ask(
        self, targets: list[str], task_name: str, data: Shareable, timeout: float, fl_ctx: FLContext
    ) -> dict[str, Shareable]:
        """Have other sites do a task, and wait for their replies."""
        replies: dict[str, Shareable] = self.engine.ask(targets, task_name, data, float(int(timeout)), fl_ctx)
        return replies

    # Results.

    def record_last_result(self, fl_ctx: FLContext, round_num: int, result: Learnable) -> None:
        """Keep and save the model of a round."""
        self.last_result, self.last_round = result, round_num
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, result, private=True, sticky=True)
        self.persistor.save(result, fl_ctx)

    def broadcast_final_result(
        self,
        fl_ctx: FLContext,
        result_type: str,
        result: Learnable,
        metric: Any = None,
        round_num: int | None = None,
    ) -> None:
        """Send a result to the sites that are to have it; after the last one the workflow is done."""
        broadcast(self, fl_ctx, result_type, result, metric, round_num)

    # What other parties ask for.

    def _configure(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        self.config = shareable[Constant.CONFIG]
        self.workflow_id = self.get_config_prop(FLContextKey.WORKFLOW)
        if not self.workflow_id:
            self.log_error(fl_ctx, "the configuration does not name the workflow")
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        reply = self.process_config(fl_ctx)
        self.engine.register_aux_message_handler(
            topic_for_end_workflow(self.workflow_id), self._process_end_workflow
        )
        fl_ctx.set_prop(AppConstants.GLOBAL_MODEL, self.persistor.load(fl_ctx), private=True, sticky=True)
        return reply or make_reply(ReturnCode.OK)

    def _process_learn_request(self, request: Shareable, fl_ctx: FLContext) -> Shareable:
        if self.learning.task is not None and not self.allow_busy_task:
            sender = fl_ctx.get_peer_context().get_identity_name()
            self.log_error(fl_ctx, f"{sender} asks this site to learn while it is still at work")
            self.update_status(action="process_learn_request", error=ReturnCode.EXECUTION_EXCEPTION)
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        self.set_learn_task(request, fl_ctx)
        return make_reply(ReturnCode.OK)

    def _process_end_workflow(self, topic: str, request: Shareable, fl_ctx: FLContext) -> Shareable:
        self.asked_to_stop = True
        self.learning.abort(fl_ctx)
        self.finalize(fl_ctx)
        return make_reply(ReturnCode.OK)

    def _stop(self, fl_ctx: FLContext) -> None:
        if not self.asked_to_stop and not self.workflow_done:
            self.asked_to_stop = True
            self.learning.abort(fl_ctx)
            self.finalize(fl_ctx)
