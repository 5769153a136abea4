"""Recipes for PyTorch: ``nvflare.app_opt.pt.recipes``. torch itself is imported only to build a model given as a dict."""

from __future__ import annotations

from typing import Any

from fedjob.client.config import ExchangeFormat
from fedjob.errors import JobError, JobTypeError
from fedjob.flare.releases import R28
from fedjob.job.base_fed_job import BaseFedJob
from fedjob.job.models import PTModel
from fedjob.job.plan import Plan, Spelled
from fedjob.recipe import cyclic, fedavg
from fedjob.recipe.checks import carry_checkpoint


class FedAvgRecipe(fedavg.FedAvgRecipe):
    """Federated averaging of a torch module, or of one given as a dict with ``class_path`` and ``args``.

    Takes the arguments of `fedjob.recipe.fedavg.FedAvgRecipe` but `framework`, and a `model_locator`.
    """

    def __init__(self, *, model_locator: Any = None, **options: Any) -> None:
        refuse(self, options, "framework")
        self._locator = model_locator
        super().__init__(framework="pytorch", **options)

    def _setup_model_and_persistor(self, job: BaseFedJob) -> str:
        if self.model_persistor is not None:
            persistor_id = self._own_persistor(job)
            if self._locator is not None:
                job.comp_ids["locator_id"] = job.to_server(self._locator, id="locator")
            return persistor_id
        if self.model is None:
            raise JobError(
                "PyTorch needs the model beside initial_ckpt: a checkpoint does not say what it is of"
            )
        model = _RecipeModel(
            model=self.model,
            initial_ckpt=carry_checkpoint(job, self.initial_ckpt),
            locator=self._locator,
            allow_numpy_conversion=self.server_expected_format != ExchangeFormat.PYTORCH,
            best_model_filename=self.best_model_filename or self.save_filename,
        )
        job.comp_ids.update(job.to_server(model, id="persistor"))
        return job.comp_ids["persistor_id"]


class FedProxRecipe(FedAvgRecipe):
    """FedAvgRecipe whose clients get `fedprox_mu`, the weight of the proximal term (FLARE >= 2.9).

    Source: Li et al., Federated optimization in heterogeneous networks, 2020. Raises JobError for a `fedprox_mu` that is
    negative or no number.
    """

    def __init__(self, *, name: str = "fedprox", fedprox_mu: float = 0.01, **options: Any) -> None:
        if type(fedprox_mu) not in {int, float} or not fedprox_mu >= 0:
            raise JobError(f"fedprox_mu must be a number of 0 or more, but is {fedprox_mu!r}")
        self.fedprox_mu = fedprox_mu
        super().__init__(name=name, **options)

    def _controller_args(self, persistor_id: str) -> dict[str, Any]:
        return {**super()._controller_args(persistor_id), "fedprox_mu": self.fedprox_mu}


class CyclicRecipe(cyclic.CyclicRecipe):
    """Cyclic learning of a torch module; takes the arguments of `fedjob.recipe.cyclic.CyclicRecipe`."""

    def __init__(self, *, framework: str = "pytorch", **options: Any) -> None:
        super().__init__(framework=framework, **options)

    def _wrapped_model(self, checkpoint: str | None) -> Any:
        if self.model is None:
            raise JobError(
                "PyTorch needs the model beside initial_ckpt: a checkpoint does not say what it is of"
            )
        return PTModel(
            model=self.model,
            initial_ckpt=checkpoint,
            allow_numpy_conversion=self.server_expected_format != ExchangeFormat.PYTORCH,
        )


class _RecipeModel(PTModel):
    """Before 2.8, a recipe's save_filename says nothing to the persistor."""

    def _persistor(self, plan: Plan) -> Spelled:
        best = self.best_model_filename
        if plan.release < R28:
            self.best_model_filename = None
        try:
            return super()._persistor(plan)
        finally:
            self.best_model_filename = best


def refuse(recipe: Any, options: dict[str, Any], *names: str) -> None:
    """Raise JobTypeError for arguments that a recipe of one framework does not take."""
    for name in names:
        if name in options:
            raise JobTypeError(f"{type(recipe).__name__} takes no argument {name!r}")
