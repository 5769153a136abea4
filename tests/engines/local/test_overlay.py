"""Blocks that a site has for itself without a copy: they must behave like copies."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from fedjob.components.persistors.np import NPModelPersistor
from fedjob.engines.local import overlay, slab
from fedjob.engines.local.slab import Lease, Pool, attach, use_overlays
from fedjob.engines.local.wire import Frozen, freeze, thaw
from jobs import ISOLATIONS, run, script_job

pytestmark = pytest.mark.skipif(not slab.AVAILABLE, reason="needs memfd")

SIZE = 1 << 21
PAGE = 4096


class Lent:
    """A sender's slab and what a receiver of it has."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.ours = self.pool.lease(SIZE)
        use_overlays(True)
        self.view = attach(os.dup(self.ours.slab.fd))
        use_overlays(False)
        self.ended = 0
        self.fill(1)

    def fill(self, value: int) -> None:
        self.ours.view[:] = bytes([value]) * SIZE

    def lease(self) -> Lease:
        return Lease(self.ours.number, self.view[:SIZE], self._end)

    def _end(self, _: Lease) -> None:
        self.ended += 1

    def own(self) -> np.ndarray | None:
        """An array of the receiver's own, which is all that keeps the lease."""
        view = self.lease().own()
        return None if view is None else np.frombuffer(view, np.uint8)


@pytest.fixture
def habits(monkeypatch):
    fresh = overlay._Habits()
    monkeypatch.setattr(overlay, "_habits", fresh)
    return fresh


@pytest.fixture
def lent(habits):
    if not habits.pay():
        pytest.skip("this kernel does not do what an overlay needs")
    return Lent()


def test_a_block_of_ones_own_is_writable_and_out_of_the_senders_sight(lent):
    array = lent.own()
    assert array.flags.writeable
    assert (array == 1).all()
    array[5] = 7
    assert lent.ours.view[5] == 1
    assert lent.view[5] == 1


def test_a_lease_lasts_as_long_as_a_part_of_its_block_is_referred_to(lent):
    array = lent.own()
    part = array[100:200].view(np.float32)
    del array
    assert lent.ended == 0
    del part
    assert lent.ended == 1


@pytest.mark.parametrize(
    "written", [(), (0,), (3 * PAGE, 9 * PAGE + 1, SIZE - 1)], ids=["none", "one", "some"]
)
def test_the_next_block_in_the_same_slab_is_seen_whole(lent, written):
    array = lent.own()
    assert array.sum() == SIZE  # every page has been looked at.
    for place in written:
        array[place] = 9
    del array
    for value in (2, 3):
        lent.fill(value)
        array = lent.own()
        assert (array == value).all()
        del array


def by_itself(array):
    array[9 * PAGE] = 9


def in_a_thread(array):
    thread = threading.Thread(target=by_itself, args=(array,))
    thread.start()
    thread.join()


def through_the_system(array):
    reading, writing = os.pipe()
    os.write(writing, b"\x09")
    os.close(writing)
    with open(reading, "rb", buffering=0) as pipe:
        assert pipe.readinto(memoryview(array)[9 * PAGE : 9 * PAGE + 1]) == 1


@pytest.mark.parametrize("write", [by_itself, in_a_thread, through_the_system])
def test_one_byte_that_is_written_among_pages_that_are_all_there_is_noticed(lent, write):
    assert (lent.own() == 1).all()
    array = lent.own()
    write(array)
    assert array[9 * PAGE] == 9
    del array
    lent.fill(2)
    assert (lent.own() == 2).all()


def test_a_block_that_was_only_read_is_not_looked_through(lent, monkeypatch):
    assert (lent.own() == 1).all()
    monkeypatch.setattr(overlay, "_faults", lambda: 5)
    monkeypatch.setattr(overlay, "_copied", None)
    array = lent.own()
    assert (array == 1).all()
    del array
    lent.fill(2)
    assert (lent.own() == 2).all()


def test_two_that_have_the_same_block_do_not_share_it(lent):
    frozen = Frozen(pickle=freeze_around(SIZE), sizes=(SIZE,), block=lent.lease())
    one, two = thaw(frozen), thaw(frozen)
    one[:] = 5
    assert (two == 1).all()
    assert (thaw(frozen) == 1).all()
    two[:] = 6
    assert (one == 5).all()


def freeze_around(size: int) -> bytes:
    """The pickle of an array of so many bytes that lie beside it."""
    return freeze(np.zeros(size, np.uint8)).pickle


