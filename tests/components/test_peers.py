"""Peer-to-peer jobs on the local engine: peers that agree, and every way in which one does not take part."""

import importlib
import re
import sys

import pytest

from fedjob import FedJob
from fedjob.components.p2p.controller import DistOptController
from fedjob.components.p2p.network import Config, Neighbor, Network, Node
from fedjob.engines import get
from fedjob.engines.request import RunRequest
from fedjob.flare import shim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ISOLATIONS = ["inline", "process", "shared"]
RING = {1: (2, 3), 2: (1, 3), 3: (1, 2)}

PEERS = '''
import os

import torch
from nvflare.app_opt.p2p.executors import ConsensusExecutor, SyncAlgorithmExecutor


class Peer(ConsensusExecutor):
    """Goes wrong at site-2, in iteration 2 if it does something itself, in the way `how` says."""

    def __init__(self, initial_value, how=""):
        super().__init__(initial_value)
        self.how = how

    def _is_time(self):
        return self.client_name == "site-2" and len(self.value_history) == 3

    def _to_message(self, x):
        if self._is_time() and self.how == "raises":
            raise ValueError("no more")
        if self._is_time() and self.how == "leaves":
            os._exit(3)
        return x

    def _from_message(self, x):
        if self.client_name == "site-2" and self.how == "refuses":
            raise ValueError("no, thanks")
        return x


class Descent(SyncAlgorithmExecutor):
    """Written as FLARE's tutorial does it: exchanges values while no gradients are computed."""

    def __init__(self, goal):
        super().__init__()
        self.goal = goal

    def run_algorithm(self, fl_ctx, shareable, abort_signal):
        x = torch.zeros(1, requires_grad=True)
        for iteration in range(3):
            with torch.no_grad():
                self._exchange_values(fl_ctx, value=x, iteration=iteration)
                x.mul_(self._weight)
                for neighbor in self.neighbors:
                    x.add_(self.neighbors_values[iteration][neighbor.id], alpha=neighbor.weight)
            x.grad = None
            ((x - self.goal) ** 2).sum().backward()
            with torch.no_grad():
                x.sub_(x.grad, alpha=0.25)
        torch.save(x.detach(), os.path.abspath("x.pt"))

    def _to_message(self, x):
        return x.cpu().numpy()

    def _from_message(self, x):
        return torch.from_numpy(x)
'''


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "peers.py").write_text(PEERS)
    monkeypatch.chdir(tmp_path / "user")
    monkeypatch.syspath_prepend(str(tmp_path / "user"))

    def run(executor, *values, ring=RING, isolation="inline", weight=0.25, threads=None, **extra):
        monkeypatch.delitem(sys.modules, "peers", raising=False)
        with shim.active(describe=True):
            peers = importlib.import_module("peers")
            job = FedJob(name="peers")
            nodes = [
                Node(f"site-{n}", [Neighbor(f"site-{m}", weight) for m in others])
                for n, others in ring.items()
            ]
            job.to_server(DistOptController(Config(Network(nodes), {"iterations": 4, **extra})))
            for n, value in enumerate(values, 1):
                job.to(getattr(peers, executor)(*value), f"site-{n}")
            job.export_job(str(tmp_path / "jobs"))
        request = RunRequest(workspace=tmp_path / "ws", isolation=isolation, seed=1, threads=threads)
        return get("local").run(tmp_path / "jobs" / "peers", request)

    return run


def failed(result):
    assert result.status == "failed"
    return [f"{error.site}: {error.message}" for error in result.errors]


