"""The parts of peer-to-peer jobs: networks, weights, and the algorithms of one peer among neighbours that are made up."""

import copy
import pickle
import random
import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.components.p2p.controller import check
from fedjob.components.p2p.flag import Flag
from fedjob.components.p2p.network import Config, LocalConfig, Neighbor, Network, Node
from tests.components.world import outcome

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

P2P = "app_opt.p2p"


# Networks.


def config():
    nodes = [Node("site-1", [Neighbor("site-2", 0.5)]), Node("site-2", [Neighbor("site-1", 0.5)])]
    return Config(network=Network(nodes), extra={"iterations": 3, "more": {"a": [1]}})


def test_descriptions_are_plain_as_in_flare(same_as_flare):
    def scenario(world):
        kinds = {name: world(f"{P2P}.types.{name}") for name in ("Neighbor", "Node", "Network", "Config")}
        neighbor = kinds["Neighbor"](id="site-2", weight=0.5)
        nodes = [kinds["Node"](id=1, neighbors=[neighbor, {"id": 3}]), {"id": "x"}, kinds["Node"]()]
        network = kinds["Network"](nodes=nodes)
        local = world(f"{P2P}.types.LocalConfig")(neighbors=[{"id": 1, "weight": 2}], extra={"b": 1})
        return [
            *[each.__dict__ for each in (neighbor, *network.nodes, network)],
            kinds["Config"](network={"nodes": nodes[:1]}, extra={"a": 1}).__dict__,
            kinds["Config"](network=network).__dict__,
            [type(each).__name__ for each in local.neighbors],
            [repr(network), str(local), network == kinds["Network"](network.nodes)],
        ]

    same_as_flare(scenario)


def test_what_flares_cannot_tell_of_itself():
    local = LocalConfig(neighbors=[Neighbor("site-2", 0.5)])
    assert vars(local) == {"neighbors": [{"id": "site-2", "weight": 0.5}], "extra": {}}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies(duplicate):
    again = duplicate(config())
    assert again == config()
    assert isinstance(again.network.nodes[0].neighbors[0], Neighbor)


def test_a_dict_that_describes_nothing():
    message = (
        "{'name': 'site-1'} describes no Node (Node.__init__() got an unexpected keyword argument 'name');"
        " its fields are ['id', 'neighbors']"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Network(nodes=[{"name": "site-1"}])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "the network has no nodes; give it one for each site"),
        (
            [Node("site-1"), Node("site-2"), Node("site-1")],
            "the network has more than one node site-1; give each site one",
        ),
        (
            [Node("site-1", [Neighbor("site-2"), Neighbor("site-3")]), Node("site-2")],
            "site-1 has the neighbours ['site-3'], which are no nodes of the network; its nodes are ['site-1', 'site-2']",
        ),
    ],
)
def test_networks_that_cannot_be(nodes, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(Network(nodes))


# Topology.


@given(n=st.integers(1, 9), p=st.floats(0.2, 1), seed=st.integers(0, 99))
def test_a_random_network_is_connected_and_its_weights_doubly_stochastic(n, p, seed):
    from fedjob.components.p2p.topology import generate_random_network

    random.seed(seed)
    network, weights = generate_random_network(n, connection_probability=p)
    check(network)
    assert torch.allclose(weights.sum(0), torch.ones(n))
    assert torch.equal(weights, weights.T)
    assert bool((weights >= 0).all())
    names = [f"site-{k + 1}" for k in range(n)]
    assert [node.id for node in network.nodes] == names
    told = torch.eye(n) * weights
    for k, node in enumerate(network.nodes):
        for neighbor in node.neighbors:
            told[names.index(neighbor.id), k] = neighbor.weight
    assert torch.equal(told, weights)
    # Connected: after so many steps of averaging everybody has heard of everybody.
    assert bool((torch.linalg.matrix_power(weights + torch.eye(n), n) > 0).all())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (2, 0.3), (6, 0.3), (7, 0.6), (5, 1)])
