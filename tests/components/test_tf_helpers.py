"""What only TensorFlow has: FedOpt's optimizer, SCAFFOLD's controls, FedProx's loss, the validator."""

import os
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from tests.components.world import outcome

if find_spec("tensorflow") is None:
    if os.environ.get("CI"):
        raise RuntimeError("tensorflow must be installed under CI")
    pytest.skip("needs TensorFlow", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")

SGD = {"path": "tensorflow.keras.optimizers.SGD", "args": {"learning_rate": 1.0, "momentum": 0.6}}
DECAY = {
    "path": "tensorflow.keras.optimizers.schedules.ExponentialDecay",
    "args": {"initial_learning_rate": 0.5},
}


def net(seed=0):
    """Layers with other weights than trained ones in between."""
    import tensorflow as tf

    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input((3,)),
            layers.Dense(2, name="a"),
            layers.BatchNormalization(name="b"),
            layers.Dense(2, name="c"),
        ]
    )
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 1, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def params(model):
    return {f"{layer.name}_nvf_{i}": w for layer in model.layers for i, w in enumerate(layer.get_weights())}


def build(settings):
    import tensorflow as tf

    found = tf
    for name in settings["path"].split(".")[1:]:
        found = getattr(found, name)
    return found(**settings["args"])


def optimized(world, monkeypatch, kind, **kwargs):
    controller = world("app_opt.tf.fedopt_ctl.FedOpt")(num_clients=2, num_rounds=2, **kwargs)
    controller.persistor = SimpleNamespace(model=net())
    controller.build_component = build
    problems = []
    controller.panic = problems.append
    controller.info = controller.exception = lambda *args: None
    monkeypatch.setattr(type(controller).__mro__[1], "run", lambda self: None)
    controller.run()
    if problems:
        return "panic"
    FLModel = world("app_common.abstract.fl_model.FLModel")
    model, told = FLModel(params=params(net())), []
    for number in (1, 2):
        result = FLModel(
            params=params(net(number)), params_type=kind, metrics={"n": number}, meta={"m": number}
        )
        model = controller.update_model(model, result)
        told.append((dict(model.params), model.metrics, model.meta))
    return told


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("FULL", {}),
        ("DIFF", {}),
        (
            "DIFF",
            {
                "optimizer_args": SGD,
                "lr_scheduler_args": {**DECAY, "args": {**DECAY["args"], "decay_rate": 0.9}},
            },
        ),
        ("FULL", {"optimizer_args": {"path": "tensorflow.keras.optimizers.Adam"}}),
        ("FULL", {"optimizer_args": {"path": "tensorflow.keras.optimizers.Nothing"}}),
        ("FULL", {"lr_scheduler_args": DECAY}),
    ],
    ids=str,
)
def test_fedopt_moves_the_model_as_flare_does(same_as_flare, monkeypatch, kind, kwargs):
    same_as_flare(lambda world: optimized(world, monkeypatch, kind, **_copied(kwargs)))


def _copied(kwargs):
    """FLARE writes into the settings."""
    return {name: {**value, "args": {**value.get("args", {})}} for name, value in kwargs.items()}


def test_a_weight_that_is_not_trained_is_not_taken_for_one_of_its_shape(world, monkeypatch):
    """FLARE pairs weights by shape and order, and would move another variable here."""
    import tensorflow as tf

    def make():
        layers = tf.keras.layers
        frozen = layers.Dense(2, name="a", trainable=False)
        model = tf.keras.Sequential([tf.keras.Input((2,)), frozen, layers.Dense(2, name="b")])
        model.set_weights([np.zeros(w.shape, np.float32) for w in model.get_weights()])
        return model

    controller = world("app_opt.tf.fedopt_ctl.FedOpt")(num_clients=2, num_rounds=2)
    controller.persistor = SimpleNamespace(model=make())
    controller.build_component = build
    monkeypatch.setattr(type(controller).__mro__[1], "run", lambda self: None)
    controller.run()
    FLModel = world("app_common.abstract.fl_model.FLModel")
    result = FLModel(params={k: v + 2 for k, v in params(make()).items()}, params_type="DIFF")
    model = controller.update_model(FLModel(params=params(make())), result)
    assert {k: float(v.mean()) for k, v in model.params.items()} == {
        "a_nvf_0": 2.0, "a_nvf_1": 2.0, "b_nvf_0": 2.0, "b_nvf_1": 2.0,
    }  # fmt: skip
    assert float(controller.persistor.model.get_layer("b").kernel.numpy().mean()) == 2.0
    assert float(controller.persistor.model.get_layer("a").kernel.numpy().mean()) == 0.0


