"""Recipes: federated jobs that are described by their parameters, and where they run."""

from fedjob.recipe.additions import (
    add_cross_site_evaluation,
    add_experiment_tracking,
    add_final_global_evaluation,
    set_per_site_config,
    set_recipe_meta,
)
from fedjob.recipe.environment import PocEnv, ProdEnv, SimEnv
from fedjob.recipe.execution import Run
from fedjob.recipe.fed_task import FedTaskRecipe
from fedjob.recipe.fedavg import FedAvgRecipe
from fedjob.recipe.spec import Recipe

__all__ = [
    "FedAvgRecipe",
    "FedTaskRecipe",
    "PocEnv",
    "ProdEnv",
    "Recipe",
    "Run",
    "SimEnv",
    "add_cross_site_evaluation",
    "add_experiment_tracking",
    "add_final_global_evaluation",
    "set_per_site_config",
    "set_recipe_meta",
]