def test_random_networks_are_flares(same_as_flare, n, p, seed):
    pytest.importorskip("networkx")
    import numpy as np

    def scenario(world):
        random.seed(seed)
        network, weights = world(f"{P2P}.utils.config_generator.generate_random_network")(
            n, seed=seed, connection_probability=p
        )
        return network.__dict__, weights, random.random(), np.random.random()

    same_as_flare(scenario)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_clients": 0}, "num_clients must be at least 1, but got 0"),
        (
            {"num_clients": 2, "connection_probability": 0},
            "connection_probability must be greater than 0, but got 0: nobody would have neighbours",
        ),
    ],
)
def test_networks_that_cannot_be_drawn(arguments, message):
    from fedjob.components.p2p.topology import generate_random_network

    with pytest.raises(ValueError, match=f"^{message}$"):
        generate_random_network(**arguments)


def graphs():
    nx = pytest.importorskip("networkx")
    weighted = nx.path_graph(3)
    weighted[0][1]["weight"] = 2.0
    loop = nx.Graph([("a", "b"), ("b", "b")])
    return [
        nx.star_graph(3),
        nx.cycle_graph(5),
        nx.empty_graph(2),
        weighted,
        loop,
        nx.DiGraph([(0, 1), (1, 2)]),
    ]


@pytest.mark.parametrize("which", range(6))
def test_weights_of_graphs(same_as_flare, which):
    graph = graphs()[which]
    same_as_flare(lambda world: world(f"{P2P}.utils.topology.doubly_stochastic_adjacency")(graph))


@pytest.mark.filterwarnings("ignore:Casting complex values:UserWarning")
@pytest.mark.parametrize(
    "matrix", [[[0.5, 0.5], [0.25, 0.75]], [[0.9, 0.2, 0.0], [0.1, 0.5, 0.3], [0.0, 0.3, 0.7]], [[2.0]]]
)
def test_steady_states(same_as_flare, matrix):
    same_as_flare(lambda world: world(f"{P2P}.utils.topology.get_matrix_steady_state")(torch.tensor(matrix)))


# Losses.


def data(seed, n=4, batch_size=2):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 3, generator=generator)
    dataset = torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True) * seed)
    return torch.utils.data.DataLoader(dataset, batch_size=batch_size)


def net(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.9), torch.nn.Linear(2, 1))


def test_loss_over_a_dataset(same_as_flare):
    def scenario(world):
        loss_of = world(f"{P2P}.utils.metrics.compute_loss_over_dataset")
        model, loss = net(), torch.nn.MSELoss()
        mean = loss_of(model, loss, data(1, n=5), torch.device("cpu"))
        missing = [outcome(partial(loss_of, *some)) for some in ((), (model,), (model, loss))]
        return mean, model.training, missing, str(world(f"{P2P}.utils.utils.get_device")())

    same_as_flare(scenario)


# Algorithms: one peer, whose two neighbours always send what they are scripted to.


class Script:
    """An engine's part: whatever the peer sends, its neighbours' values of that iteration are there at once."""

    def __init__(self, world, values):
        self.world, self.values, self.sent = world, values, []

    def register_aux_message_handler(self, topic, message_handle_func):
        self.topic, self.handler = topic, message_handle_func

    def send_aux_request(self, targets, topic, request, timeout, fl_ctx, **kwargs):
        content = self.world("apis.dxo.from_shareable")(request)
        iteration = content.data["iteration"]
        # Copied, as if it had travelled: what is sent may share memory with the model.
        self.sent.append([targets, topic, copy.deepcopy(content.data), content.data_kind])
        for target in targets:
            data = {"value": self.values(target, iteration, content.data["value"]), "iteration": iteration}
            value = self.world("apis.dxo.DXO")(data_kind="WEIGHTS", data=data).to_shareable()
            value.set_peer_props({self.world("apis.fl_constant.ReservedKey").IDENTITY_NAME: target})
            reply = self.handler(topic, value, fl_ctx)
            assert reply.get_return_code() == "OK"
        return {target: self.world("apis.shareable.make_reply")("OK") for target in targets}


