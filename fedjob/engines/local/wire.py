"""Objects as bytes between strands and processes: encoded once, decoded into private copies.

Small plain objects go the short way of `plain`, others are pickled. Pickle protocol 5 keeps arrays out of the pickle;
they are gathered into one block beside it, which is copied once when it is frozen (into shared memory, where it will
leave the process) and once more for each receiver.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any

from fedjob.engines.local import plain
from fedjob.engines.local.hub import Hub
from fedjob.engines.local.slab import AVAILABLE, LARGE, Lease, Pool, use_overlays

#: Arrays begin at multiples of this, as numpy and torch like them.
ALIGN = 64

#: Buffers smaller than this stay inside the pickle: a memory copy is cheaper than an entry.
_SMALL = 1024


class Frozen:
    """An object that has been encoded: nothing done to the original reaches it any more. Not to be changed."""

    __slots__ = ("block", "later", "memo", "nbytes", "pickle", "sizes")

    def __init__(
        self, *, pickle: bytes, sizes: tuple[int, ...] = (), block: bytes | Lease = b"", later: bytes = b""
    ) -> None:
        #: The pickle without its large buffers, or what `plain` made of the object.
        self.pickle = pickle
        #: Bytes of each large buffer, in order.
        self.sizes = sizes
        #: The large buffers, each at a multiple of ALIGN.
        self.block = block
        #: What comes with the object and may never be looked at, see `postponed`.
        self.later = later
        #: What a receiver keeps with the object for its next look.
        self.memo: Any = None
        #: Bytes of the object as it travels.
        self.nbytes = len(pickle) + (block.size if isinstance(block, Lease) else len(block)) + len(later)


def freeze(obj: Any, later: bytes = b"") -> Frozen:
    """Encode `obj`; `later` is what comes with it, `encoded` by itself. Pickle's errors are raised as they are."""
    try:
        return Frozen(pickle=plain.dumps(obj), later=later)
    except plain.NotPlain:
        return _pickled(obj, later=later)


def encoded(obj: Any) -> bytes:
    """A pickle of `obj` with all that is in it."""
    return _pickled(obj, in_band=True).pickle


def _pickled(obj: Any, *, later: bytes = b"", in_band: bool = False) -> Frozen:
    buffers: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if in_band or raw.nbytes < _SMALL:
            return True
        buffers.append(raw)
        return False

    out = io.BytesIO()
    pickler = pickle.Pickler(out, 5, buffer_callback=keep)
    pickler.dispatch_table = _table()
    pickler.dump(obj)
    if not buffers:
        return Frozen(pickle=out.getvalue(), later=later)
    sizes = tuple(buffer.nbytes for buffer in buffers)
    return Frozen(pickle=out.getvalue(), sizes=sizes, block=gather(buffers), later=later)


def thaw(frozen: Frozen) -> Any:
    """Decode into a fresh object that shares nothing with any other; its arrays are writable."""
    if not frozen.sizes:
        data = frozen.pickle
        return plain.loads(data) if data[:1] == plain.MARK else pickle.loads(data)
    block = frozen.block
    view = block.own() if isinstance(block, Lease) else None
    if view is None:
        view = memoryview(bytearray(view_of(block)))
    return pickle.loads(frozen.pickle, buffers=_slices(view, frozen.sizes))


def thaw_in_place(frozen: Frozen) -> Any:
    """Decode into an object whose large arrays lie in the block, for as long as that does; they must not be changed."""
    view = memoryview(view_of(frozen.block)).toreadonly()
    return pickle.loads(frozen.pickle, buffers=_slices(view, frozen.sizes)) if frozen.sizes else thaw(frozen)


def view_of(block: bytes | Lease) -> bytes | memoryview:
    """The bytes of a block, wherever they lie."""
    return block.view if isinstance(block, Lease) else block


#: Where large blocks are put, in a process that sends to others; set by `share_blocks`.
_pool: Pool | None = None


def share_blocks(hub: Hub | None) -> None:
    """From now on put large blocks into shared memory: this is a worker that sends to others.

    With a `hub`, `freeze` may wait for memory that the receiver still uses (see `Pool`), and what is received may lie in
    memory of the sender, who then does not wait for it.
    """
    global _pool  # noqa: PLW0603
    _pool = Pool(hub) if AVAILABLE else None
    use_overlays(hub is not None)


def is_waiting() -> bool:
    """Whether `freeze` waits, right now, for shared memory to come back."""
    return _pool is not None and _pool.is_full


def gather(buffers: Sequence[memoryview]) -> bytes | Lease:
    """A block of these buffers, each at a multiple of ALIGN."""
    size = sum(buffer.nbytes + -buffer.nbytes % ALIGN for buffer in buffers)
    if _pool is not None and size >= LARGE:
        lease = _pool.lease(size)
        assert lease.slab is not None
        lease.slab.fill(buffers, ALIGN)
        return lease
    pieces: list[Any] = []
    for buffer in buffers:
        pieces.append(buffer)
        if buffer.nbytes % ALIGN:
            pieces.append(bytes(-buffer.nbytes % ALIGN))
    return b"".join(pieces)


def _slices(view: memoryview, sizes: Sequence[int]) -> list[memoryview]:
    slices, at = [], 0
    for size in sizes:
        slices.append(view[at : at + size])
        at += size + -size % ALIGN
    return slices


# How single types travel.

_reducers: dict[type, Callable[[Any], Any]] = {}
_built_from: tuple[int, bool] = (-1, False)


def _table() -> dict[type, Callable[[Any], Any]]:
    """The table of copyreg with our own reducers, rebuilt when it grew or torch was imported."""
    global _reducers, _built_from  # noqa: PLW0603
    state = (len(copyreg.dispatch_table), "torch" in sys.modules)
    if state != _built_from:
        _reducers = dict(copyreg.dispatch_table)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            _reducers[numpy.ndarray] = _reduce_array
        if state[1]:
            _add_torch(_reducers)
        _built_from = state
    return _reducers


def _reduce_array(array: Any) -> Any:
    # A read-only array would arrive read-only; on FLARE's road every array arrives writable.
    return (array if array.flags.writeable else array.copy()).__reduce_ex__(5)


def _add_torch(table: dict[type, Callable[[Any], Any]]) -> None:
    torch = sys.modules["torch"]
    # A module that is still being imported has no Tensor yet.
    if hasattr(torch, "Tensor") and hasattr(torch, "frombuffer"):
        table[torch.Tensor] = _reduce_tensor


def _reduce_tensor(tensor: Any) -> Any:
    """A plain tensor in memory as a buffer; others (sparse, quantized, on a device) torch's own way."""
    torch = sys.modules["torch"]
    if (
        tensor.device.type != "cpu"
        or tensor.layout is not torch.strided
        or tensor.is_quantized
        or tensor.is_conj()
        or tensor.is_neg()
        or tensor.__dict__
        or (tensor.requires_grad and not tensor.is_leaf)
    ):
        return tensor.__reduce_ex__(5)
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return _tensor, (
        pickle.PickleBuffer(flat.numpy()),
        str(tensor.dtype).removeprefix("torch."),
        tuple(tensor.shape),
        tensor.requires_grad,
    )


def _tensor(buffer: Any, dtype: str, shape: tuple[int, ...], requires_grad: bool) -> Any:
    import torch

    kind = getattr(torch, dtype)
    if memoryview(buffer).nbytes == 0:
        return torch.empty(shape, dtype=kind, requires_grad=requires_grad)
    tensor = torch.frombuffer(buffer, dtype=kind).reshape(shape)
    return tensor.requires_grad_() if requires_grad else tensor
