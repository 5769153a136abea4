import numpy as np
import pytest

from tests.components.world import outcome

INTIME = "app_common.aggregators.intime_accumulate_model_aggregator.InTimeAccumulateWeightedAggregator"


def contribution(world, site, kind="WEIGHT_DIFF", data=None, round=0, rc=None, **meta):
    shareable = world.result(kind, data, round, **meta)
    shareable.set_peer_props({"__identity_name__": site})
    if rc:
        shareable.set_return_code(rc)
    return shareable


def play(world, aggregator, contributions, rounds=1):
    world.add(aggregator, "aggregator")
    world.fire("_start_run")
    told = []
    for number in range(rounds):
        accepted = []
        for site, kwargs in contributions:
            ctx = world.context(site, current_round=number)
            shareable = contribution(world, site, **{"round": number, **kwargs})
            accepted.append(outcome(lambda s=shareable, c=ctx: aggregator.accept(s, c)))
        ctx = world.context(current_round=number)
        result = aggregator.aggregate(ctx)
        told.append((accepted, world("apis.dxo.from_shareable")(result), ctx.get_prop("_aggregation_stats")))
    return told


def params(seed):
    rng = np.random.default_rng(seed)
    return {"w": rng.normal(size=(2, 2)).astype(np.float32), "n": np.array(seed), "b": rng.normal(size=3)}


PLAY = [
    ("site-1", {"data": params(1), "NUM_STEPS_CURRENT_ROUND": 3}),
    ("site-2", {"data": params(2)}),
    ("site-2", {"data": params(9)}),
    ("site-3", {"data": params(3), "round": 7}),
    ("site-4", {"data": params(4), "kind": "WEIGHTS"}),
    ("site-5", {"data": params(5), "rc": "EXECUTION_EXCEPTION"}),
    ("site-6", {"data": params(6) | {"extra": np.ones(1)}, "PROCESSED_ALGORITHM": "one"}),
    ("site-7", {"data": params(7), "PROCESSED_ALGORITHM": "two"}),
    ("site-8", {"data": {"w": np.ones((2, 2))}, "kind": "ANALYTIC"}),
]


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"expected_data_kind": "WEIGHTS"},
        {"exclude_vars": "w|extra"},
        {"aggregation_weights": {"site-1": 0.5, "site-2": 4}},
        {"weigh_by_local_iter": False},
    ],
    ids=str,
)
def test_in_time_mean(same_as_flare, kwargs):
    same_as_flare(lambda world: play(world, world(INTIME)(**kwargs), PLAY, rounds=2))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"expected_data_kind": {"a": "WEIGHTS", "b": "METRICS"}},
        {"expected_data_kind": {"a": "WEIGHTS", "b": "METRICS"}, "exclude_vars": {"a": "w", "b": ""}},
        {
            "expected_data_kind": {"a": "WEIGHTS", "b": "METRICS"},
            "aggregation_weights": {"a": {"site-1": 3}, "b": {"site-2": 2}},
        },
        {"expected_data_kind": {"a": "WEIGHTS", "b": "METRICS"}, "aggregation_weights": {"site-1": 3}},
    ],
    ids=str,
)
def test_in_time_mean_of_collections(same_as_flare, kwargs):
    def scenario(world):
        def both(seed):
            return {"a": world.dxo("WEIGHTS", params(seed)), "b": world.dxo("METRICS", {"acc": seed / 7})}

        contributions = [
            ("site-1", {"kind": "COLLECTION", "data": both(1)}),
            ("site-2", {"kind": "COLLECTION", "data": both(2)}),
            ("site-3", {"kind": "COLLECTION", "data": {"a": world.dxo("WEIGHTS", params(3))}}),
            ("site-4", {"kind": "COLLECTION", "data": {"c": world.dxo("WEIGHTS", params(3))}}),
        ]
        return play(world, world(INTIME)(**kwargs), contributions)

    same_as_flare(scenario)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"expected_data_kind": "ANALYTIC"},
        {"expected_data_kind": {"a": "STATISTICS"}},
        {"exclude_vars": 5},
        {"expected_data_kind": {"a": "WEIGHTS"}, "exclude_vars": {"b": "x"}},
        {"expected_data_kind": {"a": "WEIGHTS"}, "exclude_vars": {"a": 1}},
        {"expected_data_kind": {"a": "WEIGHTS", "b": "METRICS"}, "aggregation_weights": {"a": {"site-1": 1}}},
    ],
    ids=str,
)
def test_bad_settings_are_refused_when_the_run_starts(same_as_flare, kwargs):
    def scenario(world):
        world.add(world(INTIME)(**kwargs))
        return outcome(lambda: bool(world.fire("_start_run")))

    assert same_as_flare(scenario) == ["raises", "ValueError"]