def context(world, script, name="site-3"):
    for method in ("register_aux_message_handler", "send_aux_request"):
        setattr(world.engine, method, getattr(script, method))
    manager = world("apis.fl_context.FLContextManager")
    world.contexts = manager(
        engine=world.engine,
        identity_name=name,
        job_id="simulate_job",
        public_stickers={},
        private_stickers={},
    )
    return world.context()


NEIGHBORS = [{"id": "site-1", "weight": 0.25}, {"id": "site-7", "weight": 0.125}]


def performed(world, executor, values, **extra):
    """The executor after its tasks, and what it was answered and has sent."""
    script = Script(world, values)
    fl_ctx = context(world, script)
    executor.handle_event(world("apis.event_type.EventType").START_RUN, fl_ctx)
    signal = world("apis.signal.Signal")()
    replies = []
    for task, content in (("config", {"neighbors": NEIGHBORS}), ("run_algorithm", extra), ("other", {})):
        shareable = world.dxo("APP_DEFINED", content).to_shareable()
        replies.append(executor.execute(task, shareable, fl_ctx, signal).get_return_code())
    state = [executor.id, executor.client_name, executor._weight, executor.config.extra]
    return [state, replies, script.topic, script.sent, dict(executor.neighbors_values)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("initial", [3, 0.5])
def test_consensus(same_as_flare, initial):
    def scenario(world):
        executor = world(f"{P2P}.executors.consensus.ConsensusExecutor")(initial)
        seen = performed(world, executor, lambda site, n, sent: n + float(site[-1]), iterations=5)
        return seen, executor.initial_value, executor.value_history, torch.load("value_sequence.pt")

    seen = same_as_flare(scenario)
    if initial == 3:
        # 3 * 0.625 + 1 * 0.25 + 7 * 0.125
        assert seen[2][:2] == [3, 3.0]


def trained(world, kind, frozen=(), **extra):
    class Own(world(f"{P2P}.executors.{kind}")):
        def __init__(self):
            super().__init__(net(), torch.nn.MSELoss(), data(1), data(2, batch_size=3), val_dataloader="kept")
            for n, parameter in enumerate(self.model.parameters()):
                parameter.requires_grad_(n not in frozen)

    def values(site, iteration, sent):
        """Near what the peer itself has."""
        step = float(site[-1]) / 8 + iteration / 16
        return (
            {key: [array + step for array in sent[key]] for key in sent}
            if isinstance(sent, dict)
            else [array * step for array in sent]
        )

    executor = Own()
    seen = performed(world, executor, values, iterations=5, stepsize=0.125, **extra)
    losses = [
        [[loss for _, loss in getattr(executor, name)], torch.load(f"{name}.pt")[:, 1]]
        for name in ("train_loss_sequence", "test_loss_sequence")
    ]
    parameters = [parameter.detach() for parameter in executor.model.parameters()]
    trackers = [getattr(executor, name, None) for name in ("tracker", "old_gradient", "m", "v", "G")]
    return seen, losses, parameters, trackers, executor.model.training, executor.val_dataloader


ADAM = {"beta1": 0.5, "beta2": 0.75, "epsilon": 1e-4}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("distributed_gradient_descent.DGDExecutor", {}),
        ("gradient_tracking.GTExecutor", {}),
        ("gtadam.GTADAMExecutor", ADAM),
        ("GTADAMExecutor", ADAM),
    ],
)
def test_training_is_flares_bit_for_bit(same_as_flare, kind, extra):
    same_as_flare(lambda world: trained(world, kind, **extra))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("DGDExecutor", {}),
        ("GTExecutor", {}),
        ("GTADAMExecutor", ADAM),
    ],
)
def test_frozen_parameters_stay(world, kind, extra):
    """FLARE's take a neighbour's parameter for another one, or fail."""
    _, _, parameters, *_ = trained(world, kind, frozen=(0, 1), **extra)
    before = list(net().parameters())
    assert [torch.equal(a, b) for a, b in zip(before, parameters, strict=True)] == [True, True, False, False]


