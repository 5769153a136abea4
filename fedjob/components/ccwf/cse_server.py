"""CrossSiteEvalServerController: has sites evaluate each other's models, which do not pass through the server.

Answers ``nvflare.app_common.ccwf.cse_server_ctl``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fedjob.components.ccwf.candidates import DefaultValuePolicy, validate_candidate, validate_candidates
from fedjob.components.ccwf.common import Constant, ModelType, make_task_name
from fedjob.components.ccwf.cse_plan import parallel_eval_generator
from fedjob.components.ccwf.server import ServerSideController
from fedjob.components.checks import check_non_negative_int, check_positive_number, check_str
from fedjob.components.task import ClientTask, Task
from fedjob.exchange.app_constants import AppConstants, ModelName
from fedjob.exchange.dxo import from_shareable
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class CrossSiteEvalServerController(ServerSideController):
    """`evaluators` evaluate the local models of `evaluatees`, all by default, and the global ones of `global_model_client`.

    Times are in seconds. Raises TypeError or ValueError for bad arguments, RuntimeError when there is nothing to evaluate.
    """

    def __init__(
        self,
        task_name_prefix: str = Constant.TN_PREFIX_CROSS_SITE_EVAL,
        start_task_timeout: float = Constant.START_TASK_TIMEOUT,
        configure_task_timeout: float = Constant.CONFIG_TASK_TIMEOUT,
        eval_task_timeout: float = 30,
        task_check_period: float = Constant.TASK_CHECK_INTERVAL,
        job_status_check_interval: float = Constant.JOB_STATUS_CHECK_INTERVAL,
        progress_timeout: float = Constant.WORKFLOW_PROGRESS_TIMEOUT,
        private_p2p: bool = True,
        participating_clients: Any = None,
        evaluators: Any = None,
        evaluatees: Any = None,
        global_model_client: str | None = None,
        max_status_report_interval: float = Constant.PER_CLIENT_STATUS_REPORT_TIMEOUT,
        eval_result_dir: str = AppConstants.CROSS_VAL_DIR,
        max_parallel_actions: int = 1,
    ) -> None:
        super().__init__(
            num_rounds=1,
            task_name_prefix=task_name_prefix,
            start_task_timeout=start_task_timeout,
            configure_task_timeout=configure_task_timeout,
            task_check_period=task_check_period,
            job_status_check_interval=job_status_check_interval,
            participating_clients=participating_clients,
            starting_client_policy=DefaultValuePolicy.EMPTY,
            result_clients_policy=DefaultValuePolicy.EMPTY,
            max_status_report_interval=max_status_report_interval,
            progress_timeout=progress_timeout,
            private_p2p=private_p2p,
        )
        check_str("eval_result_dir", eval_result_dir)
        check_positive_number("eval_task_timeout", eval_task_timeout)
        check_non_negative_int("max_parallel_actions", max_parallel_actions)
        self.eval_task_timeout = eval_task_timeout
        self.evaluators = evaluators or []
        self.evaluatees = evaluatees or []
        self.global_model_client = global_model_client or ""
        self.eval_result_dir = eval_result_dir
        self.max_parallel_actions = max_parallel_actions
        self.prep_model_task_name = make_task_name(task_name_prefix, Constant.BASENAME_PREP_MODEL)
        self.eval_task_name = make_task_name(task_name_prefix, Constant.BASENAME_EVAL)
        self.global_names: dict[str, str] = {}
        self.current_round = 0
        self._results = Path()

    def start_controller(self, fl_ctx: FLContext) -> None:
        super().start_controller(fl_ctx)
        sites, all_of_them = self.participating_clients, DefaultValuePolicy.ALL
        self.evaluators = validate_candidates(
            "evaluators", self.evaluators, sites, all_of_them, allow_none=False
        )
        self.evaluatees = validate_candidates(
            "evaluatees", self.evaluatees, sites, all_of_them, allow_none=True
        )
        self.global_model_client = validate_candidate(
            "global_model_client", self.global_model_client, sites, DefaultValuePolicy.ANY, allow_none=True
        )
        if not self.global_model_client and not self.evaluatees:
            raise RuntimeError("there is nothing to evaluate: neither evaluatees nor a global_model_client")
        run_dir = self._engine.get_workspace().get_run_dir(fl_ctx.get_job_id())
        self._results = Path(run_dir) / self.eval_result_dir / AppConstants.CROSS_VAL_RESULTS_DIR_NAME
        self._results.mkdir(parents=True, exist_ok=True)

    def prepare_config(self) -> dict[str, Any]:
        return {
            Constant.EVAL_LOCAL: bool(self.evaluatees),
            Constant.EVAL_GLOBAL: bool(self.global_model_client),
            Constant.EVALUATORS: self.evaluators,
            Constant.EVALUATEES: self.evaluatees,
            Constant.GLOBAL_CLIENT: self.global_model_client,
        }

    def process_config_reply(self, client_name: str, reply: Shareable, fl_ctx: FLContext) -> bool:
        for name in reply.get(Constant.GLOBAL_NAMES) or ():
            self.global_names.setdefault(name, client_name)
        return True

    def sub_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        if not self.global_names and not self.evaluatees:
            self.system_panic("there are neither global nor local models to evaluate", fl_ctx)
            return
        for name, owner in self.global_names.items():
            self._evaluate(ModelType.GLOBAL, name, [owner], abort_signal, fl_ctx)
        trained = fl_ctx.get_prop(Constant.PROP_KEY_TRAIN_CLIENTS)
        owners = [site for site in self.evaluatees if not trained or site in trained]
        if owners:
            self._evaluate(ModelType.LOCAL, ModelName.BEST_MODEL, owners, abort_signal, fl_ctx)

    def is_sub_flow_done(self, fl_ctx: FLContext) -> bool:
        return self.get_num_standing_tasks() == 0

    def _evaluate(
        self, model_type: str, model_name: str, owners: list[str], abort_signal: Signal, fl_ctx: FLContext
    ) -> None:
        missing = self._prepare(model_type, model_name, owners, abort_signal, fl_ctx)
        if missing:
            self.log_error(
                fl_ctx, f"{model_type} model {model_name} is not evaluated: {missing} do not have it"
            )
            return
        for batch in parallel_eval_generator(self.evaluators, owners, self.max_parallel_actions):
            if abort_signal.triggered:
                return
            self._ask_to_eval(batch, model_type, model_name, abort_signal, fl_ctx)

    def _prepare(
        self, model_type: str, model_name: str, owners: list[str], abort_signal: Signal, fl_ctx: FLContext
    ) -> list[str]:
        """Have the owners get their models ready; gives those that could not."""
        missing = list(owners)

        def take(client_task: ClientTask, fl_ctx: FLContext) -> None:  # noqa: ARG001  # FLARE's callback
            if client_task.result is not None and client_task.result.get_return_code() == ReturnCode.OK:
                missing.remove(client_task.client.name)

        task = Task(
            name=self.prep_model_task_name,
            data=Shareable({Constant.MODEL_NAME: model_name, Constant.MODEL_TYPE: model_type}),
            timeout=int(self.eval_task_timeout),
            result_received_cb=take,
        )
        self.broadcast_and_wait(
            task=task, fl_ctx=fl_ctx, targets=owners, min_responses=len(owners), abort_signal=abort_signal
        )
        return missing

    def _ask_to_eval(
        self,
        batch: list[tuple[str, str]],
        model_type: str,
        model_name: str,
        abort_signal: Signal,
        fl_ctx: FLContext,
    ) -> None:
        self.current_round += 1
        for evaluator, evaluatee in batch:
            data = Shareable(
                {
                    AppConstants.CURRENT_ROUND: self.current_round,
                    Constant.MODEL_OWNER: evaluatee,
                    Constant.MODEL_NAME: model_name,
                    Constant.MODEL_TYPE: model_type,
                }
            )
            task = Task(
                name=self.eval_task_name,
                data=data,
                timeout=int(self.eval_task_timeout),
                result_received_cb=self._process_eval_result,
            )
            self.broadcast(task=task, fl_ctx=fl_ctx, targets=[evaluator], min_responses=1)
        while self.get_num_standing_tasks() > 0:
            if abort_signal.triggered:
                self.cancel_all_tasks(fl_ctx=fl_ctx)
                return
            time.sleep(0.5)

    def _process_eval_result(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        result, evaluator = client_task.result, client_task.client.name
        assert result is not None
        owner = result.get_header(Constant.MODEL_OWNER, "")
        if result.get_header(Constant.MODEL_TYPE) == ModelType.GLOBAL:
            owner = f"GLOBAL_{result.get_header(Constant.MODEL_NAME)}"
        props = {
            AppConstants.MODEL_OWNER: owner,
            AppConstants.DATA_CLIENT: evaluator,
            AppConstants.VALIDATION_RESULT: result,
        }
        for key, value in props.items():
            fl_ctx.set_prop(key, value, private=True, sticky=False)
        self.fire_event(AppEventType.VALIDATION_RESULT_RECEIVED, fl_ctx)
        rc = result.get_return_code()
        if rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"{evaluator} could not evaluate the model of {owner}: {rc}")
        else:
            from_shareable(result).to_file(self._results / f"{evaluator}-{owner}")
