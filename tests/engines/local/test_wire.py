from __future__ import annotations

import pickle

import numpy as np
import pytest

from fedjob.engines.local.wire import ALIGN, freeze, thaw

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