@pytest.mark.usefixtures("here")
def test_gradients_are_computed_while_a_peer_waits(world):
    seen = []

    def values(site, n, sent):
        seen.append(torch.is_grad_enabled())
        return 1.0

    with torch.no_grad():
        executor = world(f"{P2P}.executors.ConsensusExecutor")(1)
        performed(world, executor, values, iterations=1)
        assert not torch.is_grad_enabled()
    assert seen == [True, True]


# What cannot be.


@pytest.mark.parametrize(
    "kind", ["BaseDistOptExecutor", "SyncAlgorithmExecutor", "DGDExecutor", "GTExecutor"]
)
def test_what_is_to_be_written_first(same_as_flare, kind):
    same_as_flare(lambda world: outcome(lambda: world(f"{P2P}.executors.{kind}")()))


def test_a_model_that_is_none(world):
    class Own(world(f"{P2P}.executors.DGDExecutor")):
        def __init__(self):
            super().__init__(loss=torch.nn.MSELoss())

    with pytest.raises(TypeError, match=r"^Own needs a torch module as model, but got NoneType$"):
        Own()


def test_data_without_batches(world, here):
    class Own(world(f"{P2P}.executors.DGDExecutor")):
        def __init__(self):
            super().__init__(net(), torch.nn.MSELoss(), [], data(1))

        def _note_losses(self, seconds):
            pass

    message = "^the training data of site-3 have no batches; give it data to train on$"
    with pytest.raises(ValueError, match=message):
        performed(world, Own(), None, iterations=1, stepsize=1)


def test_what_the_algorithm_is_not_told(world):
    executor = world(f"{P2P}.executors.ConsensusExecutor")(1)
    message = "the algorithm was not told its iterations; give them to the controller's Config, in extra"
    with pytest.raises(ValueError, match=f"^{message}$"):
        performed(world, executor, None)


def test_neighbours_without_weights(world):
    executor = world(f"{P2P}.executors.ConsensusExecutor")(1)
    shareable = world.dxo("APP_DEFINED", {"neighbors": [{"id": "site-9"}]}).to_shareable()
    message = "the neighbours ['site-9'] have no weight; give each Neighbor of the network one"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        executor.execute("config", shareable, world.context(), None)


def test_a_site_without_a_number(world):
    executor = world(f"{P2P}.executors.ConsensusExecutor")(1)
    script = Script(world, None)
    executor.handle_event("_start_run", context(world, script, name="hospital"))
    assert world.engine.panics == [
        "'hospital' has no number, by which peers are told apart; call the sites site-1, site-2 and so on"
    ]


# Waiting.


class Clock:
    """An engine on which `happens` are called, one with each wait, until nothing happens any more."""

    def __init__(self, *happens):
        self.time, self.happens = 0.0, list(happens)
        self.abort_signal = type("", (), {"triggered": False})()

    def now(self):
        return self.time

    def poll(self, seconds):
        if self.happens:
            self.happens.pop(0)()
            self.time += seconds / 4
        else:
            self.time += seconds


def test_a_flag_is_waited_for():
    flag = Flag()
    clock = Clock(lambda: None, flag.set)
    flag.bind(clock)
    assert flag.wait(8)
    assert clock.time == 3.5
    assert flag.wait()
    assert flag.is_set()
    flag.clear()
    assert not flag.wait(timeout=1)
    assert clock.time == 4.5


def test_a_wait_ends_with_the_run():
    flag, clock = Flag(), Clock()
    clock.happens.append(lambda: setattr(clock.abort_signal, "triggered", True))
    flag.bind(clock)
    assert not flag.wait()


def test_there_is_no_wait_without_a_run():
    message = "to wait for other sites takes a run; wait in tasks and events that follow START_RUN"
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        Flag().wait(1)
