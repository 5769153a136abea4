"""What can be added to a recipe: tracking, cross-site evaluation, configuration by site, meta.

Answers ``nvflare.recipe.utils``.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from fedjob.errors import ArgumentNotSerializable, JobError, JobTypeError
from fedjob.exchange.job_def import JobMetaKey
from fedjob.flare import paths
from fedjob.flare.releases import R28, R29
from fedjob.job.app import ServerApp
from fedjob.job.defs import SERVER, FrameworkType
from fedjob.job.patterns import add_component, add_workflow
from fedjob.job.plan import Plan, Spelled
from fedjob.recipe.checks import since
from fedjob.recipe.spec import Recipe

__all__ = [
    "add_cross_site_evaluation",
    "add_experiment_tracking",
    "add_final_global_evaluation",
    "set_per_site_config",
    "set_recipe_meta",
]

_RECEIVERS = {
    "mlflow": paths.MLFLOW_RECEIVER,
    "tensorboard": paths.TB_RECEIVER,
    "wandb": paths.WANDB_RECEIVER,
}
#: Framework -> its locator, and the locator's parameter for the persistor.
_LOCATORS = {
    FrameworkType.PYTORCH: (paths.PT_LOCATOR, "pt_persistor_id"),
    FrameworkType.TENSORFLOW: (paths.TF_LOCATOR, "tf_persistor_id"),
    FrameworkType.NUMPY: (paths.NP_LOCATOR, None),
    FrameworkType.RAW: (paths.NP_LOCATOR, None),
}
_SITE_KEYED = {JobMetaKey.RESOURCE_SPEC, JobMetaKey.JOB_LAUNCHER_SPEC}
_SETTABLE = {JobMetaKey.SCOPE, JobMetaKey.CUSTOM_PROPS, *_SITE_KEYED}


def set_per_site_config(recipe: Recipe, config: dict[str, dict[str, Any]]) -> None:
    """Let the recipe's parameters differ by site (FLARE >= 2.9); see `Recipe.set_per_site_config`."""
    since(recipe.job, R29, "set_per_site_config", used=True)
    recipe.set_per_site_config(config)


def add_experiment_tracking(
    recipe: Recipe,
    tracking_type: str,
    tracking_config: dict[str, Any] | None = None,
    client_side: bool = False,
    server_side: bool = True,
    clients: list[str] | None = None,
) -> None:
    """Let a tracker, ``"mlflow"``, ``"tensorboard"`` or ``"wandb"``, take what the sites log: at the server, at the clients
    (each its own), or both. The tracker's package need not be installed here. Raises JobError.
    """
    if tracking_type not in _RECEIVERS:
        raise JobError(f"invalid tracking type {tracking_type!r}; choose one of {', '.join(_RECEIVERS)}")
    if not (server_side or client_side):
        raise JobError("tracking needs a place: server_side or client_side")
    if clients is not None and not client_side:
        raise JobError("clients is for tracking at the clients; give client_side=True")
    config = copy.deepcopy(tracking_config) or {}
    if not isinstance(config.get("kw_args") or {}, dict):
        raise JobTypeError(f"kw_args must be a dict, but got {type(config['kw_args']).__name__}")
    if server_side:
        _add_receiver(recipe, SERVER, "receiver", tracking_type, config)
    if client_side:
        config = {**config, "events": config.get("events", ["analytix_log_stats"])}
        for target in recipe._client_targets(clients):
            _add_receiver(recipe, target, "client_receiver", tracking_type, config)


def _add_receiver(
    recipe: Recipe, target: str, comp_id: str, tracking_type: str, config: dict[str, Any]
) -> None:
    """Since 2.9, MLflow's experiment and run are called after the recipe, where `config` does not name them."""
    side = "Server" if target == SERVER else "Client"
    names = {"experiment_name": f"{recipe.name}-experiment", "run_name": f"{recipe.name}-{side}"}

    def add(plan: Plan) -> None:
        args = config
        if tracking_type == "mlflow" and plan.release >= R29:
            given = config.get("kw_args") or {}
            args = {**config, "kw_args": {**given, **{k: v for k, v in names.items() if k not in given}}}
        plan.add_component(Spelled(_RECEIVERS[tracking_type], args), comp_id)

    recipe.job._app_for(target).record(add)