def in_vain(site, what):
    return (
        f"{site}: {site} waits in vain: its neighbours {what}; see their errors, that each of them"
        f" has {site} as a neighbour, too, and that all sites run at a time"
    )


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_peers_agree(run, isolation):
    result = run("Peer", (0.0,), (8.0,), (16.0,), isolation=isolation)
    assert result.ok, result
    saved = [torch.load(result.workspace / site / "value_sequence.pt") for site in result.sites]
    # Each step keeps a quarter of what a site has above the mean.
    for value, sequence in zip((-8, 0, 8), saved, strict=True):
        assert sequence.tolist() == [8 + value / 4**n for n in range(5)]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_peer_without_neighbours(run, isolation):
    result = run("Peer", (5.0,), ring={1: ()}, isolation=isolation)
    assert result.ok, result
    assert torch.load(result.workspace / "site-1" / "value_sequence.pt").tolist() == [5.0] * 5


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_who_waits_without_gradients_leaves_them_to_others(run, isolation):
    result = run("Descent", (0.0,), (3.0,), (6.0,), isolation=isolation)
    assert result.ok, result
    saved = [torch.load(result.workspace / site / "x.pt").item() for site in result.sites]
    # The mean of x goes half of its way to 3; a site's own distance from it, d, becomes d / 8 + (goal - 3) / 2.
    distance = 1.5 * (1 + 1 / 8 + 1 / 64)
    assert saved == [2.625 - distance, 2.625, 2.625 + distance]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_peer_that_raises_ends_the_run(run, isolation):
    errors = failed(run("Peer", *[(n, "raises") for n in RING], isolation=isolation))
    assert errors == [
        "site-2: Peer.execute() failed: ValueError: no more",
        "server: site-2 answered task 'run_algorithm' with EXECUTION_EXCEPTION, and its neighbours cannot go on without"
        " it; see the errors of that site",
    ]


def test_a_peer_whose_process_leaves_ends_the_run(run):
    errors = failed(run("Peer", *[(n, "leaves") for n in RING], isolation="process"))
    assert any(e.startswith("site-2: the process of 'site-2' left with os._exit(3)") for e in errors)
    for site in ("site-1", "site-3"):
        assert in_vain(site, "['site-2'] sent no value of iteration 2 within 10 s") in errors


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_peer_that_cannot_take_a_value_ends_the_run(run, isolation):
    errors = failed(run("Peer", *[(n, "refuses") for n in RING], isolation=isolation))
    assert "site-2: the handler of 'send_value' messages failed: ValueError: no, thanks" in errors
    what = "{'site-2': 'HANDLER_EXCEPTION'} did not take the value of iteration 0"
    assert {in_vain("site-1", what), in_vain("site-3", what)}.intersection(errors)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_neighbour_that_knows_nothing_of_it_ends_the_run(run, isolation):
    errors = failed(run("Peer", (1.0,), (2.0,), (3.0,), ring={**RING, 2: (3,)}, isolation=isolation))
    assert in_vain("site-1", "['site-2'] sent no value of iteration 0 within 10 s") in errors


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_peer_that_has_not_begun_ends_the_run(run, isolation):
    errors = failed(run("Peer", (1.0,), (2.0,), (3.0,), threads=2, isolation=isolation))
    assert re.search(r"waits in vain: its neighbours \[.*\] sent no value of iteration [01] ", errors[0])


def test_a_network_that_cannot_be(run):
    errors = failed(run("Peer", (1.0,), (2.0,), (3.0,), ring={**RING, 2: (7,)}))
    assert errors[0] == (
        "server: workflow 'controller' failed: ValueError: site-2 has the neighbours ['site-7'], which are no nodes of"
        " the network; its nodes are ['site-1', 'site-2', 'site-3']"
    )


def test_neighbours_without_weights(run):
    errors = failed(run("Peer", (1.0,), (2.0,), (3.0,), weight=None))
    assert errors == [
        "site-1: Peer.execute() failed: ValueError: the neighbours ['site-2', 'site-3'] have no weight; give each"
        " Neighbor of the network one",
        "server: site-1 answered task 'config' with EXECUTION_EXCEPTION, and its neighbours cannot go on without it;"
        " see the errors of that site",
    ]