def collecting(world, path):
    base = world("app_common.aggregators.assembler.Assembler")
    dxo_class = world("apis.dxo.DXO")

    class Sum(base):
        def get_model_params(self, dxo):
            return dict(dxo.data)

        def assemble(self, data, fl_ctx):
            return dxo_class(
                self.expected_data_kind, {"n": sum(d["n"] for d in data.values()), "sites": list(data)}
            )

    world.add(Sum("WEIGHTS"), "assembler")
    return world(path)("assembler")


def test_collect_and_assemble(same_as_flare):
    path = "app_common.aggregators.collect_and_assemble_aggregator.CollectAndAssembleAggregator"
    contributions = [(site, {"kind": "WEIGHTS", **kwargs}) for site, kwargs in PLAY]
    same_as_flare(lambda world: play(world, collecting(world, path), contributions, rounds=2))


def test_collect_and_assemble_models(same_as_flare):
    path = "app_common.aggregators.collect_and_assemble_model_aggregator.CollectAndAssembleModelAggregator"

    def scenario(world):
        aggregator = world.add(collecting(world, path), "aggregator")
        ctx = world.context(current_round=1)
        world.fire("_start_run", ctx)
        model = world("app_common.abstract.fl_model.FLModel")
        for site, number, kind in [
            ("a", 1, "FULL"),
            ("a", 1, "FULL"),
            ("b", 0, "FULL"),
            ("c", None, "FULL"),
            ("d", 1, "DIFF"),
        ]:
            meta = {"client_name": site}
            aggregator.accept_model(model(params={"n": 2}, params_type=kind, current_round=number, meta=meta))
        result = aggregator.aggregate_model()
        aggregator.reset_stats()
        return result.params, result.params_type, result.meta, world.components["assembler"].collection

    same_as_flare(scenario)


def test_dxo_collector(same_as_flare):
    path = "app_common.aggregators.dxo_collector.DXOCollector"

    def scenario(world):
        aggregator = world(path)()
        told = play(world, aggregator, PLAY)
        aggregator.reset(world.context())
        return told, world("apis.dxo.from_shareable")(aggregator.aggregate(world.context()))

    same_as_flare(scenario)


def test_the_lazy_aggregator_gives_what_the_real_one_does(world):
    real = world.add(world(INTIME)(), "real")
    eager = play(world, real, PLAY[:2])
    lazy = play(world, world("app_common.aggregators.lazy.LazyAggregator")("real"), PLAY[:2])
    assert outcome(lambda: lazy) == outcome(lambda: eager)


def test_the_lazy_aggregator_needs_one(world):
    world.add(world("app_common.aggregators.lazy.LazyAggregator")("real"))
    world.fire("_start_run")
    assert "component 'real' must be an Aggregator" in world.engine.panics[0]


def test_model_aggregator_speaks_shareable(same_as_flare):
    def scenario(world):
        base = world("app_common.aggregators.model_aggregator.ModelAggregator")
        model = world("app_common.abstract.fl_model.FLModel")

        class Own(base):
            def __init__(self):
                super().__init__()
                self.seen = []

            def accept_model(self, given):
                self.seen.append((given.params, given.metrics))

            def aggregate_model(self):
                return model(params={"w": len(self.seen)}, metrics={"acc": 1.0})

            def reset_stats(self):
                self.seen = []

        return play(world, Own(), PLAY[:2])

    same_as_flare(scenario)
