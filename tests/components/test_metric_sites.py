import json

from hypothesis import given
from hypothesis import strategies as st

from fedjob.components.widgets.metric_records import Limits
from fedjob.components.widgets.metric_sites import Contributions, texts

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
    weights=st.dictionaries(NAMES, st.fixed_dictionaries({}, optional={"weight": st.just(2.5)}), max_size=3),
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
        assert json.loads(text)["name"] == record.name
        assert json.loads(text).get("weight") == (record.weight | weights.get(record.name, {})).get("weight")
