"""Executors that have an external script do the tasks, in folders of FLARE 2.5 to 2.8.

There a folder names a launcher, which says what to start, and pipes, which the local engine has no use for: it starts
the process itself, as for 2.9's ``ClientAPIExecutor``.
"""

from __future__ import annotations

import shlex
from typing import Any

from fedjob.client.config import ExchangeFormat, TransferType
from fedjob.components.executors.script_executor import ScriptExecutor
from fedjob.components.launcher import SubprocessLauncher
from fedjob.components.widgets.metric_relay import MetricRelay
from fedjob.errors import FolderError
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.fl_context import FLContext


class ClientAPILauncherExecutor(ScriptExecutor):
    """``nvflare.app_common.executors.client_api_launcher_executor``, with 2.8's defaults."""

    def __init__(
        self,
        pipe_id: str,
        launcher_id: str | None = None,
        launch_timeout: float | None = None,
        task_wait_timeout: float | None = None,
        last_result_transfer_timeout: float = 300.0,
        external_pre_init_timeout: float = 300.0,
        peer_read_timeout: float | None = 300.0,
        monitor_interval: float = 0.01,
        read_interval: float = 0.5,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 300.0,
        workers: int = 4,
        train_with_evaluation: bool = False,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        params_exchange_format: Any = ExchangeFormat.NUMPY,
        params_transfer_type: Any = TransferType.FULL,
        config_file_name: str = "client_api_config.json",
        server_expected_format: Any = ExchangeFormat.NUMPY,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        submit_result_timeout: float = 300.0,
        max_resends: int | None = 3,
        download_complete_timeout: float = 1800.0,
    ) -> None:
        super().__init__(
            task_script_path="",
            task_script_args="",
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
        self._pipe_id = pipe_id
        self._launcher_id = launcher_id
        self._launch_timeout = launch_timeout
        self._task_wait_timeout = task_wait_timeout
        self._last_result_transfer_timeout = last_result_transfer_timeout
        self._external_pre_init_timeout = external_pre_init_timeout
        self._peer_read_timeout = peer_read_timeout
        self._monitor_interval = monitor_interval
        self._read_interval = read_interval
        self._heartbeat_interval = heartbeat_interval
        self._heartbeat_timeout = heartbeat_timeout
        self._workers = workers
        self._from_nvflare_converter_id = from_nvflare_converter_id
        self._to_nvflare_converter_id = to_nvflare_converter_id
        self._config_file_name = config_file_name
        self._submit_result_timeout = submit_result_timeout
        self._max_resends = max_resends
        self._download_complete_timeout = download_complete_timeout

    def _start(self, fl_ctx: FLContext) -> Any:
        engine = fl_ctx.get_engine()
        for name in ("from_nvflare_converter_id", "to_nvflare_converter_id"):
            if getattr(self, f"_{name}"):
                raise FolderError(
                    f"the local engine converts parameters by itself and does not use {name}; "
                    'run this job with engine="simulator"'
                )
        if engine.get_component(self._pipe_id) is None:
            raise FolderError(f"the executor names the pipe {self._pipe_id!r}, and no component has that id")
        launcher = self._launcher(engine)
        relays = [c for c in engine.get_all_components().values() if isinstance(c, MetricRelay)]
        return engine.start_process(
            shlex.split(launcher._script),
            self._config(fl_ctx),
            once=bool(launcher._launch_once),
            launch_timeout=self._external_pre_init_timeout,
            result_timeout=self._task_wait_timeout,
            environ={"CLIENT_API_TYPE": "EX_PROCESS_API"},
            publish=relays[0].publish if relays else None,
        )

    def _launcher(self, engine: Any) -> SubprocessLauncher:
        launcher = engine.get_component(self._launcher_id) if self._launcher_id else None
        if launcher is None:
            raise FolderError(
                f"the executor's launcher_id is {self._launcher_id!r}, and no component has that id; "
                "the local engine starts a script by a SubprocessLauncher"
            )
        if not isinstance(launcher, SubprocessLauncher) or launcher._clean_up_script:
            raise FolderError(
                f"the local engine starts a script by a SubprocessLauncher without clean_up_script, not by this "
                f'{type(launcher).__name__}; run this job with engine="simulator"'
            )
        return launcher


class PTClientAPILauncherExecutor(ClientAPILauncherExecutor):
    """The same for PyTorch: ``nvflare.app_opt.pt.client_api_launcher_executor``."""

    def __init__(
        self,
        pipe_id: str,
        launcher_id: str | None = None,
        launch_timeout: float | None = None,
        task_wait_timeout: float | None = None,
        last_result_transfer_timeout: float = 300.0,
        external_pre_init_timeout: float = 300.0,
        peer_read_timeout: float | None = 300.0,
        monitor_interval: float = 0.01,
        read_interval: float = 0.5,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 300.0,
        workers: int = 4,
        train_with_evaluation: bool = False,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        params_exchange_format: Any = ExchangeFormat.PYTORCH,
        params_transfer_type: Any = TransferType.FULL,
        config_file_name: str = "client_api_config.json",
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        submit_result_timeout: float = 300.0,
        max_resends: int | None = 3,
        download_complete_timeout: float = 1800.0,
    ) -> None:
        super().__init__(
            pipe_id=pipe_id,
            launcher_id=launcher_id,
            launch_timeout=launch_timeout,
            task_wait_timeout=task_wait_timeout,
            last_result_transfer_timeout=last_result_transfer_timeout,
            external_pre_init_timeout=external_pre_init_timeout,
            peer_read_timeout=peer_read_timeout,
            monitor_interval=monitor_interval,
            read_interval=read_interval,
            heartbeat_interval=heartbeat_interval,
            heartbeat_timeout=heartbeat_timeout,
            workers=workers,
            train_with_evaluation=train_with_evaluation,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            from_nvflare_converter_id=from_nvflare_converter_id,
            to_nvflare_converter_id=to_nvflare_converter_id,
            server_expected_format=server_expected_format,
            params_exchange_format=params_exchange_format,
            params_transfer_type=params_transfer_type,
            config_file_name=config_file_name,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
            submit_result_timeout=submit_result_timeout,
            max_resends=max_resends,
            download_complete_timeout=download_complete_timeout,
        )


class TFClientAPILauncherExecutor(ClientAPILauncherExecutor):
    """The same for TensorFlow: ``nvflare.app_opt.tf.client_api_launcher_executor``."""

    def __init__(
        self,
        pipe_id: str,
        launcher_id: str | None = None,
        launch_timeout: float | None = None,
        task_wait_timeout: float | None = None,
        last_result_transfer_timeout: float = 300.0,
        external_pre_init_timeout: float = 300.0,
        peer_read_timeout: float | None = 300.0,
        monitor_interval: float = 0.01,
        read_interval: float = 0.5,
        heartbeat_interval: float = 5.0,
        heartbeat_timeout: float = 300.0,
        workers: int = 4,
        train_with_evaluation: bool = False,
        train_task_name: str = AppConstants.TASK_TRAIN,
        evaluate_task_name: str = AppConstants.TASK_VALIDATION,
        submit_model_task_name: str = AppConstants.TASK_SUBMIT_MODEL,
        from_nvflare_converter_id: str | None = None,
        to_nvflare_converter_id: str | None = None,
        server_expected_format: Any = ExchangeFormat.NUMPY,
        params_exchange_format: Any = ExchangeFormat.KERAS_LAYER_WEIGHTS,
        params_transfer_type: Any = TransferType.FULL,
        config_file_name: str = "client_api_config.json",
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            pipe_id=pipe_id,
            launcher_id=launcher_id,
            launch_timeout=launch_timeout,
            task_wait_timeout=task_wait_timeout,
            last_result_transfer_timeout=last_result_transfer_timeout,
            external_pre_init_timeout=external_pre_init_timeout,
            peer_read_timeout=peer_read_timeout,
            monitor_interval=monitor_interval,
            read_interval=read_interval,
            heartbeat_interval=heartbeat_interval,
            heartbeat_timeout=heartbeat_timeout,
            workers=workers,
            train_with_evaluation=train_with_evaluation,
            train_task_name=train_task_name,
            evaluate_task_name=evaluate_task_name,
            submit_model_task_name=submit_model_task_name,
            from_nvflare_converter_id=from_nvflare_converter_id,
            to_nvflare_converter_id=to_nvflare_converter_id,
            server_expected_format=server_expected_format,
            params_exchange_format=params_exchange_format,
            params_transfer_type=params_transfer_type,
            config_file_name=config_file_name,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
        )
