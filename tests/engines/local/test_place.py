from __future__ import annotations

import os
from pathlib import Path

import pytest

from fedjob.engines.local.place import Place
from fedjob.engines.local.record import Recorder


def test_a_place_outlives_the_process_that_set_it():
    place = Place()
    assert place.get() == (None, None, None)
    pid = os.fork()
    if pid == 0:
        Recorder(Path("unused"), place=place).at("site-1", 2, "train")
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert place.get() == ("site-1", 2, "train")
    assert not place.left
    place.set("site-1", None, "long" * 5000)
    assert place.get()[:2] == ("site-1", None)
    place.set("s", 3, None)
    assert place.get() == ("s", 3, None)
    place.leave(70, alone=False)
    assert place.left
    assert place.alone is None
    place.close()


def test_a_place_tells_when_nothing_but_the_memory_of_its_worker_is_left():
    heard, bell = os.pipe()
    os.set_blocking(heard, False)
    place = Place(bell)
    place.set("site-1", None, "long" * 5000)
    assert place.alone is None
    place.leave(1, alone=False)
    assert place.left
    assert place.alone is None
    with pytest.raises(BlockingIOError):
        os.read(heard, 1)
    place.leave(70, alone=True)
    assert place.alone == 70
    assert os.read(heard, 9) == b"\0"
    assert place.get()[0] == "site-1"
    place.close()
    for descriptor in (heard, bell):
        os.close(descriptor)


def test_a_place_writes_to_nothing_that_user_code_has_opened_in_place_of_its_bell(tmp_path):
    heard, bell = os.pipe()
    place = Place(bell)
    other = os.open(tmp_path / "mine", os.O_WRONLY | os.O_CREAT)
    os.dup2(other, bell)
    place.leave(0, alone=True)
    assert (tmp_path / "mine").read_bytes() == b""
    os.close(bell)
    place.leave(0, alone=True)
    place.close()
    for descriptor in (heard, other):
        os.close(descriptor)
