import pickle

import numpy as np
import pytest

from tests.components.world import outcome

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def net(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


@pytest.mark.parametrize("mu", [0.0, 0.5, -1])
def test_fedprox_loss(same_as_flare, mu):
    def scenario(world):
        loss = world("app_opt.pt.fedproxloss.PTFedProxLoss")(mu)
        local, glob = net(1), net(2)
        value = loss(local, glob)
        value.backward()
        return value.detach(), [p.grad for p in local.parameters()], isinstance(loss, torch.nn.Module)

    same_as_flare(lambda world: outcome(lambda: scenario(world)))


def test_the_loss_travels(world):
    loss = world("app_opt.pt.fedproxloss.PTFedProxLoss")(0.25)
    assert pickle.loads(pickle.dumps(loss)).mu == 0.25


def trained(world, freeze=(), change=None, globals_=None):
    helper = world("app_opt.pt.scaffold.PTScaffoldHelper")()
    model = net()
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name not in freeze
    helper.init(model)
    told = []
    for number in range(2):
        if globals_:
            helper.load_global_controls(globals_)
        c_global, c_local = helper.get_params()
        start = net()
        start.load_state_dict(model.state_dict())
        torch.manual_seed(number)
        for _ in range(3):
            with torch.no_grad():
                for parameter in model.parameters():
                    if parameter.requires_grad:
                        parameter.add_(torch.randn_like(parameter), alpha=-0.1)
            helper.model_update(model, 0.1, c_global, c_local)
        if change == "freeze":
            next(iter(model.parameters())).requires_grad = False
        helper.terms_update(model, 0.1, c_global, c_local, start)
        told.append((helper.get_delta_controls(), helper.c_local.state_dict(), model.state_dict()))
    return told


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"freeze": ("0.bias",)},
        {"change": "freeze"},
        {"globals_": {"0.bias": np.ones(2, np.float32)}},
        {"globals_": {"0.bias": np.ones(3)}},
        {"globals_": {"x": np.ones(3)}},
        {"globals_": {"0.bias": "text"}},
        {"globals_": [1]},
    ],
    ids=str,
)
def test_scaffold_helper(same_as_flare, kwargs):
    same_as_flare(lambda world: outcome(lambda: trained(world, **kwargs)))


@pytest.mark.parametrize("call", ["delta", "terms", "update", "gone", "empty"])
def test_scaffold_helper_out_of_turn(same_as_flare, call):
    def scenario(world):
        helper = world("app_opt.pt.scaffold.PTScaffoldHelper")()
        model = net()
        if call == "empty":
            return helper.init(torch.nn.ReLU())
        helper.init(net() if call == "gone" else model)
        if call == "gone":
            return helper.get_params()
        if call == "delta":
            return helper.get_delta_controls()
        if call == "update":
            return helper.model_update(model, 0.1, {}, {})
        helper.get_params()
        return helper.terms_update(model, 0.1, *helper.get_params(), model)

    assert same_as_flare(lambda world: outcome(lambda: scenario(world)))[0] == "raises"


def test_learning_rates(same_as_flare):
    def scenario(world):
        model = net()
        groups = [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[1].parameters()}]
        return world("app_opt.pt.scaffold.get_lr_values")(torch.optim.SGD(groups, lr=0.1))

    assert same_as_flare(scenario) == [0.5, 0.1]


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")  # FLARE does
@pytest.mark.parametrize("tensors", [True, False])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"optimizer_args": {"path": "torch.optim.Adam", "args": {"lr": 0.1}, "config_type": "dict"}},
        {
            "optimizer_args": {"path": "torch.optim.SGD", "args": {"lr": 0.5, "momentum": 0.9}},
            "lr_scheduler_args": {"path": "torch.optim.lr_scheduler.StepLR", "args": {"step_size": 1}},
        },
        {"optimizer_args": {"path": "torch.optim.Absent"}},
        {"optimizer_args": 5},
        {"source_model": "absent"},
        {"source_model": "other"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["WEIGHT_DIFF", "WEIGHTS"])
def test_fedopt_generator(same_as_flare, kwargs, kind, tensors):
    def build(config):
        module, _, name = config["path"].rpartition(".")
        found = {"torch.optim": torch.optim, "torch.optim.lr_scheduler": torch.optim.lr_scheduler}[module]
        return getattr(found, name)(**config["args"])

    def scenario(world):
        world.engine.build_component = build
        world.engine.get_component = {"model": net(), "other": 5}.get
        generator = world("app_opt.pt.fedopt.PTFedOptModelShareableGenerator")(**kwargs)
        generator.handle_event("_start_run", world.context())
        if world.engine.panics:
            return "panic"
        weights = {k: v.numpy().copy() for k, v in net().state_dict().items()}
        change = {k: np.full(v.shape, 0.5, np.float32) for k, v in weights.items()}
        if tensors:
            weights = {k: torch.as_tensor(v) for k, v in weights.items()}
            change = {k: torch.as_tensor(v) for k, v in change.items()}
        model = world("app_common.abstract.model.make_model_learnable")(weights, {})
        told = []
        for _ in range(2):
            result = world.dxo(kind, change, a=1).to_shareable()
            model = generator.shareable_to_learnable(result, world.context(global_model=model))
            told.append(dict(model))
            if not model:
                break
        return told, len(world.engine.panics)

    same_as_flare(lambda world: outcome(lambda: scenario(world)))


def test_ditto_helper(same_as_flare):
    def scenario(world):
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        helper_class = world("app_opt.pt.ditto.PTDittoHelper")
        loss = torch.nn.MSELoss()
        helper = helper_class(loss, model, optimizer, None, str(world.run_dir), 0.5, 2)
        helper.load_model(net(3).state_dict())
        helper.epoch_global = 4
        helper.update_metric_save_model(0.5)
        helper.update_metric_save_model(0.25)
        again = helper_class(loss, net(7), optimizer, torch.device("cpu"), str(world.run_dir))
        again.load_model({})
        bad = [(None, model, optimizer), (loss, None, optimizer), (loss, model, None)]
        refused = [outcome(lambda b=b: helper_class(*b, None, ".")) for b in bad]
        files = {p.name: torch.load(p, weights_only=True) for p in sorted(world.run_dir.glob("*.pt"))}
        return files, again.best_metric, again.epoch_of_start_time, again.model.state_dict(), refused

    same_as_flare(scenario)


def test_reader_writer(same_as_flare):
    def scenario(world):
        processor = world("app_opt.pt.model_reader_writer.PTModelReaderWriter")()
        model = net()
        found = processor.extract_model(model, False, {}, world.context())
        assigned = processor.apply_model(model, False, {"0.bias": np.ones(2)}, world.context())
        wrapped = torch.nn.Module()
        wrapped.module = model
        again = processor.extract_model(wrapped, True, {}, world.context())
        return (
            found,
            assigned,
            again,
            outcome(lambda: processor.apply_model(model, False, {"x": 1}, world.context())),
        )

    same_as_flare(scenario)


def test_tensor_decomposer_gives_back_what_it_takes(world):
    decomposer = world("app_opt.pt.decomposers.TensorDecomposer")()
    tensor = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3)
    assert decomposer.supported_type() is torch.Tensor
    assert torch.equal(decomposer.recompose(decomposer.decompose(tensor)), tensor)
