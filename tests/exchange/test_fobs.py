import pytest

from fedjob.exchange import fobs
from fedjob.exchange.shareable import Shareable


class Opaque:
    """Refuses to be pickled, so only a decomposer gets it through."""

    def __init__(self, value):
        self.value = value

    def __reduce_ex__(self, protocol):
        raise TypeError("no pickle")


class OpaqueDecomposer(fobs.Decomposer):
    def supported_type(self):
        return Opaque

    def decompose(self, target, manager=None):
        return {"value": target.value}

    def recompose(self, data, manager=None):
        return Opaque(data["value"])


@pytest.fixture(autouse=True)
def forget():
    yield
    fobs.reset()


@pytest.mark.parametrize("decomposer", [OpaqueDecomposer, OpaqueDecomposer()], ids=["class", "instance"])
def test_decomposer_takes_its_type_through_bytes_and_files(decomposer, tmp_path):
    fobs.register(decomposer)
    fobs.dumpf(Shareable({"x": [Opaque(3)]}), tmp_path / "file")
    assert fobs.loadf(tmp_path / "file")["x"][0].value == 3
    assert fobs.loads(fobs.dumps(Opaque([1]))).value == [1]


def test_without_its_decomposer_the_type_does_not_travel():
    with pytest.raises(TypeError, match="no pickle"):
        fobs.dumps(Opaque(3))


def test_first_decomposer_of_a_type_stays():
    fobs.register(OpaqueDecomposer)

    class Other(OpaqueDecomposer):
        def decompose(self, target, manager=None):
            return {"value": "other"}

    fobs.register(Other)
    assert fobs.num_decomposers() == 1
    assert fobs.loads(fobs.dumps(Opaque(3))).value == 3


def test_refuses_what_is_no_decomposer():
    with pytest.raises(TypeError, match="int is no Decomposer"):
        fobs.register(3)
