"""What is put into a Shareable, DXO, FLModel or context comes out again."""

import copy
import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedjob.exchange.dxo import DXO, DataKind, from_bytes, from_shareable
from fedjob.exchange.fl_context import FLContextManager
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable, make_copy

#: Users' keys; those with underscores in front are FLARE's.
keys = st.text("abcxyz_.0", min_size=1, max_size=6).filter(lambda k: not k.startswith("_"))
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
contents = st.dictionaries(
    keys, st.recursive(plain, lambda v: st.lists(v, max_size=3), max_leaves=4), max_size=4
)
rounds = st.none() | st.integers(0, 1000)
metas = st.dictionaries(
    keys.filter(lambda k: k not in {"initial_metrics", "validate_type"}), plain, max_size=3
)
metrics = st.dictionaries(keys, st.floats(allow_nan=False), max_size=3)


@st.composite
def models(draw):
    params = draw(
        st.none() | st.dictionaries(keys, st.lists(st.floats(allow_nan=False), max_size=3), max_size=3)
    )
    return FLModel(
        params_type=None if params is None else draw(st.sampled_from(ParamsType)),
        params=params,
        metrics=draw(metrics if params is None else st.none() | metrics),
        start_round=draw(rounds),
        current_round=draw(rounds),
        total_rounds=draw(rounds),
        meta=draw(metas),
    )


def fields(model):
    return {name: value for name, value in vars(model).items() if name != "_summary"}


@given(models())
def test_model_survives_the_way_through_a_shareable(model):
    expected = fields(copy.deepcopy(model))
    obtained = FLModelUtils.from_shareable(FLModelUtils.to_shareable(model))
    if model.params is not None and model.metrics is not None:
        assert obtained.meta.pop("initial_metrics") == model.metrics
    assert fields(obtained) == expected


@given(models())
def test_sending_leaves_the_model_as_it_was(model):
    before = fields(copy.deepcopy(model))
    FLModelUtils.from_shareable(FLModelUtils.to_shareable(model)).meta["added"] = 1
    assert fields(model) == before


@given(models())
def test_model_survives_the_way_through_a_dxo_but_for_its_start_round(model):
    obtained = FLModelUtils.from_dxo(FLModelUtils.to_dxo(model))
    assert obtained.start_round is None
    assert fields(obtained) | {"start_round": model.start_round} == fields(model)


@given(st.sampled_from(DataKind), contents, metas)
def test_dxo_survives_shareable_bytes_and_pickle(kind, data, meta):
    dxo = DXO(kind, data, meta)
    for obtained in (
        from_shareable(dxo.to_shareable()),
        from_bytes(dxo.to_bytes()),
        pickle.loads(pickle.dumps(dxo)),
    ):
        assert obtained.to_dict() == {"kind": kind, "data": data, "meta": meta}


@given(contents, metas, metas)
def test_shareable_keeps_content_headers_and_cookies_apart(content, headers, cookies):
    shareable = Shareable(content)
    for key, value in headers.items():
        shareable.set_header(key, value)
    for key, value in cookies.items():
        shareable.add_cookie(key, value)
    for obtained in (
        shareable,
        pickle.loads(pickle.dumps(shareable)),
        Shareable.from_bytes(shareable.to_bytes()),
    ):
        assert type(obtained) is Shareable
        assert {k: v for k, v in obtained.items() if k != ReservedHeaderKey.HEADERS} == content
        assert all(obtained.get_header(k) == v for k, v in headers.items())
        assert all(obtained.get_cookie(k) == v for k, v in cookies.items())


@given(contents, metas, st.sets(keys, max_size=3))
def test_copy_shares_content_and_owns_headers(content, headers, excluded):
    source = Shareable(content)
    for key, value in headers.items():
        source.set_header(key, value)
    copied = make_copy(source, exclude_headers=sorted(excluded))
    copied.set_header("added", 1)
    copied["added"] = 1
    assert source == Shareable(content) | {ReservedHeaderKey.HEADERS: headers}
    expected = {k: v for k, v in headers.items() if k not in excluded} | {"added": 1}
    assert copied[ReservedHeaderKey.HEADERS] == expected
    assert all(copied[k] is content[k] for k in content)


@given(st.dictionaries(keys, st.tuples(plain, st.booleans(), st.booleans()), max_size=5))
def test_context_shares_sticky_props_and_shows_public_ones(props):
    manager = FLContextManager(identity_name="site-1", job_id="job")
    first, second = manager.new_context(), manager.new_context()
    for key, (value, private, sticky) in props.items():
        assert first.set_prop(key, value, private=private, sticky=sticky)
    public = first.get_all_public_props()
    for key, (value, private, sticky) in props.items():
        assert first.get_prop_detail(key) == {"value": value, "private": private, "sticky": sticky}
        assert first.get_prop(key) == value
        assert second.get_prop(key, "absent") == (value if sticky else "absent")
        assert (key in public) is (not private)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers()), max_size=6))
def test_last_setting_of_a_sticky_prop_counts_in_every_context(steps):
    manager = FLContextManager()
    contexts = [manager.new_context() for _ in range(3)]
    for i, value in steps:
        assert contexts[i].set_prop("k", value)
    expected = steps[-1][1] if steps else None
    assert [c.get_prop("k") for c in (*contexts, manager.new_context())] == [expected] * 4


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4),
    st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
)
def test_difference_added_to_a_model_is_the_sum(base, change):
    base, change = np.array(base), np.array(change[: len(base)])
    model = FLModelUtils.update_model(FLModel(params={"w": base}), FLModel("DIFF", {"w": change}))
    np.testing.assert_array_equal(model.params["w"], base + change)
