from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fedjob.engines.local.wire import ALIGN, freeze, thaw
from fedjob.exchange.dxo import DXO, DataKind
from fedjob.exchange.fl_model import ParamsType
from fedjob.exchange.shareable import Shareable

ARRAYS = [
    np.arange(9.0),
    np.arange(10_000, dtype=np.float32).reshape(100, 100),
    np.asfortranarray(np.arange(4096.0).reshape(64, 64)),
    np.arange(8192)[::2],
    np.array(3.5),
    np.zeros((0, 4)),
    np.array(["a", "bc"]),
    np.array([{"x": 1}, None], dtype=object),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}-{array.shape}")
def test_arrays_arrive_equal_and_writable(array):
    obtained = thaw(freeze({"w": array}))["w"]
    np.testing.assert_array_equal(obtained, array)
    assert obtained.dtype == array.dtype
    assert obtained.flags.writeable


def test_a_read_only_array_arrives_writable():
    for size in (4, 4096):
        array = np.arange(float(size))
        array.flags.writeable = False
        assert thaw(freeze(array)).flags.writeable


def test_every_thaw_is_a_private_copy_and_the_original_is_out_of_reach():
    array = np.zeros(10_000)
    frozen = freeze([array, array])
    array += 1
    one, two = thaw(frozen), thaw(frozen)
    one[0] += 5
    assert one[1][0] == 5  # one object stays one object
    assert two[0][0] == 0
    assert thaw(frozen)[0].sum() == 0


def test_large_buffers_lie_beside_the_pickle_aligned():
    frozen = freeze([np.ones(1001, dtype=np.uint8), np.ones(5000), np.ones(3)])
    assert len(frozen.sizes) == 1
    frozen = freeze([np.ones(2001, dtype=np.uint8), np.ones(5000)])
    assert frozen.sizes == (2001, 40000)
    assert len(frozen.block) % ALIGN == 0
    assert frozen.nbytes == len(frozen.pickle) + len(frozen.block)
    assert all(array.ctypes.data % 8 == 0 for array in thaw(frozen))


@pytest.mark.torch
def test_tensors_arrive_equal_and_private():
    torch = pytest.importorskip("torch")
    tensors = {
        "plain": torch.arange(5000.0).reshape(50, 100),
        "strided": torch.arange(5000.0).reshape(50, 100).t(),
        "half": torch.ones(2000, dtype=torch.bfloat16),
        "scalar": torch.tensor(3),
        "empty": torch.zeros(0, 3),
        "grad": torch.ones(3000, requires_grad=True),
        "sparse": torch.eye(3).to_sparse(),
        "bool": torch.ones(3, dtype=torch.bool),
        "parameter": torch.nn.Parameter(torch.ones(4)),
    }
    frozen = freeze(tensors)
    obtained = thaw(frozen)
    for name, tensor in tensors.items():
        assert torch.equal(obtained[name].to_dense(), tensor.to_dense()), name
        assert obtained[name].dtype == tensor.dtype
        assert obtained[name].requires_grad == tensor.requires_grad
    obtained["plain"] += 1
    assert torch.equal(thaw(frozen)["plain"], tensors["plain"])


def test_what_cannot_travel_is_said_by_pickle():
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError), match=r"pickle|local"):
        freeze(lambda: None)


PLAIN = [
    {"a": 1, "b": [1.5, None, "x", b"y", True], "c": {"d": {}}, "e": []},
    [{"w": np.arange(3, dtype=np.int16)}, (1, (2, np.float32(0.1)))],
    {
        "scalar": np.float64(0.1),
        "flag": np.bool_(True),
        "half": np.float16(2),
        "empty": np.zeros((0, 3)),
        "one": np.array(7),
    },
    {"big": 2**100, "minus": -1, "nan": float("inf"), "text": "\ud800\N{SNOWMAN}"},
    (),
    {"kind": DataKind.WEIGHTS, "type": ParamsType.DIFF},
]


@pytest.mark.parametrize("obj", PLAIN, ids=range(len(PLAIN)))
def test_plain_objects_take_the_short_way_and_arrive_as_they_were(obj):
    frozen = freeze(obj)
    assert not frozen.pickle.startswith(pickle.PROTO)
    obtained = thaw(frozen)
    assert repr(obtained) == repr(obj)
    assert _types(obtained) == _types(obj)


def _types(obj):
    if isinstance(obj, dict):
        return type(obj), {key: _types(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return type(obj), [_types(value) for value in obj]
    return type(obj), getattr(obj, "dtype", None), getattr(obj, "shape", None)


class Named(dict):
    pass


SHARED = np.arange(3.0)


@pytest.mark.parametrize(
    "obj",
    [
        {1: "a key that is no string"},
        {"set": {1, 2}},
        Named(a=1),
        {"bytearray": bytearray(b"x")},
        {"view": np.arange(8)[::2]},
        {"columns": np.asfortranarray(np.eye(3))},
        {"swapped": np.arange(3).astype(">i4")},
        [SHARED, SHARED],
        {"complex": 1j},
        Path("a"),
    ],
    ids=lambda obj: str(obj)[:20],
)
def test_what_is_not_plain_is_pickled(obj):
    frozen = freeze(obj)
    assert frozen.pickle.startswith(pickle.PROTO)
    obtained = thaw(frozen)
    assert repr(obtained) == repr(obj)
    assert type(obtained) is type(obj)


def test_a_shareable_arrives_as_one_with_all_that_is_in_it():
    shareable = DXO(DataKind.WEIGHTS, {"w": np.ones((2, 2))}, {"n": np.int64(3)}).to_shareable()
    shareable.set_header("round", 4)
    frozen = freeze((shareable, {"site": "site-1"}))
    assert not frozen.pickle.startswith(pickle.PROTO)
    obtained, public = thaw(frozen)
    assert type(obtained) is Shareable
    assert (repr(obtained), public) == (repr(shareable), {"site": "site-1"})
    obtained["DXO"]["data"]["w"] += 1
    assert thaw(frozen)[0]["DXO"]["data"]["w"].sum() == 4
    shareable.note = "an attribute of its own"
    assert thaw(freeze(shareable)).note == "an attribute of its own"


def test_an_object_inside_of_itself_is_for_pickle():
    items: list = []
    items.append(items)
    obtained = thaw(freeze(items))
    assert obtained[0] is obtained


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | arrays(st.sampled_from([np.float32, np.int64, np.bool_]), array_shapes(max_side=3)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(values)
def test_everything_arrives_as_it_was(obj):
    obtained = thaw(freeze(obj))
    assert _types(obtained) == _types(obj)
    assert repr(obtained) == repr(obj)
