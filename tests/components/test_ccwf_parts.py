import pytest

from tests.components.world import outcome

BASE = ["site-1", "site-2", "site-3"]
CCWF = "app_common.ccwf"


@pytest.mark.parametrize("allow_none", [True, False])
@pytest.mark.parametrize("policy", ["any", "empty", "all", "disallow"])
@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        [],
        "@ALL",
        " @none ",
        "site-2",
        " site-2 ",
        ["site-3", "site-1", "site-3"],
        "absent",
        ["site-1", "absent"],
        5,
        [5],
    ],
    ids=str,
)
def test_sites_are_chosen_as_in_flare(same_as_flare, given, policy, allow_none):
    from fedjob.components.ccwf import candidates

    def scenario(world):
        if world.ours:
            many, one = candidates.validate_candidates, candidates.validate_candidate
        else:
            many = world("fuel.utils.validation_utils.validate_candidates")
            one = world("fuel.utils.validation_utils.validate_candidate")
        several = outcome(lambda: many("v", given, list(BASE), policy, allow_none))
        # FLARE refuses this policy for one site whatever is given; nothing here asks for it.
        single = (
            None
            if policy == "all" or isinstance(given, list)
            else outcome(lambda: one("v", given, BASE, policy, allow_none))
        )
        return several, single

    same_as_flare(scenario)


@pytest.mark.parametrize("given", [None, False, "", "@none", "@NONE ", "site-1", ["a"], []], ids=str)
def test_normalised_settings(same_as_flare, given):
    from fedjob.components.ccwf import candidates

    def scenario(world):
        own = candidates.normalize_config_arg
        return (own if world.ours else world("fuel.utils.validation_utils.normalize_config_arg"))(given)

    same_as_flare(scenario)


@pytest.mark.parametrize("limit", [0, 1, 2, 9])
@pytest.mark.parametrize(
    ("evaluators", "evaluatees"),
    [
        (BASE, BASE),
        (BASE, ["site-1"]),
        (["site-1"], BASE),
        ([*BASE, "x", "y"], [*BASE, "y"]),
        ([], BASE),
        (BASE, "site-1"),
    ],
    ids=str,
)
def test_evaluations_are_planned_as_in_flare(same_as_flare, evaluators, evaluatees, limit):
    path = f"{CCWF}.eval_gen.parallel_eval_generator"
    same_as_flare(lambda world: outcome(lambda: list(world(path)(evaluators, evaluatees, limit))))


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_every_pair_has_its_turn_once_and_no_site_two_at_a_time(limit):
    from fedjob.components.ccwf.cse_plan import parallel_eval_generator

    batches = list(parallel_eval_generator(BASE, BASE, limit))
    assert sorted(p for b in batches for p in b) == [(a, b) for a in BASE for b in BASE]
    assert all(len({by for by, _ in b}) == len(b) for b in batches)


def test_small_things(same_as_flare):
    def scenario(world):
        common = f"{CCWF}.common"
        items = list(BASE)
        world(f"{common}.rotate_to_front")("site-2", items)
        compare = world(f"{common}.NumberMetricComparator")().compare
        report = world(f"{common}.StatusReport")(
            timestamp=1.0, action="a", last_round=2, all_done=True, error="e"
        )
        again = world(f"{common}.status_report_from_dict")(report.to_dict())
        empty = world(f"{common}.StatusReport")().to_dict()
        constants = {k: v for k, v in vars(world(f"{common}.Constant")).items() if k.isupper()}
        return (
            items,
            [outcome(lambda a=a: compare(*a)) for a in [(1, 2), (2.5, 1), ("x", 1), (1, None)]],
            report.to_dict(),
            again == report,
            empty,
            constants,
            world(f"{common}.make_task_name")("swarm", "learn"),
            world(f"{common}.topic_for_end_workflow")("wf"),
        )

    same_as_flare(scenario)


SERVERS = {
    "swarm_server_ctl.SwarmServerController": [
        {"num_rounds": 1},
        {"num_rounds": 0},
        {"num_rounds": 1, "starting_client": "@none"},
        {"num_rounds": 1, "min_clients": -1},
        {"num_rounds": 1, "participating_clients": ["one"]},
        {"num_rounds": 1, "participating_clients": "@none"},
        {"num_rounds": 1, "private_p2p": 1},
        {"num_rounds": 1, "progress_timeout": 1},
        {"num_rounds": 1, "result_clients": "@none", "train_clients": ["a"], "aggr_clients": "@all"},
    ],
    "cyclic_server_ctl.CyclicServerController": [
        {"num_rounds": 2, "cyclic_order": "random"},
        {"num_rounds": 2, "cyclic_order": "sideways"},
        {"num_rounds": 2, "cyclic_order": 5},
        {"num_rounds": 2, "max_status_report_interval": 1},
    ],
    "cse_server_ctl.CrossSiteEvalServerController": [
        {},
        {"eval_task_timeout": 0},
        {"max_parallel_actions": -1},
        {"eval_result_dir": None},
        {"evaluators": ["a"], "evaluatees": "@none", "global_model_client": "b"},
    ],
    "swarm_client_ctl.SwarmClientController": [
        {},
        {"learn_task_name": ""},
        {"aggregator_id": " "},
        {"learn_task_timeout": -1},
        {"min_responses_required": 0},
        {"wait_time_after_min_resps_received": 0},
        {"max_concurrent_submissions": 0},
        {"request_to_submit_result_interval": "1"},
        {"enable_tensor_disk_offload": 1},
        {"final_result_ack_timeout": 0.5},
        {"metric_comparator_id": 5},
    ],
    "cyclic_client_ctl.CyclicClientController": [{}, {"persistor_id": ""}, {"learn_task_ack_timeout": 0.1}],
    "cse_client_ctl.CrossSiteEvalClientController": [
        {},
        {"get_model_timeout": 0},
        {"validation_task_name": ""},
    ],
}


@pytest.mark.parametrize(("path", "kwargs"), [(p, k) for p, ks in SERVERS.items() for k in ks], ids=str)
def test_arguments_are_checked_as_in_flare(same_as_flare, path, kwargs):
    def scenario(world):
        made = world(f"{CCWF}.{path}")(**kwargs)
        return {k: getattr(made, k) for k in kwargs if hasattr(made, k)}

    same_as_flare(lambda world: outcome(lambda: scenario(world)))
