"""CrossSiteEvalClientController: hold models ready for other sites, fetch theirs, evaluate them.

Answers ``nvflare.app_common.ccwf.cse_client_ctl``.
"""

from __future__ import annotations

from typing import Any

from fedjob.components.ccwf.client import ClientSideController
from fedjob.components.ccwf.common import Constant, ModelType, make_task_name
from fedjob.components.checks import check_non_empty_str, check_positive_number
from fedjob.components.persistor import ModelPersistor
from fedjob.exchange.app_constants import AppConstants, ValidateType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import FLContextKey, ReturnCode
from fedjob.exchange.learnable import ModelLearnable, model_learnable_to_dxo
from fedjob.exchange.shareable import Shareable, make_copy, make_reply
from fedjob.exchange.signal import Signal


class CrossSiteEvalClientController(ClientSideController):
    """`get_model_timeout` is in seconds. Raises TypeError or ValueError for bad arguments."""

    def __init__(
        self,
        task_name_prefix: str = Constant.TN_PREFIX_CROSS_SITE_EVAL,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        validation_task_name: str = AppConstants.TASK_VALIDATION,
        persistor_id: str = AppConstants.DEFAULT_PERSISTOR_ID,
        get_model_timeout: float = Constant.GET_MODEL_TIMEOUT,
    ) -> None:
        check_positive_number("get_model_timeout", get_model_timeout)
        check_non_empty_str("submit_model_task_name", submit_model_task_name)
        check_non_empty_str("validation_task_name", validation_task_name)
        check_non_empty_str("persistor_id", persistor_id)
        super().__init__(
            task_name_prefix=task_name_prefix,
            learn_task_name="",
            shareable_generator_id="",
            persistor_id=persistor_id,
        )
        self.submit_model_task_name = submit_model_task_name
        self.validation_task_name = validation_task_name
        self.get_model_timeout = get_model_timeout
        self.eval_task_name = make_task_name(task_name_prefix, Constant.BASENAME_EVAL)
        self.prep_model_task_name = make_task_name(task_name_prefix, Constant.BASENAME_PREP_MODEL)
        self.ask_for_model_task_name = make_task_name(task_name_prefix, Constant.BASENAME_ASK_FOR_MODEL)
        self.submit_model_executor: Any = None
        self.validate_executor: Any = None
        #: The model that was last asked for, by type and name.
        self.prepared_models: dict[tuple[str, str], Shareable] = {}

    def start_run(self, fl_ctx: FLContext) -> None:
        super().start_run(fl_ctx)
        self.submit_model_executor = self.require_executor(self.submit_model_task_name, fl_ctx)
        self.validate_executor = self.require_executor(self.validation_task_name, fl_ctx)

    def process_config(self, fl_ctx: FLContext) -> Shareable | None:
        reply = make_reply(ReturnCode.OK)
        is_global = self.me == self.get_config_prop(Constant.GLOBAL_CLIENT)
        if self.get_config_prop(Constant.EVAL_GLOBAL) and is_global:
            inventory = self.persistor.get_model_inventory(fl_ctx)
            if inventory:
                reply[Constant.GLOBAL_NAMES] = list(inventory)
        return reply

    def execute(
        self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal
    ) -> Shareable:
        if task_name == self.eval_task_name:
            return self._do_eval(shareable, fl_ctx, abort_signal)
        if task_name == self.prep_model_task_name:
            return self._prepare_model(shareable, fl_ctx, abort_signal)
        if task_name == self.ask_for_model_task_name:
            return self._process_get_model_request(shareable, fl_ctx)
        return super().execute(task_name, shareable, fl_ctx, abort_signal)

    def start_workflow(self, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        return make_reply(ReturnCode.TASK_UNSUPPORTED)

    def do_learn_task(self, name: str, data: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> None:
        """Nothing is learned here."""

    def _prepare_model(self, request: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        kind, name = request[Constant.MODEL_TYPE], request[Constant.MODEL_NAME]
        self.update_status(action=f"eval:prep_model:{kind}:{name}")
        self.prepared_models = {}
        model = self._stored(name, fl_ctx)
        if model is not None:
            self.prepared_models[kind, name] = model_learnable_to_dxo(model).to_shareable()
            return make_reply(ReturnCode.OK)
        if kind == ModelType.GLOBAL:
            self.log_error(fl_ctx, f"this site has no global model {name!r}")
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        return self._submitted(name, fl_ctx, abort_signal)

    def _stored(self, name: str, fl_ctx: FLContext) -> ModelLearnable | None:
        """The persistor's model of that name, or else the one that comes closest (a ``best`` one for the best)."""
        if not isinstance(self.persistor, ModelPersistor):
            return None
        try:
            found: Any = self.persistor.get(name, fl_ctx)
            inventory = {} if found else self.persistor.get_model_inventory(fl_ctx) or {}
            wants_best = "best" in name.lower()
            keys = [key for key in inventory if wants_best and "best" in key.lower()] or list(inventory)
            if keys:
                found = self.persistor.get(keys[0], fl_ctx)
        except Exception as e:
            self.log_warning(fl_ctx, f"the persistor gives no model {name!r}: {e}")
            return None
        model: ModelLearnable | None = found or None
        return model

    def _submitted(self, name: str, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Get the site's own model from the executor that trains."""
        data = Shareable()
        data.set_header(AppConstants.SUBMIT_MODEL_NAME, name)
        data.set_header(FLContextKey.TASK_NAME, self.submit_model_task_name)
        try:
            result = self.submit_model_executor.execute(
                self.submit_model_task_name, data, fl_ctx, abort_signal
            )
        except Exception as e:
            self.log_exception(fl_ctx, f"the executor gives no model {name!r}: {e}")
            self.engine.note_exception(e)
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        rc = result.get_return_code()
        if rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"the executor gives no model {name!r}: {rc}")
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
        self.prepared_models[ModelType.LOCAL, name] = result
        return make_reply(ReturnCode.OK)

    def _process_get_model_request(self, request: Shareable, fl_ctx: FLContext) -> Shareable:
        wanted = request[Constant.MODEL_TYPE], request[Constant.MODEL_NAME]
        model = self.prepared_models.get(wanted)
        if model is None:
            self.log_error(fl_ctx, f"this site is asked for a model that it has not prepared: {wanted}")
            return make_reply(ReturnCode.BAD_REQUEST_DATA)
        return make_copy(model)

    def _do_eval(self, request: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        kind, name = request[Constant.MODEL_TYPE], request[Constant.MODEL_NAME]
        owner, number = request[Constant.MODEL_OWNER], request[AppConstants.CURRENT_ROUND]
        model = self._fetch(kind, name, owner, fl_ctx)
        rc = model.get_return_code()
        if rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"{owner} gives no {kind} model {name}: {rc}")
            return make_reply(rc)
        model.set_header(AppConstants.VALIDATE_TYPE, ValidateType.MODEL_VALIDATE)
        model.set_header(FLContextKey.TASK_NAME, self.validation_task_name)
        if kind == ModelType.LOCAL:
            model.set_header(AppConstants.MODEL_OWNER, owner)
        self.update_status(action=f"eval:validate:{kind}:{name}@{owner}", last_round=number)
        result: Shareable = self.validate_executor.execute(
            self.validation_task_name, model, fl_ctx, abort_signal
        )
        # FLARE also counts evaluations as rounds here; nothing is learned in them, so they are none.
        for key, value in (
            (Constant.MODEL_TYPE, kind),
            (Constant.MODEL_NAME, name),
            (Constant.MODEL_OWNER, owner),
        ):
            result.set_header(key, value)
        return result

    def _fetch(self, kind: str, name: str, owner: str, fl_ctx: FLContext) -> Shareable:
        """The model, a copy of this site's own or the owner's reply."""
        if owner == self.me:
            own = self.prepared_models.get((kind, name))
            return make_copy(own) if own is not None else make_reply(ReturnCode.EXECUTION_EXCEPTION)
        request = Shareable({Constant.MODEL_NAME: name, Constant.MODEL_TYPE: kind})
        return self.ask([owner], self.ask_for_model_task_name, request, self.get_model_timeout, fl_ctx)[owner]
