"""ScriptRunner: a user's training script, in the client's process or in one of its own.

What it adds to the client differs by release: a single ClientAPIExecutor in 2.9, an executor per framework
and, for an external process, pipes, a launcher and a metric relay before (`script_runner_legacy`).
"""

from __future__ import annotations

import math
import os
import shlex
from typing import Any

from fedjob.errors import JobError, JobTypeError, ReleaseError
from fedjob.flare import names, paths
from fedjob.flare.releases import R29
from fedjob.job import script_runner_legacy
from fedjob.job.defs import FrameworkType, PipeConnectType
from fedjob.job.plan import Plan, Spelled

__all__ = ["FrameworkType", "PipeConnectType", "ScriptRunner"]

IN_PROCESS, EXTERNAL_PROCESS = "in_process", "external_process"
_FORMATS = {
    FrameworkType.PYTORCH: "pytorch",
    FrameworkType.TENSORFLOW: "keras_layer_weights",
    FrameworkType.NUMPY: "numpy",
    FrameworkType.RAW: "raw",
}


class ScriptRunner:
    """FLARE's ``job_config.script_runner.ScriptRunner``, with the parameters of 2.9.

    `pipe_connect_type` and `task_pipe` belong to FLARE 2.6-2.8 and 2.7-2.8. Raises JobError for an unknown
    framework and for launch flags that contradict each other.
    """

    def __init__(
        self,
        script: str,
        script_args: str | list[str] = "",
        launch_external_process: bool = False,
        command: str | list[str] = "python3 -u",
        framework: FrameworkType | str = FrameworkType.PYTORCH,
        server_expected_format: str = "numpy",
        params_transfer_type: str = "FULL",
        launch_once: bool = True,
        launch_timeout: float | None = 300.0,
        shutdown_timeout: float = 0.0,
        memory_gc_rounds: int = 0,
        cuda_empty_cache: bool = False,
        execution_mode: str | None = None,
        *,
        pipe_connect_type: PipeConnectType | str | None = None,
        task_pipe: Any = None,
    ) -> None:
        self._script = script
        self._script_args = script_args
        self._command = command
        self._execution_mode = _execution_mode(execution_mode, launch_external_process)
        self._launch_external_process = self._execution_mode == EXTERNAL_PROCESS
        self._framework = _framework(framework)
        self._params_exchange_format = _FORMATS[self._framework]
        self._server_expected_format = server_expected_format
        self._params_transfer_type = params_transfer_type
        self._launch_once = launch_once
        # FLARE does not look at them where no process is launched.
        self._launch_timeout = self._seconds("launch_timeout", launch_timeout)
        self._shutdown_timeout = self._seconds("shutdown_timeout", shutdown_timeout)
        self._memory_gc_rounds = _rounds(memory_gc_rounds)
        self._cuda_empty_cache = cuda_empty_cache
        self._pipe_connect_type = _pipe_connect_type(pipe_connect_type)
        self._given: dict[str, Any] = {"task_pipe": task_pipe}

    def _seconds(self, name: str, value: Any) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is None or not self._launch_external_process or (is_number and 0 <= value < math.inf):
            return value
        raise JobError(f"{name} must be a number of seconds of 0 or more, or None, but is {value!r}")

    def add_to_fed_job(self, job: Any, ctx: Any, **kwargs: Any) -> dict[str, str]:
        """Add the executor for `tasks` (all by default) and the script. Returns the ids of the components added."""
        job.check_kwargs(args_to_check=kwargs, args_expected={"tasks": False})
        tasks = kwargs.get("tasks", ["*"])
        if self._launch_external_process:
            job.job.add_node_command(ctx.target, self._argv(), launch_once=self._launch_once)
        ids: dict[str, str] = job.record(lambda plan: self._expand(plan, tasks), ctx)
        job.add_resources(resources=[self._script], ctx=ctx)
        return ids

    def _expand(self, plan: Plan, tasks: list[str]) -> dict[str, str]:
        if not plan.live:
            names.path_of(type(self), plan.release)  # raises for a runner that the release lacks
        legacy = [name for name, given in self._legacy_arguments().items() if given is not None]
        if plan.release < R29 or (plan.live and legacy):
            return script_runner_legacy.expand(self, plan, tasks)
        if legacy:
            raise ReleaseError(f"FLARE {plan.release} has no {legacy[0]} for scripts; it went with 2.9")
        plan.add_executor(Spelled(paths.CLIENT_API, self._executor_args()), tasks)
        return {}

    def _legacy_arguments(self) -> dict[str, Any]:
        return {"pipe_connect_type": self._pipe_connect_type, **self._given}

    def _executor_args(self) -> dict[str, Any]:
        common = {
            "execution_mode": self._execution_mode,
            "params_exchange_format": self._params_exchange_format,
            "server_expected_format": self._server_expected_format,
            "params_transfer_type": self._params_transfer_type,
            "memory_gc_rounds": self._memory_gc_rounds,
            "cuda_empty_cache": self._cuda_empty_cache,
        }
        if self._launch_external_process:
            return common | {
                "command": self._argv(),
                "launch_once": self._launch_once,
                "launch_timeout": self._launch_timeout,
                "shutdown_timeout": self._shutdown_timeout,
            }
        return common | {"task_script_path": self._script, "task_script_args": self._script_args}

    def _argv(self) -> list[str]:
        script = os.path.basename(self._script) if os.path.isabs(self._script) else self._script  # noqa: PTH117, PTH119
        return [
            *_words("command", self._command),
            f"custom/{script}",
            *_words("script_args", self._script_args),
        ]


def _rounds(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise JobError(f"memory_gc_rounds must be an int of 0 or more, but is {value!r}")
    return value


def _execution_mode(mode: str | None, external: bool) -> str:
    if mode is None:
        return EXTERNAL_PROCESS if external else IN_PROCESS
    if mode not in {IN_PROCESS, EXTERNAL_PROCESS}:
        raise JobError(f"invalid execution_mode {mode!r}; choose {IN_PROCESS!r} or {EXTERNAL_PROCESS!r}")
    if external and mode != EXTERNAL_PROCESS:
        raise JobError(
            f"launch_external_process=True contradicts execution_mode={mode!r}; leave one of them out"
        )
    return mode


def _framework(framework: FrameworkType | str) -> FrameworkType:
    try:
        return FrameworkType(framework)
    except ValueError:
        choices = ", ".join(f.value for f in FrameworkType)
        raise JobError(f"framework {framework!r} is not supported; choose one of {choices}") from None


def _pipe_connect_type(value: PipeConnectType | str | None) -> PipeConnectType | None:
    try:
        return None if value is None else PipeConnectType(value)
    except ValueError:
        choices = ", ".join(t.value for t in PipeConnectType)
        raise JobError(f"invalid pipe_connect_type {value!r}; choose one of {choices}") from None


def _words(name: str, value: Any) -> list[str]:
    if isinstance(value, str):
        return shlex.split(value)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise JobTypeError(f"{name} must be a str or a list of str, but got {value!r}")
    return list(value)
