"""Networks of peers, and the weights of their means.

Answers ``nvflare.app_opt.p2p.utils.config_generator`` and ``...topology``.
"""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

from fedjob.components.p2p.network import Neighbor, Network, Node


def generate_random_network(
    num_clients: int, seed: int = 42, connection_probability: float = 0.3
) -> tuple[Network, Any]:
    """A connected network of ``site-1`` to ``site-<num_clients>``, and its weights (see `doubly_stochastic_adjacency`).

    Each two sites are neighbours with `connection_probability`; what is not connected is drawn again. As in FLARE, the
    draws are Python's, so it is ``random.seed`` that makes them repeat; `seed` seeds numpy's. Raises ValueError where no
    network can be connected.
    """
    import numpy as np
    import torch

    if num_clients < 1:
        raise ValueError(f"num_clients must be at least 1, but got {num_clients}")
    if num_clients > 1 and connection_probability <= 0:
        raise ValueError(
            f"connection_probability must be greater than 0, but got {connection_probability}: nobody would have neighbours"
        )
    np.random.seed(seed=seed)  # noqa: NPY002  # what the user draws next is what it is in FLARE.
    edges = _drawn(num_clients, connection_probability)
    while not _is_connected(num_clients, edges):
        edges = _drawn(num_clients, connection_probability)
    adjacency = torch.zeros(num_clients, num_clients)
    for a, b in edges:
        adjacency[a, b] = adjacency[b, a] = 1
    weights = _metropolis(adjacency)
    nodes = [
        Node(
            id=f"site-{n + 1}",
            neighbors=[
                Neighbor(id=f"site-{other + 1}", weight=weights[other, n].item())
                for other in range(num_clients)
                if adjacency[other, n]
            ],
        )
        for n in range(num_clients)
    ]
    return Network(nodes=nodes), weights


def doubly_stochastic_adjacency(graph: Any) -> Any:
    """A float32 tensor (n, n) of Metropolis weights for a networkx graph: rows and columns add up to 1.

    Two neighbours have 1 / (1 + the greater of their degrees) in common, each node has itself for the rest. Xiao, Boyd and
    Lall, "A scheme for robust distributed sensor fusion based on average consensus", IPSN 2005.
    """
    import torch

    place = {node: n for n, node in enumerate(graph.nodes())}
    adjacency = torch.zeros(len(place), len(place))
    for a, b, weight in graph.edges(data="weight", default=1):
        adjacency[place[a], place[b]] += weight
        if not graph.is_directed() and a != b:
            adjacency[place[b], place[a]] += weight
    return _metropolis(adjacency)


def get_matrix_steady_state(A: Any) -> Any:  # noqa: N803 - FLARE's name
    """The eigenvector, with sum 1, of a matrix's eigenvalue that has the greatest real part; a tensor (n,)."""
    import torch

    values, vectors = torch.linalg.eig(A)
    first = vectors.real[:, values.real.argsort(descending=True)[0]]
    return first / first.sum()


def _metropolis(adjacency: Any) -> Any:
    import torch

    degree = adjacency.sum(dim=0)
    greater = torch.maximum(degree[:, None], degree[None, :])
    weights = torch.where(adjacency != 0, 1 / (1 + greater), torch.zeros_like(greater))
    for n, row in enumerate(weights):
        row[n] = 1 - row.sum()
    return weights


def _drawn(n: int, probability: float) -> list[tuple[int, int]]:
    """The edges of a random graph (Gilbert, "Random graphs", Ann. Math. Stat. 1959), drawn in networkx's order."""
    pairs = combinations(range(n), 2)
    if probability >= 1:
        return list(pairs)
    return [pair for pair in pairs if random.random() < probability]  # noqa: S311  # the user's own generator


def _is_connected(n: int, edges: list[tuple[int, int]]) -> bool:
    reached = {0}
    while more := {b for a, b in [*edges, *((b, a) for a, b in edges)] if a in reached} - reached:
        reached |= more
    return len(reached) == n