def add_cross_site_evaluation(
    recipe: Recipe,
    submit_model_timeout: int = 600,
    validation_timeout: int = 6000,
    participating_clients: list[str] | None = None,
) -> None:
    """After the training, let every client evaluate every client's model, and the server's.

    A script answers with metrics where `flare.is_evaluate()`; NumPy's own recipe brings a validator. Once per recipe; raises
    JobError.
    """
    _check_not_evaluated(recipe)
    framework = getattr(recipe, "framework", None)
    if framework not in _LOCATORS:
        raise JobError(f"{type(recipe).__name__} has no framework whose models could be evaluated")
    path, parameter = _LOCATORS[framework]
    persistor_id = getattr(recipe.job, "comp_ids", {}).get("persistor_id")
    if parameter and not persistor_id:
        raise JobError(
            f"cross-site evaluation needs a model that {type(recipe).__name__} keeps: give it a model"
        )
    args = {parameter: persistor_id} if parameter else {}
    locator_id = add_component(recipe.job, SERVER, "component", path, args)
    add_component(recipe.job, SERVER, "component", paths.JSON_GENERATOR, {})
    since(recipe.job, R28, "participating_clients in recipes", used=participating_clients)
    workflow = {
        "model_locator_id": locator_id,
        "submit_model_timeout": submit_model_timeout,
        "validation_timeout": validation_timeout,
        "participating_clients": participating_clients,
    }
    add_workflow(recipe.job, paths.CROSS_SITE_EVAL, workflow)
    add_validator = getattr(recipe, "add_cse_validator_if_needed", None)
    if add_validator is not None:
        add_validator()


def add_final_global_evaluation(
    recipe: Recipe, participating_clients: list[str] | None = None, validation_timeout: int = 6000
) -> None:
    """After the training, let the clients evaluate the server's model (PyTorch, FLARE >= 2.9). Raises JobError."""
    _check_not_evaluated(recipe)
    since(recipe.job, R29, "add_final_global_evaluation", used=True)
    if getattr(recipe, "framework", None) != FrameworkType.PYTORCH:
        raise JobError("the final global evaluation is for recipes of PyTorch")
    if participating_clients is not None and not participating_clients:
        raise JobError("participating_clients must not be empty: leave it out for all clients")
    ids: dict[str, str] = getattr(recipe.job, "comp_ids", {})
    if not ids.get("locator_id"):
        if not ids.get("persistor_id"):
            raise JobError(
                f"the evaluation needs a model that {type(recipe).__name__} keeps: give it a model"
            )
        locator = {"pt_persistor_id": ids["persistor_id"]}
        ids["locator_id"] = add_component(
            recipe.job, SERVER, "final_model_locator", paths.PT_LOCATOR, locator
        )
    add_component(recipe.job, SERVER, "component", paths.JSON_GENERATOR, {})
    workflow = {
        "model_locator_id": ids["locator_id"],
        "submit_model_task_name": "",
        "validation_timeout": validation_timeout,
        "participating_clients": participating_clients,
    }
    add_workflow(recipe.job, paths.CROSS_SITE_EVAL, workflow)


def _check_not_evaluated(recipe: Recipe) -> None:
    server = recipe.job.apps.get(SERVER)
    if isinstance(server, ServerApp) and server.runs(paths.CROSS_SITE_EVAL):
        raise JobError(f"recipe {recipe.name!r} has a cross-site evaluation already")


def set_recipe_meta(recipe: Recipe, key: JobMetaKey, value: Any) -> None:
    """Set a value of ``meta.json``: SCOPE (a str), CUSTOM_PROPS (a dict), RESOURCE_SPEC or JOB_LAUNCHER_SPEC (dicts by
    site); FLARE >= 2.9. Raises JobError for another key or a value that is not JSON.
    """
    if not isinstance(key, JobMetaKey):
        raise JobTypeError(f"a key of a recipe's meta must be a JobMetaKey, but got {type(key).__name__}")
    if key not in _SETTABLE:
        known = ", ".join(sorted(k.name for k in _SETTABLE))
        raise JobError(f"{key.name} cannot be set in a recipe's meta; choose one of {known}")
    since(recipe.job, R29, "set_recipe_meta", used=True)
    recipe.job.job.meta_props = {**(recipe.job.job.meta_props or {}), key.value: _meta_value(key, value)}


def _meta_value(key: JobMetaKey, value: Any) -> Any:
    wanted: Any = str if key is JobMetaKey.SCOPE else dict
    if not isinstance(value, wanted):
        raise JobTypeError(f"{key.name} must be a {wanted.__name__}, but got {type(value).__name__}")
    if key in _SITE_KEYED and not all(
        isinstance(site, str) and isinstance(spec, dict) for site, spec in value.items()
    ):
        raise JobTypeError(f"{key.name} must hold a dict for each site's name, but is {value!r}")
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ArgumentNotSerializable(f"{key.name} cannot be written as JSON: {error}") from error
