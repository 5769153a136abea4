import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedjob.components.persistors import npy

LARGE = np.arange(400_000, dtype=np.float32).reshape(1000, 400)
ARRAYS = {
    "large": LARGE,
    "smaller": LARGE[:800] + 1,
    "columns": np.asfortranarray(LARGE),
    "a view": LARGE[::2, ::2].repeat(4, axis=0)[:, ::2],
    "swapped": LARGE.astype(">f8"),
    "small": np.arange(3.0),
    "flags": np.zeros(2_000_000, bool),
    "texts": np.array(["a", "bc"] * 200_000),
    "fields": np.zeros(200_000, [("a", "i4"), ("b", "f8")]),
    "a list": [[1, 2], [3, 4]],
    "a number": 3.5,
}


@settings(deadline=None, max_examples=30)
@given(names=st.lists(st.sampled_from(sorted(ARRAYS)), min_size=1, max_size=4))
def test_the_file_is_numpys_whatever_was_there(tmp_path_factory, names):
    base = tmp_path_factory.mktemp("npy")
    for name in names:
        npy.save(base / "ours.npy", ARRAYS[name])
        np.save(base / "numpys.npy", ARRAYS[name])
        assert (base / "ours.npy").read_bytes() == (base / "numpys.npy").read_bytes()


def test_another_suffix_gets_numpys_as_well(tmp_path):
    npy.save(tmp_path / "model", LARGE)
    np.testing.assert_array_equal(np.load(tmp_path / "model.npy"), LARGE)


def test_a_file_that_was_not_finished_cannot_be_loaded(tmp_path):
    resource = pytest.importorskip("resource")
    npy.save(tmp_path / "model.npy", LARGE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE.nbytes // 2, before[1]))
    try:
        with pytest.raises(OSError, match="written"):
            npy.save(tmp_path / "model.npy", LARGE + 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    with pytest.raises(ValueError, match=r"pickle|magic"):
        np.load(tmp_path / "model.npy", allow_pickle=False)


@pytest.mark.parametrize("name", ["large", "small"])
def test_a_file_is_written_over_where_it_lies(name, tmp_path):
    array = ARRAYS[name]
    npy.save(tmp_path / "model.npy", array)
    before = (tmp_path / "model.npy").stat().st_ino
    npy.save(tmp_path / "model.npy", array * 2)
    assert (tmp_path / "model.npy").stat().st_ino == before
    np.testing.assert_array_equal(np.load(tmp_path / "model.npy"), array * 2)
