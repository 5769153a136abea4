"""The task on fedjax: its loop over clients, compiled by JAX for the CPU, and its mean over trees."""

from __future__ import annotations

import fedjax
import jax
import numpy as np

from benchmarks.peers import task

# fedjax 0.0.17 calls it by the name that newer releases of JAX have dropped.
jax.tree_map = jax.tree_util.tree_map

#: A client's data: one batch.
BATCHES = ({"x": np.zeros(1, np.float32)},)

train = fedjax.for_each_client(
    client_init=lambda params, _: params,
    client_step=lambda params, _: params + 1,
    client_final=lambda _, params: params,
)


def work(sites: int, rounds: int, params: np.ndarray) -> np.ndarray:
    model = jax.device_put(params)
    clients = [(str(number), BATCHES, ()) for number in range(sites)]
    for _ in range(rounds):
        model = fedjax.tree_util.tree_mean((output, 1.0) for _, output in train(model, clients))
    return np.asarray(model)


if __name__ == "__main__":
    task.main(work, ["fedjax", "jax", "numpy"])
