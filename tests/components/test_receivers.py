import importlib.util

import numpy as np
import pytest

from tests.components.world import outcome

RECEIVER = "app_common.widgets.streaming.AnalyticsReceiver"


def kept(world, events=None, failing=()):
    """A receiver that keeps what it gets; methods in `failing` raise."""

    class Kept(world(RECEIVER)):
        def __init__(self):
            super().__init__(events=events)
            self.seen = []

        def note(self, method, *what):
            self.seen.append((method, *what))
            if method in failing:
                raise ValueError(method)

        def initialize(self, fl_ctx):
            self.note("initialize")

        def save(self, fl_ctx, shareable, record_origin):
            dxo = world("apis.dxo.from_shareable")(shareable)
            self.note("save", record_origin, dxo.data, dxo.meta)

        def finalize(self, fl_ctx):
            self.note("finalize")

    return Kept()


def writers(world):
    return {
        "tb": world("app_opt.tracking.tb.tb_writer.TBWriter")(),
        "mlflow": world("app_opt.tracking.mlflow.mlflow_writer.MLflowWriter")(),
        "wandb": world("app_opt.tracking.wandb.wandb_writer.WandBWriter")(),
    }


CALLS = [
    ("tb", "add_scalar", ("loss", 0.5), {"global_step": 3}),
    ("tb", "add_scalar", ("loss", np.float32(0.25)), {}),
    ("tb", "add_scalars", ("all", {"a": 1, "b": 2.5}), {"global_step": 0}),
    ("tb", "flush", (), {}),
    ("mlflow", "log_param", ("lr", 0.1), {}),
    ("mlflow", "log_params", ({"lr": 0.1, "net": "cnn"},), {}),
    ("mlflow", "log_metric", ("acc", 0.9), {"step": 2}),
    ("mlflow", "log_metrics", ({"acc": 0.9},), {}),
    ("mlflow", "log_text", ("hello", "a.txt"), {}),
    ("mlflow", "set_tag", ("k", "v"), {}),
    ("mlflow", "set_tags", ({"k": "v"},), {}),
    ("wandb", "log", ({"acc": 1},), {"step": 5}),
    ("tb", "add_scalar", ("loss", "text"), {}),
    ("tb", "add_scalar", ("loss", 0.5), {"global_step": 1.5}),
    ("wandb", "log", ("no dict",), {}),
]


def test_writers_reach_receivers_as_in_flare(same_as_flare):
    def scenario(world):
        receiver = world.add(kept(world))
        found = {k: world.add(w) for k, w in writers(world).items()}
        world.fire("_about_to_start_run")
        world.fire("_start_run")
        told = [outcome(lambda c=c: getattr(found[c[0]], c[1])(*c[2], **c[3])) for c in CALLS]
        world.fire("_end_run")
        told.append(outcome(lambda: found["tb"].add_scalar("late", 1.0)))
        types = [w.get_default_metric_data_type() for w in found.values()]
        return told, receiver.seen, types

    same_as_flare(scenario)


@pytest.mark.parametrize("failing", [(), ("initialize",), ("save",), ("finalize",)])
@pytest.mark.parametrize("events", [None, ["fed.analytix_log_stats"], []])
@pytest.mark.parametrize("data", ["scalar", "no shareable", "nothing"])
def test_receivers_take_events_as_in_flare(same_as_flare, failing, events, data):
    def scenario(world):
        receiver = world.add(kept(world, events, failing))
        content = None if data == "nothing" else data
        if data == "scalar":
            types = world("apis.analytix.AnalyticsDataType")
            content = world("apis.analytix.AnalyticsData")("a", 1.0, types.SCALAR).to_dxo().to_shareable()
            content.set_peer_props({"__identity_name__": "site-1"})
        world.fire("_start_run")
        for event in ("analytix_log_stats", "fed.analytix_log_stats", "else"):
            scope = "federation" if event.startswith("fed.") else "local"
            world.fire(event, world.context(__event_data__=content, __event_scope__=scope))
        world.fire("_end_run")
        return receiver.seen

    same_as_flare(scenario)


def test_a_writer_may_use_a_sender_of_the_job(same_as_flare):
    def scenario(world):
        base = world("app_common.tracking.log_writer.LogWriter")
        names = world("apis.analytix.LogWriterName")

        class Own(base):
            def get_writer_name(self):
                return names.WANDB

        sender = world.add(world("app_common.widgets.streaming.AnalyticsSender")(), "sender")
        found = world.add(Own(metrics_sender_id="sender"))
        world.fire("_about_to_start_run")
        return found.sender is sender, sender.writer

    same_as_flare(scenario)


def test_a_missing_sender_ends_the_run(world):
    base = world("app_common.tracking.log_writer.LogWriter")
    own = type("Own", (base,), {"get_writer_name": lambda self: None})
    world.add(own(metrics_sender_id="absent"))
    world.fire("_about_to_start_run")
    assert world.engine.panics == ["there is no component 'absent' to log through"]


def logged(world):
    receiver = world.add(world("app_opt.tracking.tb.tb_receiver.TBAnalyticsReceiver")())
    found = {k: world.add(w) for k, w in writers(world).items()}
    world.fire("_about_to_start_run")
    world.fire("_start_run")
    for writer, method, args, kwargs in CALLS[:12]:
        getattr(found[writer], method)(*args, **kwargs)
    world.fire("_end_run")
    return receiver


def test_without_tensorboard_a_run_goes_on(world):
    receiver = logged(world)
    assert receiver.events == ["analytix_log_stats", "fed.analytix_log_stats"]
    assert (world.run_dir / "tb_events").is_dir()


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed here"
)
def test_tensorboard_files_are_as_flares(same_as_flare):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def scenario(world):
        logged(world)
        told = {}
        for folder in sorted({p.parent for p in world.run_dir.rglob("events*")}):
            found = EventAccumulator(str(folder)).Reload()
            scalars = {t: [(e.step, e.value) for e in found.Scalars(t)] for t in found.Tags()["scalars"]}
            told[str(folder.relative_to(world.run_dir))] = (scalars, sorted(found.Tags()["tensors"]))
        return told

    assert same_as_flare(scenario)


@pytest.mark.parametrize("data", [None, "text", "shareable"])
@pytest.mark.parametrize("scope", ["local", "federation"])
@pytest.mark.parametrize("event", ["a", "b"])
def test_convert_to_fed_event(same_as_flare, data, scope, event):
    def scenario(world):
        convert = world("app_common.widgets.convert_to_fed_event.ConvertToFedEvent")
        world.add(convert(events_to_convert=["a"]))
        content = world("apis.shareable.Shareable")() if data == "shareable" else data
        world.fire(event, world.context(__event_data__=content, __event_scope__=scope))
        return [e for e in world.events if not e.startswith("sent") and not e.endswith("_log_available")]

    same_as_flare(scenario)
