"""BaseScriptRunner: FLARE's ScriptRunner up to 2.8, with every part open to the user."""

from __future__ import annotations

from typing import Any

from fedjob.flare import paths
from fedjob.job import roles
from fedjob.job.defs import FrameworkType, PipeConnectType
from fedjob.job.script_runner import ScriptRunner

_ROLES = {
    "task_pipe": paths.PIPE,
    "launcher": paths.LAUNCHER,
    "metric_relay": paths.METRIC_RELAY,
    "metric_pipe": paths.PIPE,
}


class BaseScriptRunner(ScriptRunner):
    """A ScriptRunner whose executor, pipes, launcher and relay may be given; FLARE 2.5 to 2.8 have it.

    Raises JobTypeError for a part of the wrong kind. In process only `executor` counts.
    """

    def __init__(
        self,
        script: str,
        script_args: str = "",
        launch_external_process: bool = False,
        command: str = "python3 -u",
        server_expected_format: str = "numpy",
        framework: FrameworkType | str = FrameworkType.PYTORCH,
        params_transfer_type: str = "FULL",
        executor: Any = None,
        task_pipe: Any = None,
        launcher: Any = None,
        metric_relay: Any = None,
        metric_pipe: Any = None,
        pipe_connect_type: PipeConnectType | str | None = None,
        launch_once: bool = True,
        shutdown_timeout: float = 0.0,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
    ) -> None:
        super().__init__(
            script,
            script_args,
            launch_external_process,
            command,
            framework,
            server_expected_format,
            params_transfer_type,
            launch_once,
            shutdown_timeout=shutdown_timeout,
            memory_gc_rounds=memory_gc_rounds,
            cuda_empty_cache=cuda_empty_cache,
            pipe_connect_type=pipe_connect_type,
        )
        self._given = {
            "executor": executor,
            "task_pipe": task_pipe,
            "launcher": launcher,
            "metric_relay": metric_relay,
            "metric_pipe": metric_pipe,
        }
        external = _ROLES | {"executor": paths.LAUNCHED}
        expected = external if launch_external_process else {"executor": paths.IN_PROCESS}
        for name, role in expected.items():
            if self._given[name] is not None:
                roles.require(name, self._given[name], role)
