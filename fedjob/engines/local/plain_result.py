"""A script's result, taken apart: what the task does not say already, in types that pickle encodes in one go.

Most results are a dict of numpy arrays, some numbers, and nothing else. Thousands of sites send one in every round, and
what they are on FLARE's road, an FLModel, a DXO and a Shareable with headers, all of that is only made where somebody
looks at it. Large arrays lie in a block of their own, where a sum may read them without another copy.
"""

from __future__ import annotations

import sys
from typing import Any

from fedjob.engines.local.plain import ATOMS, NotPlain, array_of, code_of
from fedjob.engines.local.slab import LARGE, Lease
from fedjob.engines.local.wire import ALIGN, Frozen, gather, view_of
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.fl_model_utils import FLModelUtils
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import Shareable

#: By name: the code of the dtype, the shape, and the bytes, none where they lie in the block.
_Arrays = dict[str, tuple[int, tuple[int, ...], bytes]]

#: What stands for a number of numpy's: the code of its dtype, and its bytes.
_Scalar = tuple[int, bytes]

_NAMES, _ROUNDS = frozenset({str}), frozenset({int, type(None)})

_TYPES = (ParamsType.FULL, ParamsType.DIFF, None)

#: Bytes that a result takes besides its arrays, about.
_REST = 128


class PlainResult:
    """The body of a reply, beside `Frozen`. Not to be changed.

    `difference` tells whether the params are what is to be added to the task's. `meta` is the DXO's, metrics included.
    """

    __slots__ = ("arrays", "block", "difference", "meta", "nbytes", "start_round", "total_rounds")

    def __init__(
        self,
        arrays: _Arrays,
        meta: dict[str, Any],
        difference: bool,
        start_round: int | None,
        total_rounds: int | None,
        nbytes: int,
        *,
        block: bytes | Lease,
    ) -> None:
        self.arrays = arrays
        self.meta = meta
        self.difference = difference
        self.start_round = start_round
        self.total_rounds = total_rounds
        self.block = block
        #: Bytes of the result as it travels, about.
        self.nbytes = nbytes

    @staticmethod
    def of(model: FLModel) -> PlainResult:
        """What a script has sent; nothing that it does to its model reaches it any more. Raises NotPlain."""
        if type(model) is not FLModel or type(model.params) is not dict or not model.params:
            raise NotPlain
        if model.params_type not in _TYPES:
            raise NotPlain
        meta: dict[str, Any] = {} if model.metrics is None else {FLMetaKey.INITIAL_METRICS: model.metrics}
        meta.update(model.meta or {})
        rounds = model.start_round, model.total_rounds
        # The type of a validation becomes a header.
        if FLMetaKey.VALIDATE_TYPE in meta or not (
            _NAMES.issuperset(map(type, meta)) and _ROUNDS.issuperset(map(type, rounds))
        ):
            raise NotPlain
        for name, value in meta.items():
            if type(value) not in ATOMS:
                meta[name] = _flat(value)
        arrays, size, block = _packed(model.params)
        return PlainResult(
            arrays, meta, model.params_type == ParamsType.DIFF, *rounds, size + _REST, block=block
        )

    def parts(self) -> tuple[Any, ...]:
        """What makes it up but for the block."""
        return self.arrays, self.meta, self.difference, self.start_round, self.total_rounds, self.nbytes

    def model(self, number: int | None, *, own: bool) -> FLModel:
        """The result of round `number` as an FLModel; with `own` its arrays are writable and no one else's."""
        model = FLModel.__new__(FLModel)
        meta = {name: _read(v) if type(v) not in ATOMS else v for name, v in self.meta.items()}
        model.__dict__ = {
            "params_type": ParamsType.DIFF if self.difference else ParamsType.FULL,
            "params": self.params(own=own),
            "optimizer_params": None,
            "metrics": meta.get(FLMetaKey.INITIAL_METRICS),
            "start_round": self.start_round,
            "current_round": number,
            "total_rounds": self.total_rounds,
            "meta": meta,
            "_summary": {},
        }
        return model

    def shareable(self, number: int | None) -> Shareable:
        """The result as it travels on FLARE."""
        model = self.model(number, own=True)
        model.metrics = None  # they are in the meta, where FLARE has them, too.
        return FLModelUtils.to_shareable(model)

    def params(self, *, own: bool) -> dict[str, Any]:
        """The parameters: numpy arrays by name."""
        arrays = self.arrays
        if not self.block:
            copied = bytearray if own else bytes
            return {name: array_of(c, shape, copied(raw)) for name, (c, shape, raw) in arrays.items()}
        view = memoryview(view_of(self.block)).toreadonly()
        params, at = {}, 0
        for name, (code, shape, _) in arrays.items():
            array = array_of(code, shape, view, at)
            at += array.nbytes + -array.nbytes % ALIGN
            params[name] = array.copy() if own else array
        return params


#: What a message carries besides its headers.
Body = Frozen | PlainResult


def body_of(parts: tuple[Any, ...], block: bytes | Lease) -> Body:
    """The body that is made up of these parts and this block."""
    if type(parts[0]) is dict:
        return PlainResult(*parts, block=block)
    frozen, sizes, later = parts
    return Frozen(pickle=frozen, sizes=sizes, block=block, later=later)


def _packed(params: dict[Any, Any]) -> tuple[_Arrays, int, bytes | Lease]:
    """Arrays, their size in bytes, and the block that they lie in if they are large."""
    ndarray = getattr(sys.modules.get("numpy"), "ndarray", None)
    size = 0
    for name, value in params.items():
        if type(value) is not ndarray or type(name) is not str or not value.flags.c_contiguous:
            raise NotPlain
        size += value.nbytes
    if len(params) > 1 and len(set(map(id, params.values()))) < len(params):
        raise NotPlain  # one object stays one object: pickle sees to that.
    if size < LARGE:
        return {k: (code_of(v.dtype), v.shape, v.tobytes()) for k, v in params.items()}, size, b""
    arrays: _Arrays = {k: (code_of(v.dtype), v.shape, b"") for k, v in params.items()}
    return arrays, size, gather([v.reshape(-1).view("u1").data for v in params.values()])


def _flat(value: Any) -> Any:
    """A copy of a dict of plain values, or what stands for a number of numpy's. Raises NotPlain."""
    if type(value) is not dict:
        return _scalar(value)
    if not ATOMS.issuperset(map(type, value)):
        raise NotPlain
    if ATOMS.issuperset(map(type, value.values())):
        return value.copy()
    return {name: v if type(v) in ATOMS else _scalar(v) for name, v in value.items()}


def _scalar(value: Any) -> _Scalar:
    generic = getattr(sys.modules.get("numpy"), "generic", None)
    if generic is None or not isinstance(value, generic):
        raise NotPlain
    return code_of(value.dtype), value.tobytes()


def _read(value: Any) -> Any:
    """The inverse of `_flat`, a fresh copy."""
    if type(value) is tuple:
        return array_of(value[0], (), value[1])[()]
    if ATOMS.issuperset(map(type, value.values())):
        return value.copy()
    return {name: _read(v) if type(v) is tuple else v for name, v in value.items()}
