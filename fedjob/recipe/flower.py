"""FlowerRecipe: a Flower app run inside FLARE."""

from __future__ import annotations

from typing import Any

from fedjob.errors import JobError, JobTypeError
from fedjob.flare.releases import R29
from fedjob.job.defs import ALL_SITES
from fedjob.job.flower_job import FlowerJob
from fedjob.job.plan import ExecutorPlan, Plan, Spelled
from fedjob.recipe.checks import since
from fedjob.recipe.spec import Recipe

_API, _EXTERNAL = "CLIENT_API_TYPE", "EX_PROCESS_API"


class FlowerRecipe(Recipe):
    """FLARE's ``app_opt.flower.recipe.FlowerRecipe``; takes the arguments of FlowerJob. Flower need not be installed to
    describe and export it. Raises JobError.
    """

    def __init__(
        self,
        flower_content: str | None = None,
        flower_app_path: str | None = None,
        name: str = "flower_job",
        min_clients: int = 1,
        mandatory_clients: list[str] | None = None,
        *,
        extra_env: dict[str, str] | None = None,
        run_config: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        for what, value in (("extra_env", extra_env), ("run_config", run_config)):
            if value is not None and not isinstance(value, dict):
                raise JobTypeError(f"{what} must be a dict, but got {type(value).__name__}")
        if (extra_env or {}).get(_API, _EXTERNAL) != _EXTERNAL:
            raise JobError(
                f"extra_env must not set {_API} to anything but {_EXTERNAL}: Flower's apps are external"
            )
        job = FlowerJob(
            name,
            flower_content,
            flower_app_path,
            min_clients,
            mandatory_clients,
            extra_env=extra_env,
            run_config=run_config,
            **options,
        )
        job.apps[ALL_SITES].record(_name_client_api)
        super().__init__(job)
        since(job, R29, "flower_app_path in recipes", used=flower_app_path)


def _name_client_api(plan: Plan) -> None:
    """Before 2.9, the recipe tells Flower's apps by which API they talk to FLARE."""
    if plan.release < R29:
        plan.executors = [ExecutorPlan(e.tasks, _with_api(e.executor)) for e in plan.executors]


def _with_api(executor: Spelled) -> Spelled:
    env = {**(executor.args["extra_env"] or {}), _API: _EXTERNAL}
    return Spelled(executor.path, {**executor.args, "extra_env": env})
