import json

import numpy as np
import pytest

from tests.components.world import outcome

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
PT = "app_opt.pt.file_model_persistor.PTFileModelPersistor"
LOCATOR = "app_opt.pt.file_model_locator.PTFileModelLocator"
NP = "app_common.np.np_model_persistor.NPModelPersistor"


def net():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    return model.to(torch.float32)


def learnable(world, weights, meta=None):
    return world("app_common.abstract.model.make_model_learnable")(weights, meta)


def started(world, persistor, id="persistor"):
    world.add(persistor, id)
    world.fire("_start_run")
    return persistor


def stored(world):
    """The checkpoints that are there, by path."""
    return {
        str(p.relative_to(world.run_dir)): torch.load(p, weights_only=True)
        for p in sorted(world.run_dir.rglob("*.pt"))
    }


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"exclude_vars": "bias|num_"},
        {"allow_numpy_conversion": False},
        {"global_model_file_name": "g.pt", "best_global_model_file_name": "sub/../b.pt"},
    ],
    ids=str,
)
def test_a_run_leaves_flares_files(same_as_flare, kwargs):
    def scenario(world):
        (world.app_dir / "sub").mkdir()
        persistor = started(world, world(PT)(model=net(), **kwargs))
        ctx = world.context()
        start = persistor.load(ctx)
        weights = {k: v + 1 for k, v in start["weights"].items()}
        model = learnable(world, weights, {"current_round": 0, "nr_aggregated": 2})
        persistor.save(model, ctx)
        world.fire("_global_best_model_available", world.context(global_model=model))
        inventory = persistor.get_model_inventory(ctx)
        listed = {k: (v.name, v.model_format, v.props) for k, v in inventory.items()}
        again = persistor.get(next(iter(inventory)), ctx)
        return start, stored(world), listed, again, outcome(lambda: persistor.get("absent.pt", ctx))

    same_as_flare(scenario)


def test_the_files_are_flares_bytes(same_as_flare):
    def scenario(world):
        persistor = started(world, world(PT)(model=net()))
        persistor.save(
            learnable(world, persistor.load(world.context())["weights"], {"a": 1}), world.context()
        )
        return world.files()

    same_as_flare(scenario)


@pytest.mark.parametrize("where", ["absolute", "custom", "environment", "missing", "broken", "bare"])
def test_starts_from_a_checkpoint(same_as_flare, where):
    def scenario(world):
        content = {"model": net().state_dict(), "meta_props": {"old": 1}, "optimizer": {"lr": 1}}
        if where == "bare":
            content = content["model"]
        path = world.app_dir / "custom" / "start.pt"
        torch.save(content, path)
        if where == "broken":
            path.write_bytes(b"no checkpoint")
        named = {"custom": "start.pt", "environment": None, "missing": "absent.pt"}.get(where, str(path))
        if where == "environment":
            text = json.dumps({"APP_CKPT_DIR": "kept", "APP_CKPT": "custom/start.pt"})
            (world.app_dir / "config" / "environment.json").write_text(text)
        arguments = type("Arguments", (), {"env": "config/environment.json"})
        persistor = world.add(world(PT)(model=net(), source_ckpt_file_full_name=named))
        ctx = world.context()
        ctx.set_prop("__args__", arguments, private=True, sticky=False)
        world.fire("_start_run", ctx)
        model = persistor.load(ctx)
        if model is None:
            return "panic", len(world.engine.panics)
        persistor.save(learnable(world, model["weights"], None), ctx)
        files = {str(p.relative_to(world.run_dir)) for p in world.run_dir.rglob("*.pt")}
        return model, stored(world), files, list(persistor.get_model_inventory(ctx))

    same_as_flare(scenario)


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"0.bias": np.ones(2, np.float64)},
        {"0.bias": np.ones(3)},
        {"unknown": np.ones(2)},
        {"0.bias": np.ones(2), "unknown": np.ones(2)},
        {"net.0.bias": np.ones(2)},
        {"1.num_batches_tracked": np.float64(1.75)},
    ],
    ids=str,
)
@pytest.mark.parametrize("model", [True, False])
def test_updates_what_fits_as_flare_does(same_as_flare, weights, model):
    def scenario(world):
        persistor = started(world, world(PT)(model=net() if model else None))
        persistor.load(world.context())
        saved = outcome(lambda: persistor.save(learnable(world, weights, {"m": 1}), world.context()))
        return saved, stored(world)

    same_as_flare(scenario)


