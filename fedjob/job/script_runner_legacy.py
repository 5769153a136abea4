"""What a ScriptRunner adds to a client in FLARE 2.5 to 2.8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedjob.errors import ReleaseError
from fedjob.flare import paths
from fedjob.flare.releases import R25, R26, R27, R29, Release
from fedjob.job.defs import FrameworkType, PipeConnectType
from fedjob.job.plan import Plan, Spelled

if TYPE_CHECKING:
    from fedjob.job.script_runner import ScriptRunner

_IN_PROCESS = {
    FrameworkType.PYTORCH: paths.PT_IN_PROCESS,
    FrameworkType.TENSORFLOW: paths.TF_IN_PROCESS,
}
_LAUNCHED = {
    FrameworkType.PYTORCH: paths.PT_LAUNCHED,
    FrameworkType.TENSORFLOW: paths.TF_LAUNCHED,
}

_URLS = {
    PipeConnectType.VIA_CP: "{CP_URL}",
    PipeConnectType.VIA_RELAY: "{RELAY_URL}",
    PipeConnectType.VIA_ROOT: "{ROOT_URL}",
}

#: Parameter -> (default, first release that has it).
_LATER: dict[str, tuple[Any, Release]] = {
    "server_expected_format": ("numpy", R26),
    "pipe_connect_type": (None, R26),
    "task_pipe": (None, R27),
    "launch_once": (True, R27),
    "shutdown_timeout": (0.0, R27),
    "memory_gc_rounds": (0, R27),
    "cuda_empty_cache": (False, R27),
    "launch_timeout": (300.0, R29),
}


def expand(runner: ScriptRunner, plan: Plan, tasks: list[str]) -> dict[str, str]:
    """Add the executor, and for an external process what connects it. Returns the components' ids."""
    if not plan.live:
        _refuse_later(runner, plan)
    given = runner._given
    if not runner._launch_external_process:
        plan.add_executor(given.get("executor") or _in_process(runner, plan), tasks)
        return {}
    ids = {"pipe_id": plan.add_component(given.get("task_pipe") or _pipe(runner, plan), "pipe")}
    ids["launcher_id"] = plan.add_component(given.get("launcher") or _launcher(runner), "launcher")
    plan.add_executor(given.get("executor") or _launched(runner, plan, dict(ids)), tasks)
    ids["metric_pipe_id"] = plan.add_component(
        given.get("metric_pipe") or _pipe(runner, plan), "metrics_pipe"
    )
    relay = given.get("metric_relay") or _relay(ids["metric_pipe_id"])
    ids["metric_relay_id"] = plan.add_component(relay, "metric_relay")
    configurator = Spelled(paths.EXTERNAL_CONFIGURATOR, {"component_ids": [ids["metric_relay_id"]]})
    ids["config_preparer_id"] = plan.add_component(configurator, "config_preparer")
    return ids


def _in_process(runner: ScriptRunner, plan: Plan) -> Spelled:
    script = {"task_script_path": runner._script, "task_script_args": runner._script_args}
    path = _IN_PROCESS.get(runner._framework, paths.IN_PROCESS)
    return Spelled(path, script | _common_args(runner, plan))


def _launched(runner: ScriptRunner, plan: Plan, ids: dict[str, str]) -> Spelled:
    # 2.5 switches the heartbeat off; later releases leave it to the class.
    heartbeat = {"heartbeat_timeout": 0} if plan.release == R25 else {}
    path = _LAUNCHED.get(runner._framework, paths.LAUNCHED)
    return Spelled(path, ids | _common_args(runner, plan) | heartbeat)


def _relay(pipe_id: str) -> Spelled:
    args = {"pipe_id": pipe_id, "event_type": "fed.analytix_log_stats", "heartbeat_timeout": 0}
    return Spelled(paths.METRIC_RELAY, args)


def _refuse_later(runner: ScriptRunner, plan: Plan) -> None:
    for name, (default, since) in _LATER.items():
        value = runner._given["task_pipe"] if name == "task_pipe" else getattr(runner, f"_{name}")
        if plan.release < since and value != default:
            raise ReleaseError(
                f"ScriptRunner({name}={value!r}) for {plan.target!r}: FLARE {plan.release} has no {name}; "
                f"it came with {since}"
            )
    for name in ("script_args", "command"):
        if not isinstance(getattr(runner, f"_{name}"), str):
            raise ReleaseError(
                f"ScriptRunner({name}=[...]) for {plan.target!r}: FLARE {plan.release} takes a string; "
                "lists came with 2.9"
            )


def _common_args(runner: ScriptRunner, plan: Plan) -> dict[str, Any]:
    exchange = runner._params_exchange_format
    if runner._framework == FrameworkType.TENSORFLOW and plan.release == R25:
        exchange = "numpy"
    return {
        "params_exchange_format": exchange,
        "params_transfer_type": runner._params_transfer_type,
        "server_expected_format": runner._server_expected_format,
        "memory_gc_rounds": runner._memory_gc_rounds,
        "cuda_empty_cache": runner._cuda_empty_cache,
    }


def _pipe(runner: ScriptRunner, plan: Plan) -> Spelled:
    via = PipeConnectType.VIA_ROOT if plan.release == R25 else runner._pipe_connect_type
    return Spelled(
        paths.CELL_PIPE,
        {
            "mode": "PASSIVE",
            "site_name": "{SITE_NAME}",
            "token": "{JOB_ID}",
            "root_url": _URLS[via or PipeConnectType.VIA_CP],
            "secure_mode": "{SECURE_MODE}",
            "workspace_dir": "{WORKSPACE}",
        },
    )


def _launcher(runner: ScriptRunner) -> Spelled:
    return Spelled(
        paths.SUBPROCESS_LAUNCHER,
        {
            "script": f"{runner._command} custom/{runner._script} {runner._script_args}",
            "launch_once": runner._launch_once,
            "shutdown_timeout": runner._shutdown_timeout,
        },
    )
