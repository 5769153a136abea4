"""The federated job: FedAvg over four sites, written as for FLARE."""

import argparse

from nvflare.app_common.widgets.intime_model_selector import IntimeModelSelector
from nvflare.app_common.workflows.fedavg import FedAvg
from nvflare.job_config.api import FedJob
from nvflare.job_config.script_runner import FrameworkType, ScriptRunner
from softmax import SoftmaxPersistor

SITES = 4


def digits_job(rounds: int = 5) -> FedJob:
    job = FedJob(name="digits_numpy", min_clients=SITES)
    job.to_server(FedAvg(num_clients=SITES, num_rounds=rounds))
    job.to_server(SoftmaxPersistor(), id="persistor")
    job.to_server(IntimeModelSelector(key_metric="accuracy"))
    job.to_clients(
        ScriptRunner(script="train.py", script_args=f"--sites {SITES}", framework=FrameworkType.NUMPY)
    )
    return job


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workspace", default="workspace")
    args = parser.parse_args()
    digits_job(args.rounds).simulator_run(args.workspace, n_clients=SITES)