@pytest.mark.torch
def test_a_tensor_keeps_its_lease_too(lent):
    torch = pytest.importorskip("torch")
    sent = freeze({"w": torch.zeros(SIZE, dtype=torch.uint8)})
    tensor = thaw(Frozen(pickle=sent.pickle, sizes=sent.sizes, block=lent.lease()))["w"]
    part = tensor[: SIZE // 2].reshape(-1, 2)
    del tensor
    assert lent.ended == 0
    part[0] = 7
    assert int(part.sum()) == SIZE // 2 + 12
    assert lent.view[0] == 1
    del part
    assert lent.ended == 1


def test_what_was_lent_stays_as_it_was_when_the_lease_has_to_end(lent, habits):
    lease = lent.lease()
    array = np.frombuffer(lease.own(), np.uint8)
    array[PAGE] = 8
    lease.detach()
    assert lent.ended == 1
    lent.fill(2)
    assert array[PAGE] == 8
    assert array.sum() == SIZE + 7
    assert bytes(lease.view[:3]) == b"\1\1\1"
    assert lent.own() is None  # still looked at
    del array
    assert habits.writes  # as much was copied as if it had been written to.
    habits.writes = False
    assert (lent.own() == 2).all()


def test_a_forked_child_goes_on_seeing_what_it_was_forked_with(lent):
    array = lent.own()
    array[PAGE] = 8
    go, told = os.pipe()
    answer, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(go, 1)
        os.write(said, bytes([array[0], array[PAGE], array[-1]]))
        os._exit(0)
    del array
    assert lent.ended == 1
    lent.fill(2)
    os.write(told, b".")
    os.waitpid(child, 0)
    assert os.read(answer, 3) == b"\1\x08\1"
    for fd in (go, told, answer, said):
        os.close(fd)


def test_who_writes_much_gets_copies_from_then_on(lent, habits):
    array = lent.own()
    array[0] = 2
    del array
    array = lent.own()
    array[:] = 2
    assert not habits.writes
    del array
    assert habits.writes
    assert lent.own() is None
    frozen = Frozen(pickle=freeze_around(SIZE), sizes=(SIZE,), block=lent.lease())
    copy = thaw(frozen)
    copy[0] = 3
    assert lent.view[0] == 1


def test_where_the_kernel_does_not_help_there_are_copies(habits, monkeypatch):
    monkeypatch.setattr(overlay, "_copied", lambda *_: None)
    lent = Lent()
    array = thaw(Frozen(pickle=freeze_around(SIZE), sizes=(SIZE,), block=lent.lease()))
    assert lent.ended == 1
    assert (array == 1).all()


def test_a_mapping_of_which_nothing_is_known_any_more_is_not_used_again(lent, monkeypatch):
    array = lent.own()
    array[0] = 9
    monkeypatch.setattr(overlay, "_copied", lambda *_: None)
    del array
    assert lent.ended == 1
    assert lent.own() is None


def test_small_blocks_and_ones_own_slabs_are_copied(lent):
    assert Lease(lent.ours.number, lent.view[:1000], lent._end).own() is None
    assert lent.ours.own() is None


#: Changes what it received, keeps parts of it over the rounds, and says in the end whether those are as they were.
HOLDING = """
import os
import numpy as np
import nvflare.client as flare

flare.init()
kept, sums = [], []
while flare.is_running():
    model = flare.receive()
    value = model.params["numpy_key"]
    if model.current_round % 2:
        value[: len(value) // 2] *= 3
    kept.append(value[-1000:])
    sums.append(float(value[-1000:].sum()))
    held = float(all(float(part.sum()) == total for part, total in zip(kept, sums)))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    new = {"numpy_key": value + len(flare.get_site_name()) + float(value[0]) / 7}
    value[:] = -1
    kept[-1] = kept[-1] + 0 if model.current_round > 2 else kept[-1]
    sums = [float(part.sum()) for part in kept]
    flare.send(flare.FLModel(params=new, metrics={"held": held}, meta={"NUM_STEPS_CURRENT_ROUND": 1}))
"""


@pytest.mark.parametrize("sites", [2, 7])
def test_scripts_that_change_and_keep_models_see_the_same_in_every_isolation(sites, tmp_path, monkeypatch):
    models = {}
    for isolation in ISOLATIONS:
        base = tmp_path / isolation
        base.mkdir()
        monkeypatch.chdir(base)
        np.save("start.npy", np.arange(SIZE // 4, dtype=np.float32) % 64)
        start = NPModelPersistor(source_ckpt_file_full_name=str(base / "start.npy"))
        job = script_job(base, HOLDING, sites=sites, rounds=5, persistor=start)
        result = run(job, base, isolation=isolation, n_clients=sites)
        assert result.ok, result.problems
        assert {c.metrics["held"] for r in result.rounds for c in r.contributions} == {1.0}
        models[isolation] = result.model()["numpy_key"].tobytes()
    assert len(set(models.values())) == 1