def controlled(world):
    helper = world("app_opt.tf.scaffold.TFScaffoldHelper")()
    model, told = net(), []
    helper.init(model)
    for number in range(2):
        helper.load_global_controls({k: v / 10 for k, v in params(net(5)).items()})
        c_global, c_local = helper.get_params()
        start = net(number)
        model.set_weights(start.get_weights())
        for step in range(3):
            model.set_weights([w - 0.1 * (step + 1) for w in model.get_weights()])
            helper.model_update(model, 0.1, c_global, c_local)
        helper.terms_update(model, 0.1, c_global, c_local, start)
        told.append((helper.get_delta_controls(), params(helper.c_local), params(model)))
    return told


def test_scaffold_helper(same_as_flare):
    same_as_flare(controlled)


def test_scaffold_callback(same_as_flare):
    def scenario(world):
        import tensorflow as tf

        helper, model = world("app_opt.tf.scaffold.TFScaffoldHelper")(), net()
        helper.init(model)
        helper.load_global_controls(params(net(5)))
        callback = world("app_opt.tf.scaffold.ScaffoldCallback")(helper)
        model.compile(tf.keras.optimizers.SGD(0.25), "mse")
        x, y = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)
        model.fit(x, y, epochs=2, verbose=0, shuffle=False, callbacks=[callback])
        rate = world("app_opt.tf.scaffold.get_lr_values")(model.optimizer)
        return helper.cnt, float(rate), params(model), isinstance(callback, tf.keras.callbacks.Callback)

    same_as_flare(scenario)


def test_scaffold_helper_out_of_turn(world):
    helper, model = world("app_opt.tf.scaffold.TFScaffoldHelper")(), net()
    with pytest.raises(ValueError, match="not there before terms_update"):
        helper.get_delta_controls()
    helper.init(model)
    with pytest.raises(RuntimeError, match="needs at least one model_update"):
        helper.terms_update(model, 0.1, *helper.get_params(), model)


def test_fedprox_loss(same_as_flare):
    def scenario(world):
        import tensorflow as tf

        local, glob = net(1), net(2)
        loss = world("app_opt.tf.fedprox_loss.TFFedProxLoss")(
            local.trainable_variables, glob.trainable_variables, 0.5, tf.keras.losses.MeanSquaredError()
        )
        y = tf.ones((2, 2))
        with tf.GradientTape() as tape:
            value = loss(y, local(tf.ones((2, 3))))
        gradients = tape.gradient(value, local.trainable_variables)
        return value.numpy(), [g.numpy() for g in gradients], isinstance(loss, tf.keras.losses.Loss)

    same_as_flare(scenario)


def validated(world, task="validate", kind="WEIGHTS", data=None, abort=False, **kwargs):
    validator = world("app_opt.tf.tf_validator.TFValidator")(net(), **kwargs)
    signal = world("apis.signal.Signal")()
    if abort:
        signal.trigger(True)
    task_data = world.dxo(kind, params(net(3)) if data is None else data).to_shareable()
    reply = validator.execute(task, task_data, world.context(), signal)
    found = reply.get_return_code()
    return (found, world("apis.dxo.from_shareable")(reply).data) if found == "OK" else found


@pytest.mark.parametrize(
    "kwargs",
    [
        {"metric_fn": lambda model, loader: {"mean": float(model.get_weights()[0].mean()), "given": loader}},
        {"metric_fn": lambda model, loader: 1 / 0},
        {},
        {"task": "train"},
        {"kind": "METRICS"},
        {"data": {"nothing_nvf_0": np.ones(1)}},
        {"abort": True},
    ],
)
def test_validator(same_as_flare, kwargs):
    same_as_flare(lambda world: outcome(lambda: validated(world, **kwargs)))


def test_validator_evaluates_where_no_function_is_given(same_as_flare):
    import tensorflow as tf

    class Loader(list):
        """As much of a data loader as `evaluate` is asked with."""

    def scenario(world):
        validator = world("app_opt.tf.tf_validator.TFValidator")(net(), data_loader=Loader([1]))
        validator.model.evaluate = lambda loader, verbose: (tf.constant(0.5), tf.constant(0.25))
        reply = validator.execute(
            "validate",
            world.dxo("WEIGHTS", params(net(3))).to_shareable(),
            world.context(),
            world("apis.signal.Signal")(),
        )
        return world("apis.dxo.from_shareable")(reply).data

    assert same_as_flare(scenario) == {"loss": 0.5, "accuracy": 0.25}
