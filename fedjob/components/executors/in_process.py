"""The executors of FLARE 2.5 to 2.8 for training scripts in the site's own process."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.components.executors.script_executor import ScriptExecutor
from fedjob.errors import FolderError
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext


class InProcessClientAPIExecutor(ScriptExecutor):
    """The executor for training scripts of FLARE 2.5 to 2.8."""

    def __init__(
        self,
        task_script_path: str,
        task_script_args: str = "",
        task_wait_time: float | None = None,
        result_pull_interval: float = 0.5,
        log_pull_interval: float | None = None,
        params_exchange_format: Any = ExchangeFormat.NUMPY,
        params_transfer_type: Any = TransferType.FULL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        train_with_evaluation: bool = False,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=task_script_path,
            task_script_args=task_script_args,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            train_with_evaluation=train_with_evaluation,
            params_exchange_format=params_exchange_format,
            server_expected_format=server_expected_format,
            params_transfer_type=params_transfer_type,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
        self._task_wait_time = task_wait_time
        self._result_pull_interval = result_pull_interval
        self._log_pull_interval = log_pull_interval
        self._from_nvflare_converter_id = from_nvflare_converter_id
        self._to_nvflare_converter_id = to_nvflare_converter_id

    def _start(self, fl_ctx: FLContext) -> Any:
        for name in ("from_nvflare_converter_id", "to_nvflare_converter_id"):
            if getattr(self, f"_{name}"):
                raise FolderError(
                    f"the local engine converts parameters by itself and does not use {name}; "
                    'run this job with engine="simulator"'
                )
        return super()._start(fl_ctx)


class PTInProcessClientAPIExecutor(InProcessClientAPIExecutor):
    """The same for PyTorch."""

    def __init__(
        self,
        task_script_path: str,
        task_script_args: str = "",
        task_wait_time: float | None = None,
        result_pull_interval: float = 0.5,
        log_pull_interval: float | None = None,
        params_transfer_type: Any = TransferType.FULL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        train_with_evaluation: bool = True,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        params_exchange_format: Any = ExchangeFormat.PYTORCH,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=task_script_path,
            task_script_args=task_script_args,
            task_wait_time=task_wait_time,
            result_pull_interval=result_pull_interval,
            log_pull_interval=log_pull_interval,
            params_exchange_format=params_exchange_format,
            params_transfer_type=params_transfer_type,
            from_nvflare_converter_id=from_nvflare_converter_id,
            to_nvflare_converter_id=to_nvflare_converter_id,
            train_with_evaluation=train_with_evaluation,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            server_expected_format=server_expected_format,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )


class TFInProcessClientAPIExecutor(InProcessClientAPIExecutor):
    """The same for TensorFlow."""

    def __init__(
        self,
        task_script_path: str,
        task_script_args: str = "",
        task_wait_time: float | None = None,
        result_pull_interval: float = 0.5,
        log_pull_interval: float | None = None,
        params_transfer_type: Any = TransferType.FULL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        train_with_evaluation: bool = True,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        params_exchange_format: Any = ExchangeFormat.KERAS_LAYER_WEIGHTS,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            task_script_path=task_script_path,
            task_script_args=task_script_args,
            task_wait_time=task_wait_time,
            result_pull_interval=result_pull_interval,
            log_pull_interval=log_pull_interval,
            params_exchange_format=params_exchange_format,
            params_transfer_type=params_transfer_type,
            from_nvflare_converter_id=from_nvflare_converter_id,
            to_nvflare_converter_id=to_nvflare_converter_id,
            train_with_evaluation=train_with_evaluation,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            server_expected_format=server_expected_format,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
