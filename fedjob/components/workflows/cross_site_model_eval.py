"""CrossSiteModelEval: every site's model, and the server's, on every site's data.

Answers ``nvflare.app_common.workflows.cross_site_model_eval``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fedjob.components.checks import check_non_negative_int, check_object_type, check_str
from fedjob.components.controller import Controller
from fedjob.components.formatter import Formatter
from fedjob.components.locator import ModelLocator
from fedjob.components.paths import resolve_path_under_root
from fedjob.components.task import ClientTask, Task
from fedjob.exchange.app_constants import AppConstants, ModelName
from fedjob.exchange.client import Client
from fedjob.exchange.dxo import DXO, from_file, from_shareable, get_leaf_dxos
from fedjob.exchange.events import AppEventType
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.keys import ReturnCode
from fedjob.exchange.shareable import Shareable
from fedjob.exchange.signal import Signal


class CrossSiteModelEval(Controller):
    """Asks every participant for its model, then has all of them validate each model, as it comes.

    Server models come from the ModelLocator `model_locator_id` and are called ``SRV_<name>``. A site that gives no model is
    left out as owner, one that cannot validate gets an empty result. VALIDATION_RESULT_RECEIVED is fired for each result.
    Times are in seconds. Raises TypeError or ValueError for bad arguments.
    """

    def __init__(
        self,
        task_check_period: float = 0.5,
        cross_val_dir: str = AppConstants.CROSS_VAL_DIR,
        submit_model_timeout: int = 600,
        validation_timeout: int = 6000,
        model_locator_id: str = "",
        formatter_id: str = "",
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        validation_task_name: str = AppConstants.TASK_VALIDATION,
        cleanup_models: bool = False,
        participating_clients: list[str] | None = None,
        wait_for_clients_timeout: int = 300,
    ) -> None:
        super().__init__(task_check_period=task_check_period)
        check_object_type("task_check_period", task_check_period, float)
        check_str("cross_val_dir", cross_val_dir)
        check_non_negative_int("submit_model_timeout", submit_model_timeout)
        check_non_negative_int("validation_timeout", validation_timeout)
        check_str("model_locator_id", model_locator_id)
        check_str("formatter_id", formatter_id)
        check_str("submit_model_task_name", submit_model_task_name)
        check_str("validation_task_name", validation_task_name)
        check_object_type("cleanup_models", cleanup_models, bool)
        if participating_clients:
            check_object_type("participating_clients", participating_clients, list)
            for name in participating_clients:
                check_str("each of participating_clients", name)
        if wait_for_clients_timeout < 0:
            raise ValueError(f"wait_for_clients_timeout must be >= 0, but got {wait_for_clients_timeout}")
        self._cross_val_dir = cross_val_dir
        self._submit_model_timeout = submit_model_timeout
        self._validation_timeout = validation_timeout
        self._model_locator_id = model_locator_id
        self._formatter_id = formatter_id
        self._submit_model_task_name = submit_model_task_name
        self._validation_task_name = validation_task_name
        self._cleanup_models = cleanup_models
        self._participating_clients = participating_clients
        self._wait_for_clients_timeout = wait_for_clients_timeout
        self._val_results: dict[str, dict[str, Any]] = {}
        self._server_models: dict[str, str] = {}
        self._client_models: dict[str, str | None] = {}
        self._models = Path()
        self._results = Path()
        self._formatter: Formatter | None = None
        self._model_locator: ModelLocator | None = None

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Make room for models and results; ends the run when a component is of the wrong class."""
        if not self._participating_clients:
            self._participating_clients = [c.name for c in self._engine.get_clients()]
        run_dir = self._engine.get_workspace().get_run_dir(fl_ctx.get_job_id())
        root = Path(resolve_path_under_root(run_dir, self._cross_val_dir, "cross_val_dir"))
        self._models = root / AppConstants.CROSS_VAL_MODEL_DIR_NAME
        self._results = root / AppConstants.CROSS_VAL_RESULTS_DIR_NAME
        fl_ctx.set_prop(AppConstants.CROSS_VAL_MODEL_PATH, str(self._models))
        fl_ctx.set_prop(AppConstants.CROSS_VAL_RESULTS_PATH, str(self._results))
        self.fire_event(AppEventType.CROSS_VAL_INIT, fl_ctx)
        for folder in (self._models, self._results):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._model_locator = self._component(self._model_locator_id, ModelLocator, fl_ctx)
        self._formatter = self._component(self._formatter_id, Formatter, fl_ctx)
        for name in self._participating_clients:
            self._client_models[name] = None
            self._val_results[name] = {}

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        try:
            if not self._participating_clients:
                self.log_info(fl_ctx, "there is no site to validate with")
                return
            if self._submit_model_task_name:
                self._ask_for_models(fl_ctx)
            if abort_signal.triggered or not self._send_server_models(fl_ctx):
                return
            while self.get_num_standing_tasks() and not abort_signal.triggered:
                time.sleep(self._task_check_period)
        except Exception as e:
            reason = f"the evaluation failed: {type(e).__name__}: {e}"
            self.log_exception(fl_ctx, reason)
            fl_ctx.get_engine().note_exception(e)
            self.system_panic(reason, fl_ctx)

    def stop_controller(self, fl_ctx: FLContext) -> None:
        self.cancel_all_tasks(fl_ctx=fl_ctx)
        if self._cleanup_models:
            for path in [*self._server_models.values(), *self._client_models.values()]:
                if path:
                    Path(path).unlink(missing_ok=True)

    def process_result_of_unknown_task(
        self, client: Client, task_name: str, client_task_id: str, result: Shareable, fl_ctx: FLContext
    ) -> None:
        """A late model or result still counts."""
        if task_name == self._submit_model_task_name:
            self._accept_local_model(client.name, result, fl_ctx)
        elif task_name == self._validation_task_name:
            self._accept_val_result(client.name, result, fl_ctx)
        else:
            self.log_error(fl_ctx, f"a result of the unknown task {task_name} is ignored")

    def _component(self, component_id: str, role: type, fl_ctx: FLContext) -> Any:
        if not component_id:
            return None
        found = self._engine.get_component(component_id)
        if not isinstance(found, role):
            self.system_panic(
                f"component {component_id!r} must be a {role.__name__}, but is {type(found).__name__}", fl_ctx
            )
        return found

    def _ask_for_models(self, fl_ctx: FLContext) -> None:
        data = Shareable()
        data.set_header(AppConstants.SUBMIT_MODEL_NAME, ModelName.BEST_MODEL)
        task = Task(
            name=self._submit_model_task_name,
            data=data,
            result_received_cb=self._receive_local_model_cb,
            timeout=self._submit_model_timeout,
        )
        self._broadcast(task, fl_ctx)

    def _broadcast(self, task: Task, fl_ctx: FLContext) -> None:
        sites = self._participating_clients or []
        self.broadcast(task=task, targets=list(sites), fl_ctx=fl_ctx, min_responses=len(sites))

    def _send_server_models(self, fl_ctx: FLContext) -> bool:
        """Store and send the server's models; False when the run was ended for one that cannot be used."""
        locator = self._model_locator
        for name in locator.get_model_names(fl_ctx) if locator else ():
            dxo = locator.locate_model(name, fl_ctx) if locator else None
            if not isinstance(dxo, DXO):
                self.system_panic(f"the model {name!r} must be a DXO, but is {type(dxo).__name__}", fl_ctx)
                return False
            unique = f"SRV_{name}"
            self._server_models[unique] = self._save(unique, self._models, dxo)
            self._val_results[unique] = {}
        for unique in self._server_models:
            self._send_validation_task(unique, fl_ctx)
        return True

    def _send_validation_task(self, model_name: str, fl_ctx: FLContext) -> None:
        task = Task(
            name=self._validation_task_name,
            data=Shareable(),
            before_task_sent_cb=self._before_send_validate_task_cb,
            after_task_sent_cb=self._after_send_validate_task_cb,
            result_received_cb=self._receive_val_result_cb,
            timeout=self._validation_timeout,
            props={AppConstants.MODEL_OWNER: model_name},
        )
        self._broadcast(task, fl_ctx)

    def _before_send_validate_task_cb(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        """Models wait in files, not in memory, until they are sent."""
        name = client_task.task.props[AppConstants.MODEL_OWNER]
        try:
            data: Shareable = from_file(self._models / name).to_shareable()
        except Exception as e:
            self.system_panic(f"the stored model {name!r} cannot be loaded: {e}", fl_ctx)
            return
        data.set_header(AppConstants.MODEL_OWNER, name)
        data.add_cookie(AppConstants.MODEL_OWNER, name)
        client_task.task.data = data
        props = {
            AppConstants.DATA_CLIENT: client_task.client,
            AppConstants.MODEL_OWNER: name,
            AppConstants.MODEL_TO_VALIDATE: data,
            AppConstants.PARTICIPATING_CLIENTS: self._participating_clients,
        }
        self._set(props, fl_ctx)
        self.fire_event(AppEventType.SEND_MODEL_FOR_VALIDATION, fl_ctx)

    def _after_send_validate_task_cb(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        client_task.task.data = None  # type: ignore[assignment]  # the next site's copy is loaded when it is sent

    def _receive_local_model_cb(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        assert client_task.result is not None
        self._accept_local_model(client_task.client.name, client_task.result, fl_ctx)
        client_task.result = None

    def _receive_val_result_cb(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        assert client_task.result is not None
        self._accept_val_result(client_task.client.name, client_task.result, fl_ctx)
        client_task.result = None

    def _accept_local_model(self, client_name: str, result: Shareable, fl_ctx: FLContext) -> None:
        props = {
            AppConstants.RECEIVED_MODEL: result,
            AppConstants.RECEIVED_MODEL_OWNER: client_name,
            AppConstants.CROSS_VAL_DIR: self._cross_val_dir,
        }
        self._set(props, fl_ctx)
        self.fire_event(AppEventType.RECEIVE_BEST_MODEL, fl_ctx)
        rc = result.get_return_code()
        if rc and rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"{client_name} gave no model: {rc}")
            return
        for owner, dxo in self._leaves(client_name, result, fl_ctx):
            self._client_models[owner] = self._save(owner, self._models, dxo)
            self._send_validation_task(owner, fl_ctx)

    def _accept_val_result(self, client_name: str, result: Shareable, fl_ctx: FLContext) -> None:
        owner = result.get_cookie(AppConstants.MODEL_OWNER, "")
        props = {
            AppConstants.MODEL_OWNER: owner,
            AppConstants.DATA_CLIENT: client_name,
            AppConstants.VALIDATION_RESULT: result,
        }
        self._set(props, fl_ctx)
        self.fire_event(AppEventType.VALIDATION_RESULT_RECEIVED, fl_ctx)
        rc = result.get_return_code()
        if rc and rc != ReturnCode.OK:
            self.log_error(fl_ctx, f"{client_name} could not validate the model of {owner}: {rc}")
            self._val_results.setdefault(client_name, {})[owner] = {}
            return
        for site, dxo in self._leaves(client_name, result, fl_ctx):
            path = self._save(f"{site}_{owner}", self._results, dxo)
            self._val_results.setdefault(site, {})[owner] = path

    def _leaves(self, client_name: str, result: Shareable, fl_ctx: FLContext) -> Iterable[tuple[str, DXO]]:
        """The DXOs of a result by the site they are of, which are several when a server in between collected them."""
        try:
            dxo = from_shareable(result)
        except ValueError as e:
            self.log_error(fl_ctx, f"the result of {client_name} is no DXO: {e}")
            return ()
        leaves, errors = get_leaf_dxos(dxo, client_name)
        for error in errors or ():
            self.log_error(fl_ctx, f"a part of the result of {client_name} is bad: {error}")
        return leaves.items()

    @staticmethod
    def _set(props: dict[str, Any], fl_ctx: FLContext) -> None:
        for key, value in props.items():
            fl_ctx.set_prop(key, value, private=True, sticky=False)

    @staticmethod
    def _save(name: str, folder: Path, dxo: DXO) -> str:
        path = folder / name
        dxo.to_file(path)
        return str(path)
