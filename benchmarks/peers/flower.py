"""The task on Flower: its simulation runtime with its Ray backend, FedAvg, one processor per client."""

from __future__ import annotations

import os
from typing import Any

# Before Flower and Ray are imported: a benchmark reports to nobody.
os.environ |= {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

from benchmarks.peers import task

#: Seconds that the server waits for a round; far more than any takes.
PATIENCE = 600


def client() -> ClientApp:
    app = ClientApp()

    @app.train()
    def train(message: Message, _: Context) -> Message:
        (params,) = message.content["arrays"].to_numpy_ndarrays()
        content = {"arrays": ArrayRecord([params + 1]), "metrics": MetricRecord({"num-examples": 1})}
        return Message(RecordDict(content), reply_to=message)

    return app


def work(sites: int, rounds: int, params: np.ndarray) -> np.ndarray:
    results: list[Any] = []
    app = ServerApp()

    @app.main()
    def serve(grid: Grid, _: Context) -> None:
        strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=sites, min_available_nodes=sites)
        # Ray's start varies by seconds, so rounds are timed where they end: this is called after each.
        result = strategy.start(
            grid, ArrayRecord([params]), num_rounds=rounds, timeout=PATIENCE, evaluate_fn=task.round_done
        )
        results.append(result.arrays.to_numpy_ndarrays())

    run_simulation(app, client(), sites, backend_config={"client_resources": {"num_cpus": 1}})
    return np.asarray(results[0][0])


if __name__ == "__main__":
    task.main(work, ["flwr", "ray", "numpy"])
