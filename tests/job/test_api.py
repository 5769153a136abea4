"""What a user says to a FedJob, and what it answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedjob.errors import FedJobError, JobError, JobTypeError, ResourceError
from fedjob.job import FedJob, FilterType, ScriptRunner
from fedjob.job.api import JobCtx, validate_object_for_job
from fedjob.job.app import ServerApp
from fedjob.job.plan import Plan
from tests.job.conftest import client, server
from tests.job.parts import Part

NAME_RULE = "it must start with a letter or digit and may hold only letters, digits, '.', '_' and '-'"


def message(call, kind=FedJobError):
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "a\n", "-x"])
def test_a_name_that_cannot_be_a_directory_is_refused(name):
    assert message(lambda: FedJob(name), JobError) == f"invalid job name {name!r}: {NAME_RULE}"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"name": 3}, "a job's name must be a str, but got int"),
        ({"min_clients": 0}, "min_clients must be at least 1, but got 0"),
        ({"min_clients": "2"}, "min_clients must be an int, but got str"),
        ({"min_clients": True}, "min_clients must be an int, but got bool"),
        ({"mandatory_clients": "site-1"}, "mandatory_clients must be a list of names, but got str"),
        ({"meta_props": [1]}, "meta_props must be a dict, but got list"),
        (
            {"meta_props": {"name": "x"}},
            "meta_props must not hold 'name': the job's name is given to FedJob(name=...)",
        ),
        ({"fail_fast": 1}, "fail_fast must be a bool, but got int"),
    ],
)
def test_wrong_arguments_of_a_job(arguments, expected):
    assert message(lambda: FedJob(**arguments)) == expected


@pytest.mark.parametrize("nothing", [None, {}, [], "", 0])
def test_an_empty_object_is_refused(job, nothing):
    assert (
        message(lambda: job.to(nothing, "server"), JobError)
        == f"cannot add an empty object to job 'job': {nothing!r}"
    )


def test_an_app_is_refused(job):
    assert message(lambda: job.to_server(ServerApp("server")), JobError) == (
        "cannot add a ServerApp: add its objects one by one"
    )


@pytest.mark.parametrize("target", ["", None, 3])
def test_a_target_must_be_named(job, target):
    assert message(lambda: job.to(Part(), target), JobError) == (
        f"invalid target {target!r}: give 'server', the name of a site, or '@ALL'"
    )


def test_a_target_must_not_hold_special_characters(job):
    assert message(lambda: job.to(Part(), "a/b,c/"), JobError) == (
        "invalid target 'a/b,c/': a name must not hold / ,"
    )


@pytest.mark.parametrize("target", ["site 1", "site.1", "all", "Ünï", "site_1"])
def test_other_targets_are_sites(job, target):
    job.to(Part(), target)
    assert job.clients == [target]
    assert job.freeze().meta.deploy_map == {"app_server": ("server",), f"app_{target}": (target,)}


def test_an_executor_for_the_server_is_refused(job, flare):
    class Mine(flare.Executor):
        def execute(self, task_name, shareable, fl_ctx, abort_signal): ...

    assert message(lambda: job.to_server(Mine()), JobError) == (
        "Mine is an Executor and cannot go to the server: use job.to(executor, <client name>) or "
        "job.to_clients(executor)"
    )
    assert message(lambda: job.to(Mine(), "server"), JobError) == (
        "Mine can only go to a client, but was sent to 'server'"
    )


def test_a_controller_for_all_clients_is_refused(job, flare):
    assert message(lambda: job.to_clients(flare.Cyclic()), JobError) == (
        'Cyclic is a Controller and cannot go to all clients: use job.to(controller, "server") or '
        "job.to_server(controller)"
    )


def test_a_controller_with_more_arguments_is_refused(job, flare):
    assert message(lambda: job.to_server(flare.Cyclic(), foo=1), JobError) == (
        "received args ['foo'], but no args expected"
    )


def test_a_filter_needs_a_direction(job, flare):
    with pytest.raises((JobError, ValueError)) as caught:
        job.to_clients(flare.PercentilePrivacy())
    assert str(caught.value) == (
        "missing required arg 'filter_type'; supported args: {'filter_type': 'required', 'tasks': 'optional'}"
    )
    assert message(lambda: job.to_clients(flare.PercentilePrivacy(), filter_type="SIDEWAYS"), JobError) == (
        "filter PercentilePrivacy for '@ALL' has filter_type='SIDEWAYS'; choose FilterType.TASK_RESULT or "
        "FilterType.TASK_DATA"
    )
    assert message(
        lambda: job.to_clients(flare.PercentilePrivacy(), filter_type="TASK_DATA", more=1), JobError
    ) == ("received unexpected arg 'more'; supported args: {'filter_type': 'required', 'tasks': 'optional'}")


def test_overlapping_filters_are_refused(job, flare):
    job.to_clients(flare.PercentilePrivacy(), filter_type=FilterType.TASK_DATA, tasks=["train", "validate"])
    again = {"filter_type": FilterType.TASK_DATA, "tasks": ["train"]}
    assert message(lambda: job.to_clients(flare.PercentilePrivacy(), **again), JobError) == (
        "cannot add PercentilePrivacy for tasks ['train'] of '@ALL': ['train'] overlap the filters for "
        "['train', 'validate']; use the same set of tasks or a disjoint one"
    )


def test_overlapping_executors_are_refused(job, flare):
    job.to_clients(flare.NPTrainer(), tasks=["train"])
    assert message(lambda: job.to_clients(flare.NPTrainer(), tasks=["validate", "train"]), JobError) == (
        "an executor for tasks ['train'] of '@ALL' already exists: NPTrainer; name other tasks with tasks=[...]"
    )
    job.to_clients(flare.NPTrainer())
    assert [entry.tasks for entry in client(job).executors] == [("train",), ("*",)]


def test_what_was_refused_leaves_no_trace(job, flare):
    before = job.freeze().digest
    job.to_server(Part(), id="x")
    with pytest.raises(JobError):
        job.to_server(flare.PercentilePrivacy(), filter_type="SIDEWAYS")
    with pytest.raises(ResourceError):
        job.to_server("nowhere.py")
    assert [c.id for c in server(job).components] == ["x"]
    assert job.freeze().digest != before


def test_a_script_that_is_not_there(job, repo):
    assert message(lambda: job.to_clients("nowhere.py"), ResourceError) == (
        f"could not locate external script: nowhere.py (looked in {repo}); give a path that exists"
    )
    assert message(lambda: job.to_clients(ScriptRunner("nowhere.py")), JobError) == (
        f"cannot add resource: nowhere.py is neither a file nor a directory (looked in {repo}); give a path that exists"
    )


def test_errors_are_flares_kinds_as_well(job):
    for call, kind in (
        (lambda: FedJob(""), ValueError),
        (lambda: FedJob(3), TypeError),
        (lambda: job.to_server("nowhere.py"), RuntimeError),
    ):
        with pytest.raises(kind):
            call()


def test_only_the_server_or_only_clients_may_be_missing(repo):
    job = FedJob("job")
    job.to_clients(Part())
    assert message(job.freeze, JobError) == (
        "job 'job' has no server components: use job.to_server(obj) or job.to(obj, 'server')"
    )
    assert FedJob("job").freeze().apps == ()
    assert (
        message(lambda: FedJob("job").freeze("2.8"), JobError)
        == "job 'job' is empty; FLARE 2.8 cannot export it"
    )


def test_a_context_without_an_app(job):
    assert message(lambda: job.add_component("x", Part(), JobCtx(None, "site-7", None)), JobError) == (
        "nothing was sent to 'site-7' yet; add objects with to()"
    )


def test_check_kwargs_names_what_is_wrong():
    assert (
        message(lambda: FedJob.check_kwargs({"a": 1}, {}), JobError)
        == "received args ['a'], but no args expected"
    )
    assert message(lambda: FedJob.check_kwargs({}, {"a": True}), JobError) == (
        "missing required arg 'a'; supported args: {'a': 'required'}"
    )
    assert message(lambda: FedJob.check_kwargs({"b": 1}, {"a": False}), JobError) == (
        "received unexpected arg 'b'; supported args: {'a': 'optional'}"
    )
    FedJob.check_kwargs({}, {})
    FedJob.check_kwargs({"a": 1}, {"a": True, "b": False})


def test_validate_object_for_job_takes_what_adds_itself(flare):
    validate_object_for_job("filter", flare.PercentilePrivacy(), int)
    validate_object_for_job("number", 3, int)
    assert message(lambda: validate_object_for_job("number", "3", int), JobTypeError) == (
        "number must be <class 'int'>, but got <class 'str'>"
    )


def test_set_up_client_runs_once_before_the_first_object(repo):
    seen = []

    class Mine(FedJob):
        def set_up_client(self, target):
            seen.append(target)
            self.to(Part(), target, id="first")

    job = Mine("mine")
    job.to(Part(), "server")
    job.to(Part(), "site-1", id="second")
    job.to(Part(), "site-1", id="third")
    assert seen == ["site-1"]
    assert [c.id for c in client(job).components] == ["first", "second", "third"]


def test_references_are_the_same_in_every_run(flare):
    ids = [FedJob("a").as_id(Part()) for _ in range(2)]
    assert ids[0] == ids[1] != FedJob("b").as_id(Part())
    assert len(ids[0]) == 36


def test_a_reference_brings_its_object_to_the_first_app_that_uses_it(repo, flare):
    job = FedJob("job")
    reference = job.as_id(Part(3))
    job.to(Part(other=reference), "server", id="a")
    job.to(Part(other=reference), "site-1", id="b")
    assert [(c.id, c.args) for c in server(job).components] == [
        ("a", {"other": reference}),
        (reference, {"value": 3}),
    ]
    assert [c.id for c in client(job).components] == ["b"]


NAMES = st.one_of(st.none(), st.sampled_from(["component", "x", "x1", "x9", "a1b1", "7", "a10b1"]))


@given(st.lists(NAMES, max_size=12))
def test_ids_are_never_taken_twice_and_count_up(wanted):
    plan, seen = Plan("server"), []
    for name in wanted:
        final = plan.add_component(Part(), name)
        assert final == _flares_id(name or "component", seen)
        seen.append(final)
    assert len(set(seen)) == len(seen)


def _flares_id(name, used):
    """The rule as FLARE.md states it: the first number, everywhere it stands, plus one; else a 1 at the end."""
    digits = "0123456789"
    while name in used:
        start = next((i for i, c in enumerate(name) if c in digits), None)
        if start is None:
            name += "1"
            continue
        end = start
        while end < len(name) and name[end] in digits:
            end += 1
        name = str(int(name[start:end]) + 1).join(name.split(name[start:end]))
    return name


def test_the_same_object_is_added_once(job):
    shared = Part()
    assert job.to_server(shared, id="one") == job.to_server(shared, id="two") == "one"
    assert [c.id for c in server(job).components] == ["one"]
