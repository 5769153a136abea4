"""PTModel and TFModel: a model to train, with what stores and finds it on the server.

Neither imports torch or tensorflow: a model is told by the names of its classes.
"""

from __future__ import annotations

from typing import Any

from fedjob.errors import JobError, ReleaseError
from fedjob.flare import paths
from fedjob.flare.releases import R27, R28
from fedjob.job import roles
from fedjob.job.plan import Plan, Spelled


def is_torch_module(thing: Any) -> bool:
    return roles.plays(thing, "torch.nn.modules.module.Module")


def is_keras_model(thing: Any) -> bool:
    return any(
        cls.__name__ == "Model" and cls.__module__.partition(".")[0] in {"keras", "tensorflow"}
        for cls in type(thing).__mro__
    )


class PTModel:
    """A torch module, or ``{"path": "module.Class", "args": {...}}``, for the server.

    `to_server` returns ``{"persistor_id", "locator_id"}``. Raises JobError for anything else.
    """

    def __init__(
        self,
        model: Any,
        persistor: Any = None,
        locator: Any = None,
        allow_numpy_conversion: bool = True,
        initial_ckpt: str | None = None,
        best_model_filename: str | None = None,
    ) -> None:
        if persistor:
            roles.require("persistor", persistor, paths.MODEL_PERSISTOR)
        if locator:
            roles.require("locator", locator, paths.MODEL_LOCATOR)
        _check_dict_model(model)
        self.model = model
        self.persistor = persistor
        self.locator = locator
        self.allow_numpy_conversion = allow_numpy_conversion
        self.initial_ckpt = initial_ckpt
        self.best_model_filename = best_model_filename

    def add_to_fed_job(self, job: Any, ctx: Any) -> dict[str, str]:
        if not (is_torch_module(self.model) or isinstance(self.model, dict)):
            raise JobError(
                f"PTModel takes a torch.nn.Module or a dict with 'path' and 'args', but got {type(self.model).__name__}"
            )
        if self.persistor:
            persistor_id = job.add_component(comp_id="persistor", obj=self.persistor, ctx=ctx)
        else:
            persistor_id = job.record(
                lambda plan: plan.add_component(self._persistor(plan), "persistor"), ctx
            )
        locator = self.locator or Spelled(paths.PT_LOCATOR, {"pt_persistor_id": persistor_id})
        return {
            "persistor_id": persistor_id,
            "locator_id": job.add_component(comp_id="locator", obj=locator, ctx=ctx),
        }

    def _persistor(self, plan: Plan) -> Spelled:
        args = {"model": self.model}
        if plan.release >= R27:
            args["allow_numpy_conversion"] = self.allow_numpy_conversion
        if self.initial_ckpt:
            args["source_ckpt_file_full_name"] = self.initial_ckpt
        if self.best_model_filename:
            args["best_global_model_file_name"] = self.best_model_filename
        self._refuse_later(plan)
        return Spelled(paths.PT_PERSISTOR, args)

    def _refuse_later(self, plan: Plan) -> None:
        later = {
            "a model as a dict": (isinstance(self.model, dict), R27),
            "allow_numpy_conversion": (not self.allow_numpy_conversion, R27),
            "initial_ckpt": (self.initial_ckpt, R27),
            "best_model_filename": (self.best_model_filename, R28),
        }
        for what, (used, since) in later.items():
            if used and plan.release < since:
                raise ReleaseError(f"PTModel: FLARE {plan.release} has no {what}; it came with {since}")


class TFModel:
    """A Keras model, or ``{"path": "module.Class", "args": {...}}``, or a checkpoint, for the server.

    `to_server` returns the persistor's id. Raises JobError for anything else.
    """

    def __init__(self, model: Any = None, persistor: Any = None, initial_ckpt: str | None = None) -> None:
        if persistor:
            roles.require("persistor", persistor, paths.MODEL_PERSISTOR)
        _check_dict_model(model)
        self.model = model
        self.persistor = persistor
        self.initial_ckpt = initial_ckpt

    def add_to_fed_job(self, job: Any, ctx: Any) -> str:
        known = is_keras_model(self.model) or isinstance(self.model, dict)
        if not (known or self.initial_ckpt or self.persistor):
            raise JobError(
                "TFModel takes a tf.keras.Model, a dict with 'path' and 'args', or initial_ckpt, but got "
                f"{type(self.model).__name__}"
            )
        model = self.model if known else None
        if self.persistor:
            persistor_id: str = job.add_component(comp_id="persistor", obj=self.persistor, ctx=ctx)
        else:
            persistor_id = job.record(
                lambda plan: plan.add_component(self._persistor(model, plan), "persistor"), ctx
            )
        return persistor_id

    def _persistor(self, model: Any, plan: Plan) -> Spelled:
        if (isinstance(model, dict) or self.initial_ckpt) and plan.release < R27:
            what = "initial_ckpt" if self.initial_ckpt else "a model as a dict"
            raise ReleaseError(f"TFModel: FLARE {plan.release} has no {what}; it came with 2.7")
        args = {"model": model}
        if self.initial_ckpt:
            args["source_ckpt_file_full_name"] = self.initial_ckpt
        return Spelled(paths.TF_PERSISTOR, args)


def _check_dict_model(model: Any) -> None:
    if isinstance(model, dict) and not model.get("path"):
        raise JobError(f"a model given as a dict must name its class as 'path', but has {sorted(model)}")
