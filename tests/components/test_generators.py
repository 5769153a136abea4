import numpy as np
import pytest

from tests.components.world import outcome

PATHS = {
    "full": "app_common.shareablegenerators.full_model_shareable_generator.FullModelShareableGenerator",
    "simple": "app_common.ccwf.comps.simple_model_shareable_generator.SimpleModelShareableGenerator",
}


@pytest.mark.parametrize("kind", ["WEIGHTS", "WEIGHT_DIFF", "METRICS"])
@pytest.mark.parametrize("data", [{"w": np.ones(2)}, {}, {"w": np.ones(2), "new": np.ones(1)}], ids=str)
@pytest.mark.parametrize("base", [True, False])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_next_model(same_as_flare, path, kind, data, base):
    def scenario(world):
        make = world("app_common.abstract.model.make_model_learnable")
        model = make({"w": np.arange(2.0), "b": np.zeros(1)}, {"old": 1}) if base else None
        ctx = world.context(global_model=model)
        shareable = world.dxo(kind, data, new=1).to_shareable()
        result = outcome(lambda: world(path)().shareable_to_learnable(shareable, ctx))
        # Where there is no model to change, FLARE panics or fails; either way the run is over.
        return result, bool(world.engine.panics), model

    same_as_flare(scenario)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_what_is_sent(same_as_flare, path):
    def scenario(world):
        model = world("app_common.abstract.model.make_model_learnable")({"w": np.arange(2.0)}, {"old": 1})
        sent = world(path)().learnable_to_shareable(model, world.context())
        wrong = outcome(lambda: world(path)().shareable_to_learnable({"DXO": 1}, world.context()))
        return world("apis.dxo.from_shareable")(sent), wrong

    same_as_flare(scenario)


def test_pass_through(same_as_flare):
    def scenario(world):
        generator = world("app_common.shareablegenerators.passthru.PassthroughShareableGenerator")()
        learnable = world("app_common.abstract.learnable.Learnable")()
        learnable["a"] = 1
        sent = generator.learnable_to_shareable(learnable, world.context())
        return dict(sent), dict(generator.shareable_to_learnable(sent, world.context()))

    same_as_flare(scenario)
