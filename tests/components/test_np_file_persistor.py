import numpy as np
import pytest

from tests.components.world import outcome

PATH = "app_common.ccwf.comps.np_file_model_persistor.NPFileModelPersistor"


def add(world, **kwargs):
    # FLARE asks the context for the workspace, ours the engine.
    context = world.context

    def with_workspace(**props):
        return context(__workspace_object__=world.engine.get_workspace(), **props)

    world.context = with_workspace
    return world.add(world(PATH)(**kwargs))


@pytest.mark.parametrize("source", ["nothing", "file", "unreadable file", "checkpoint", "absent checkpoint"])
def test_where_the_model_comes_from(same_as_flare, source):
    def scenario(world):
        models = world.run_dir / "models"
        models.mkdir()
        if source == "file":
            np.save(models / "model.npy", np.ones(3))
        if source == "unreadable file":
            (models / "model.npy").write_bytes(b"?")
        np.save(world.app_dir / "custom" / "c.npy", np.zeros(2))
        checkpoint = {"checkpoint": "c.npy", "absent checkpoint": "x.npy"}.get(source)
        persistor = add(world, source_ckpt_file_full_name=checkpoint)
        return outcome(lambda: persistor.load_model(world.context()))

    same_as_flare(scenario)


def test_last_and_best_have_a_file_each(same_as_flare):
    def scenario(world):
        persistor = add(world)
        make = world("app_common.abstract.model.make_model_learnable")
        nothing = persistor.get_model_inventory(world.context()), persistor.get_model("x", world.context())
        persistor.save_model(make({"numpy_key": np.ones(2)}, {}), world.context())
        best = make({"numpy_key": np.zeros(2)}, {})
        world.fire("_global_best_model_available", world.context(global_model=best))
        found = persistor.get_model_inventory(world.context())
        described = {name: (d.name, d.model_format, d.props) for name, d in found.items()}
        return (
            nothing,
            described,
            [persistor.get_model(name, world.context()) for name in [*found, "other"]],
            world.files(),
        )

    same_as_flare(scenario)