def test_says_which_prefix_is_too_much(world):
    persistor = started(world, world(PT)(model=net()))
    persistor.load(world.context())
    with pytest.raises(ValueError, match=r"without the prefix 'net\.', 1 of 1 would match"):
        persistor.save(learnable(world, {"net.0.bias": np.ones(2)}), world.context())


def test_bfloat16_becomes_float32(same_as_flare):
    def scenario(world):
        persistor = started(world, world(PT)(model=net().to(torch.bfloat16)))
        return persistor.load(world.context())

    same_as_flare(scenario)


@pytest.mark.parametrize(
    "model", [{"path": "torch.nn.Linear", "args": {"in_features": 2, "out_features": 1}}, "net"]
)
def test_builds_or_finds_its_model(same_as_flare, model):
    def scenario(world):
        world.add(
            type("Net", (torch.nn.Linear,), {"handle_event": lambda *a: None, "get_event_handlers": dict})(
                2, 1
            ),
            "net",
        )
        torch.manual_seed(0)
        persistor = started(world, world(PT)(model=model))
        return sorted(persistor.load(world.context())["weights"]), type(persistor.model).__mro__[-3].__name__

    same_as_flare(scenario)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({"args": {}}, "must name its class as 'path'"),
        ({"path": "torch.nn.Absent"}, "cannot build the model torch.nn.Absent"),
        ({"path": "torch.nn.Linear"}, "does not take"),
        ({"path": "collections.OrderedDict"}, "must be a torch.nn.Module, but is OrderedDict"),
        (None, ""),
        ("absent", "cannot find the model component 'absent'"),
        (5, "must be a torch.nn.Module, but is int"),
    ],
    ids=str,
)
def test_a_wrong_model_ends_the_run_with_the_reason(same_as_flare, model, says):
    told = []

    def scenario(world):
        started(world, world(PT)(model=model))
        told.append(world.engine.panics)
        return len(world.engine.panics)

    assert same_as_flare(scenario) == (1 if says else 0)
    assert not says or says in told[0][0]


def test_pt_locator(same_as_flare):
    def scenario(world):
        locator = world.add(world(LOCATOR)("persistor"))
        persistor = started(world, world(PT)(model=net()))
        model = persistor.load(world.context())
        persistor.save(model, world.context())
        names = locator.get_model_names(world.context())
        absent = outcome(lambda: locator.locate_model("absent", world.context()))
        return names, [locator.locate_model(n, world.context()) for n in names], absent

    same_as_flare(scenario)


@pytest.mark.parametrize("id", ["", "absent", "other"])
def test_pt_locator_needs_its_persistor(same_as_flare, id):
    def scenario(world):
        world.add(world(NP)(), "other")
        world.add(world(LOCATOR)(id), "locator")
        return outcome(lambda: bool(world.fire("_start_run")))

    assert same_as_flare(scenario) == ["raises", "ValueError"]


@pytest.mark.parametrize(
    "kwargs", [{}, {"model": [1, 2.5]}, {"model_dir": "m", "model_name": "n.npy"}], ids=str
)
def test_np_persistor(same_as_flare, kwargs):
    def scenario(world):
        persistor = started(world, world(NP)(**kwargs))
        start = persistor.load(world.context())
        persistor.save(learnable(world, {"numpy_key": np.arange(3.0)}), world.context())
        return start, persistor.load(world.context()), world.files()

    same_as_flare(scenario)


