"""Arguments read back from objects, by FLARE's rule, and what cannot be read."""

import math
import pathlib
import re

import numpy as np
import pytest

from fedjob.errors import ArgumentNotSerializable, FedJobError, NameUnknown, ReleaseError
from fedjob.flare.releases import Release
from fedjob.job import FedJob
from fedjob.job.capture import Capture
from fedjob.job.findings import Finding
from tests.job import parts


def captured(obj, release=None):
    capture = Capture(Release.of(release), lambda cls: "mod")
    return capture.component(obj, "app: component 'c'"), capture.findings


def arguments(obj, release=None):
    return captured(obj, release)[0].args


def lost(obj):
    return [str(f) for f in captured(obj)[1]]


def test_only_what_differs_from_the_default_is_written():
    assert arguments(parts.Part()) == {}
    assert arguments(parts.Part(0.0)) == {}
    assert arguments(parts.Part(False, other=1)) == {"other": 1}
    assert arguments(parts.Part(None)) == {"value": None}


def test_a_required_argument_is_always_written():
    assert arguments(parts.Required(None)) == {"value": None}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ((1, 2), [1, 2]),
        ({1: {"a": (2,)}}, {"1": {"a": [2]}}),
        (parts.Colour.RED, "red"),
        ("x" * 3, "xxx"),
        (math.inf, math.inf),
    ],
)
def test_values_are_written_as_json(value, written):
    assert arguments(parts.Part(value)) == {"value": written}


def test_objects_nest():
    assert arguments(parts.Part(parts.Part(2, other=parts.Part()))) == {
        "value": {"path": "mod.Part", "args": {"value": 2, "other": {"path": "mod.Part", "args": {}}}}
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({1}, "{1} (a set), which cannot be written as JSON: Object of type set is not JSON serializable"),
        (
            b"x",
            "b'x' (a bytes), which cannot be written as JSON: Object of type bytes is not JSON serializable",
        ),
        (len, "<built-in function len> (a builtin_function_or_method), which cannot be written as JSON"),
        (
            math,
            f"{repr(math)[:60]}{'...' * (len(repr(math)) > 60)} (a module), which cannot be written as JSON",
        ),
        (np.float64(2.5), "np.float64(2.5) (a float64), which cannot be written as JSON"),
        (np.ones(1), "array([1.]) (a ndarray), which cannot be written as JSON"),
        ([parts.Part()], None),
    ],
)
def test_what_is_not_json_is_named(value, why):
    with pytest.raises(ArgumentNotSerializable) as caught:
        arguments(parts.Part(value))
    text = str(caught.value)
    assert text.startswith("app: component 'c', argument 'value' is ")
    if why:
        assert text == f"app: component 'c', argument 'value' is {why}"


def test_a_function_is_not_json():
    def chosen(): ...

    with pytest.raises(
        TypeError,
        match=r"^app: component 'c', argument 'value' is <function .* which cannot be written as JSON$",
    ):
        arguments(parts.Part(chosen))


def test_a_parameter_without_an_attribute_is_reported():
    assert captured(parts.Lossy(5)) == (
        captured(parts.Lossy())[0],
        [
            Finding(
                code="ArgumentLost",
                place="app: component 'c'",
                message="'renamed' is not exported: the object has no attribute of that name",
            )
        ],
    )


def test_slots_are_lost_as_in_flare():
    component, _ = captured(parts.Slotted(5))
    assert component.args == {}


def test_a_base_out_of_reach_is_reported_where_it_matters():
    assert lost(parts.OnlyKwargs()) == []
    assert lost(parts.OnlyKwargs(inherited=7)) == [
        "ArgumentLost in app: component 'c': 'inherited' is not exported: a base class has it, but the constructor "
        "takes only **kwargs"
    ]


def test_the_default_of_the_base_holds_where_both_have_one():
    # Merged's own default is 5, Base's is 1: FLARE compares with the base's.
    assert arguments(parts.Merged()) == {"inherited": 5}
    assert arguments(parts.Merged(inherited=1)) == {}


def test_always_serialized_arguments_since_2_8():
    assert arguments(parts.Always()) == {"value": 1}
    assert arguments(parts.Always(), "2.7") == {}


@pytest.mark.parametrize("value", [pathlib.Path("x"), re.compile("x")])
def test_an_object_that_is_not_rebuilt_is_reported(value):
    component, findings = captured(parts.Part(value))
    assert component.args["value"]["args"] == {}
    assert [f.code for f in findings] == ["ArgumentOpaque"]


def test_our_own_objects_that_are_no_component_are_refused():
    with pytest.raises(
        NameUnknown, match="component 'c': Finding is not a component of FLARE and cannot be exported"
    ):
        captured(Finding(code="ArgumentLost", place="", message=""))


def test_none_is_not_for_every_release():
    assert arguments(parts.Part(None), "2.7") == {"value": None}
    with pytest.raises(ReleaseError) as caught:
        arguments(parts.Part(None), "2.6")
    assert str(caught.value) == (
        "app: component 'c', argument 'value' is None, which FLARE 2.6 cannot export where the default is 0; it can "
        "since 2.7"
    )


def test_an_argument_of_a_later_release(job, flare):
    job.to_server(flare.FedAvg(stop_cond="accuracy >= 1"))
    assert job.freeze("2.7").digest
    with pytest.raises(ReleaseError) as caught:
        job.freeze("2.6")
    assert str(caught.value) == (
        "app_server: workflow 'controller1': FLARE 2.6 has no argument 'stop_cond' (here 'accuracy >= 1'); it came with 2.7"
    )


def test_a_class_of_a_later_release(job, flare):
    job.to_server(flare.MetricsArtifactWriter())
    path = flare.PATHS["MetricsArtifactWriter"]
    with pytest.raises(ReleaseError, match=f"FLARE 2.8 has no {re.escape(path)}"):
        job.freeze("2.8")


def test_the_same_object_is_right_for_every_release(job):
    assert [w.args for r in ("2.5", "2.6") for w in server_of(job, r).workflows] == [{"num_clients": 2}] * 2
    for release in ("2.7", "2.8", "2.9"):
        assert server_of(job, release).workflows[0].args == {"aggregation_weights": {}, "num_clients": 2}


def server_of(job, release):
    return job.freeze(release).app("app_server").server


def test_later_changes_do_not_reach_a_frozen_model(repo):
    job, table = FedJob("job"), {"a": [1]}
    job.to_server(parts.Part(table))
    frozen = job.freeze()
    table["a"].append(2)
    assert frozen.app("app_server").server.components[0].args == {"value": {"a": [1]}}
    assert job.freeze() != frozen


def test_parameters_of_the_app_must_be_json(job):
    job.to_server({"a": {1, 2}})
    with pytest.raises(
        FedJobError, match=r"^app_server: parameters is \{'a': \{1, 2\}\} \(a dict\), which cannot be written"
    ):
        job.freeze()
