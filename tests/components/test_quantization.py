import sys
from types import ModuleType

import numpy as np
import pytest

from tests.components.world import outcome

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
MODULE = "app_opt.pt.quantization"


@pytest.fixture(autouse=True)
def gpu_library(monkeypatch):
    """FLARE's module imports a library for types that no test here uses."""
    names = {
        "bitsandbytes": (),
        "bitsandbytes.functional": (
            "quantize_4bit",
            "quantize_blockwise",
            "dequantize_4bit",
            "dequantize_blockwise",
            "QuantState",
        ),
    }
    for name, members in names.items():
        module = ModuleType(name)
        vars(module).update(dict.fromkeys(members))
        monkeypatch.setitem(sys.modules, name, module)


def parameters(as_tensors):
    rng = np.random.default_rng(5)
    given = {
        "w": rng.normal(size=(30, 20)).astype(np.float32),
        "large": np.array([1e6, -1e6, 1.0], np.float32),
        "half": np.array([0.5, 0.25], np.float16),
        "zero": np.zeros((3, 2), np.float32),
        "same": np.full(4, 2.5, np.float32),
        "mask": np.array([True, False]),
    }
    return {k: torch.as_tensor(v) for k, v in given.items()} if as_tensors else given


def there_and_back(world, kind, as_tensors):
    from_shareable = world("apis.dxo.from_shareable")
    quantizer = world(f"{MODULE}.quantizer.ModelQuantizer")(kind)
    dequantizer = world(f"{MODULE}.dequantizer.ModelDequantizer")()
    data = {k: v for k, v in parameters(as_tensors).items() if kind != "adaquant" or k != "large"}
    shareable = quantizer.process(world.dxo("WEIGHTS", data).to_shareable(), world.context())
    sent = from_shareable(shareable)
    told = {"data": dict(sent.data), "meta": dict(sent.meta)}
    back = from_shareable(dequantizer.process(shareable, world.context()))
    return told, back.data, back.meta


@pytest.mark.parametrize("as_tensors", [False, True])
@pytest.mark.parametrize("kind", ["float16", "adaquant", "FLOAT16"])
def test_quantizes_as_flare_does(same_as_flare, kind, as_tensors):
    _, _, meta = same_as_flare(there_and_back, kind, as_tensors)
    assert "quant_state" not in meta


@pytest.mark.parametrize("data", [{"i": np.arange(3)}, {"x": [1.0]}, {"d": np.zeros(2)}], ids=str)
def test_refuses_what_is_no_float(same_as_flare, data):
    def scenario(world):
        quantizer = world(f"{MODULE}.quantizer.ModelQuantizer")()
        return outcome(lambda: quantizer.process(world.dxo("WEIGHTS", data).to_shareable(), world.context()))

    same_as_flare(scenario)


def test_an_unknown_type_is_refused(world):
    with pytest.raises(ValueError, match=r"quantization type must be one of .*'int3'"):
        world(f"{MODULE}.quantizer.ModelQuantizer")("int3")


def test_types_that_need_a_gpu_say_where_they_run(world):
    quantizer = world(f"{MODULE}.quantizer.ModelQuantizer")("blockwise8")
    with pytest.raises(ValueError, match=r'needs a GPU and bitsandbytes; run it with engine="simulator"'):
        quantizer.process(world.dxo("WEIGHTS", parameters(False)).to_shareable(), world.context())


def test_what_is_quantized_is_not_quantized_again(world):
    quantizer = world(f"{MODULE}.quantizer.ModelQuantizer")()
    shareable = quantizer.process(world.dxo("WEIGHTS", parameters(False)).to_shareable(), world.context())
    once = world("apis.dxo.from_shareable")(shareable).data
    twice = world("apis.dxo.from_shareable")(quantizer.process(shareable, world.context())).data
    assert twice["w"] is once["w"]
