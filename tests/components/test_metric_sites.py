import json

from hypothesis import example, given
from hypothesis import strategies as st

from fedjob.components.widgets.metric_records import Limits, Skipped, clean_name, weight_fields
from fedjob.components.widgets.metric_sites import Contributions, given_weights, texts

NAMES = st.one_of(
    st.sampled_from(["loss", "a%s", 'q"uote', "\u00e9\U0001f600", "x\ny", ""]), st.text(max_size=8)
)
NUMBERS = st.one_of(
    st.floats(), st.floats(-10, 10), st.integers(-3, 2**60), st.booleans(), st.just("text"), st.none()
)


@st.composite
def stacks(draw):
    """Sites, metrics as values by name, weights."""
    sites = draw(st.lists(NAMES, min_size=1, max_size=5))
    kind = draw(st.sampled_from([NUMBERS, st.floats(-1, 1)]))
    column = st.lists(kind, min_size=len(sites), max_size=len(sites))
    metrics = draw(st.dictionaries(NAMES, column, max_size=3))
    return sites, metrics, draw(column)


@given(
    reports=st.lists(stacks(), min_size=1, max_size=3),
    limits=st.builds(
        Limits,
        max_sites_per_round=st.integers(1, 12),
        max_site_metric_records_per_round=st.integers(1, 30),
        max_metric_name_length=st.sampled_from([2, 256]),
    ),
    weights=st.dictionaries(
        NAMES,
        st.fixed_dictionaries(
            {}, optional={"weight": st.sampled_from([2.5, 3]), "weight_key": st.sampled_from(['a"', "b"])}
        ),
        max_size=5,
    ),
)
@example(
    reports=[(["a", "b"], {"loss": [1.0, 2.0]}, [1.0, 1.0])],
    limits=Limits(),
    weights={"a": {"weight": 2.5, "weight_key": "b"}},
)
def test_many_sites_at_once_are_written_as_each_of_them_is(reports, limits, weights):
    at_once, each = Contributions(limits), Contributions(limits)
    for sites, metrics, steps in reports:
        at_once.add_stack(3, sites, metrics, steps, "NUM_STEPS_CURRENT_ROUND")
        for at, site in enumerate(sites):
            own = {name: values[at] for name, values in metrics.items()}
            each.add(3, site, own, steps[at], "NUM_STEPS_CURRENT_ROUND")
    (told, left_out), (expected, expected_left_out) = at_once.pop(3), each.pop(3)
    assert texts(told, weights) == texts(expected, weights)
    assert left_out == expected_left_out
    for text, record in zip(texts(told, weights), told, strict=True):
        name, _, own = record
        shown = json.loads(text)
        assert shown["name"] == name
        assert {k: shown[k] for k in ("weight", "weight_key") if k in shown} == own | weights.get(name, {})


SITES = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={"weight": NUMBERS, "weight_key": st.sampled_from(["steps", "st\neps", "", None, 3])},
    ),
    max_size=6,
)


#: As FedAvg has them, or nearly.
ALIKE = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["site-1", "site-2", "site-3", "site-4"]),
            "weight": st.one_of(st.floats(0.5, 9), st.sampled_from([0.0, -1.0, float("inf"), float("nan")])),
            "weight_key": st.sampled_from(["steps", "steps", "n"]),
        }
    ),
    max_size=4,
)


@given(sites=SITES | ALIKE, most=st.integers(1, 12))
@example(sites=[{"name": name, "weight": 1.5, "weight_key": name} for name in "ab"], most=3)
@example(sites=[{"name": name, "weight": 1.5, "weight_key": "steps"} for name in "ab"], most=1)
def test_weights_of_many_sites_are_those_of_each(sites, most):
    limits = Limits(max_sites_per_round=most)
    skipped = Skipped(limits)
    expected = {}
    for site in sites:
        if len(expected) >= most:
            break
        name, fields = clean_name(site["name"], limits), weight_fields(site, limits)
        if name and fields:
            expected[name] = fields
    assert given_weights(sites, limits, skipped) == expected