@pytest.mark.parametrize("name", ["start.npy", "absent.npy", "broken.npy"])
@pytest.mark.parametrize("absolute", [True, False])
def test_np_persistor_starts_from_a_checkpoint(same_as_flare, name, absolute):
    def scenario(world):
        custom = world.app_dir / "custom"
        np.save(custom / "start.npy", np.arange(4))
        (custom / "broken.npy").write_bytes(b"no array")
        source = str(custom / name) if absolute else name
        persistor = started(world, world(NP)(source_ckpt_file_full_name=source))
        return outcome(lambda: persistor.load(world.context()))

    same_as_flare(scenario)


@pytest.mark.parametrize("given", ["server.npy", None, {"a": "server.npy", "b": "absent.npy"}, 5], ids=str)
def test_np_locator(same_as_flare, given):
    def scenario(world):
        started(world, world(NP)()).save(learnable(world, {"numpy_key": np.arange(3.0)}), world.context())
        locator = world("app_common.np.np_model_locator.NPModelLocator")(model_name=given)
        names = locator.get_model_names(world.context())
        return (
            names,
            [locator.locate_model(n, world.context()) for n in [*names, "unknown"]],
            locator.model_name,
        )

    same_as_flare(lambda world: outcome(lambda: scenario(world)))


def test_a_persistor_filter_sees_the_model_on_its_way(same_as_flare):
    def scenario(world):
        base = world("app_common.abstract.persistor_filter.PersistorFilter")
        seen = []

        class Own(base):
            def process_post_load(self, learnable, fl_ctx):
                seen.append("load")
                return learnable

            def process_pre_save(self, learnable, fl_ctx):
                seen.append("before")
                learnable["weights"]["0.bias"] = np.full(2, 7.0)
                return learnable

            def process_post_save(self, learnable, fl_ctx):
                seen.append("after")
                return learnable

            def process_post_get(self, learnable, fl_ctx):
                seen.append("get")
                return learnable

        world.add(Own(), "filter")
        persistor = started(world, world(PT)(model=net(), filter_id="filter"))
        persistor.save(persistor.load(world.context()), world.context())
        persistor.get("FL_global_model.pt", world.context())
        return seen, stored(world)

    same_as_flare(scenario)


def test_a_missing_persistor_filter_is_an_error(same_as_flare):
    def scenario(world):
        persistor = started(world, world(PT)(model=net(), filter_id="absent"))
        return outcome(lambda: persistor.load(world.context()))

    assert same_as_flare(scenario) == ["raises", "ValueError"]


def test_feed_vars(same_as_flare):
    def scenario(world):
        feed = world("app_opt.pt.utils.feed_vars")
        cases = [
            {},
            None,
            {"0.bias": np.ones(2)},
            {"0.bias": np.ones(3)},
            {"x": np.ones(1)},
            {"x": np.ones(1), "0.bias": [1.0, 2.0]},
        ]
        return [outcome(lambda c=c: feed(net(), c)) for c in cases]

    same_as_flare(scenario)


def test_list_model_locator_asks_the_persistor(same_as_flare):
    def scenario(world):
        base = world("app_common.abstract.model_persistor.ModelPersistor")

        class Own(base):
            def load_model(self, fl_ctx):
                return None

            def save_model(self, model, fl_ctx):
                return None

            def get_model_from_location(self, location, fl_ctx):
                return learnable(world, {"w": location}, {})

        world.add(Own(), "persistor")
        locator = world.add(
            world("app_common.model_locator.list_model_locator.ListModelLocator")("persistor", {"a": "/x"})
        )
        world.fire("_start_run")
        ctx = world.context()
        return (
            locator.get_model_names(ctx),
            locator.locate_model("a", ctx),
            outcome(lambda: locator.locate_model("b", ctx)),
        )

    same_as_flare(scenario)
