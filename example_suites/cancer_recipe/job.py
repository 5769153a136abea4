"""The federated job as a recipe: logistic regression by Newton's method over three hospitals."""

import argparse

from nvflare.app_common.np.recipes.lr.fedavg import FedAvgLrRecipe
from nvflare.recipe import SimEnv

HOSPITALS = 3


def cancer_recipe(rounds: int = 6) -> FedAvgLrRecipe:
    return FedAvgLrRecipe(
        name="cancer_recipe",
        min_clients=HOSPITALS,
        num_rounds=rounds,
        num_features=30,
        train_script="train.py",
        train_args=f"--sites {HOSPITALS}",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    run = cancer_recipe(args.rounds).execute(SimEnv(num_clients=HOSPITALS, workspace_root="workspace"))
    print(run.get_result())
