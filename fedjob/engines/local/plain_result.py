"""A script's result, taken apart: what the task does not say already, in types that pickle encodes in one go.

Most results are a dict of numpy arrays, some numbers, and nothing else. Thousands of sites send one in every round, and
what they are on FLARE's road, an FLModel, a DXO and a Shareable with headers, all of that is only made where somebody
looks at it. Large arrays lie in a block of their own, where a sum may read them without another copy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import accumulate
from math import prod
from typing import Any, ClassVar, final

from fedjob.engines.local.plain import ATOMS, CODES, NotPlain, array_of, code_of, dtype_of
from fedjob.engines.local.slab import LARGE, Lease
from fedjob.engines.local.wire import ALIGN, Frozen, gather, view_of
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.dxo import CONTENT_TYPE, DXO, DataKind
from fedjob.exchange.fl_model import FLModel, ParamsType
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable

#: How a value of the meta stands among the numbers of a result: as it is (None), by the code of its dtype and its bytes,
#: or, for a dict, one by one.
_Kind = Any

#: The headers that a result may have of its own, and the parts of its DXO.
_ROUND_HEADERS = AppConstants.START_ROUND, AppConstants.CURRENT_ROUND, AppConstants.NUM_ROUNDS
_HEADERS = frozenset({ReservedHeaderKey.CONTENT_TYPE, *_ROUND_HEADERS})
_PARTS = frozenset({"kind", "data", "meta"})

# Names of this module: every result of every site is looked at.
_FULL, _DIFF = ParamsType.FULL, ParamsType.DIFF
_METRICS, _VALIDATE = FLMetaKey.INITIAL_METRICS, FLMetaKey.VALIDATE_TYPE

#: Bytes that a result takes besides its arrays, about.
_REST = 128

#: The kind of a dict that travels as it is, because not all of its keys are names, and of a list.
_WHOLE, _LIST = -1, -2


class Form:
    """What many results have in common: all but their numbers. There is one object for each form.

    `arrays` are the names, codes of the dtypes and shapes, `meta` the names and kinds of the DXO's meta, metrics included.
    `difference` tells whether the params are what is to be added to the task's.
    """

    __slots__ = (
        "arrays",
        "difference",
        "is_large",
        "is_simple",
        "key",
        "meta",
        "places",
        "size",
        "start_round",
        "total_rounds",
    )

    #: By key.
    known: ClassVar[dict[tuple[Any, ...], Form]] = {}

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key = key
        self.arrays: tuple[tuple[str, int, tuple[int, ...]], ...]
        self.meta: tuple[tuple[str, _Kind], ...]
        self.arrays, self.meta, self.difference, self.start_round, self.total_rounds = key
        sizes = [dtype_of(code).itemsize * prod(shape) for _, code, shape in self.arrays]
        #: Bytes of the arrays.
        self.size = sum(sizes)
        #: Whether they lie in a block, each at a multiple of ALIGN, or else one right after another.
        self.is_large = self.size >= LARGE
        rooms = [size + -size % ALIGN for size in sizes] if self.is_large else sizes
        #: Where each array begins and ends.
        self.places = tuple(
            (end - room, end - room + size)
            for size, room, end in zip(sizes, rooms, accumulate(rooms), strict=True)
        )
        #: Whether it holds nothing but arrays of floats, Python's own values, and the names of filters.
        self.is_simple = all(dtype_of(code).kind == "f" and shape for _, code, shape in self.arrays) and all(
            kind is None
            or (type(kind) is tuple and all(inner is None for _, inner in kind))
            or (kind == _LIST and name == FLMetaKey.FILTER_HISTORY)
            for name, kind in self.meta
        )

    @classmethod
    def of(cls, key: tuple[Any, ...]) -> Form:
        form = cls.known.get(key)
        if form is None:
            if len(cls.known) >= _MANY:
                cls.known.clear()
            form = cls.known[key] = cls(key)
        return form

    @staticmethod
    def dtype(code: int) -> Any:
        """The dtype of that code."""
        return dtype_of(code)

    def read(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """A fresh meta of these values."""
        left = iter(values)
        return {name: next(left) if kind is None else _read(kind, left) for name, kind in self.meta}


#: Forms that are remembered at most.
_MANY = 1000


@final
class PlainResult:
    """The body of a reply, beside `Frozen`: its form, the bytes of its arrays, its numbers. Not to be changed."""

    __slots__ = ("form", "nbytes", "raw", "values")

    def __init__(self, form: Form, raw: bytes | Lease, values: tuple[Any, ...]) -> None:
        self.form = form
        #: A Lease only if the form is large.
        self.raw: Any = raw
        self.values = values
        #: Bytes of the result as it travels, about.
        self.nbytes = form.size + _REST

    @staticmethod
    def of(model: FLModel) -> PlainResult:
        """What a script has sent; nothing that it does to its model reaches it any more. Raises NotPlain."""
        if type(model) is not FLModel:
            raise NotPlain
        kind = model.params_type
        if not (kind is _FULL or kind is _DIFF or kind is None):
            raise NotPlain
        meta, metrics = model.meta or {}, model.metrics
        if metrics is not None:
            meta = {_METRICS: metrics, **meta}
        return PlainResult._of(model.params, meta, kind is _DIFF, model.start_round, model.total_rounds)

    @staticmethod
    def of_reply(reply: Shareable, number: Any) -> PlainResult:
        """The reply to a task of round `number` that `shareable` would give; raises NotPlain for all others.

        Of the headers that a site adds to its replies there must be none yet.
        """
        headers, dxo = reply.get(ReservedHeaderKey.HEADERS), reply.get(CONTENT_TYPE)
        if type(reply) is not Shareable or reply.__dict__ or len(reply) != 2:
            raise NotPlain
        if type(headers) is not dict or not headers.keys() <= _HEADERS:
            raise NotPlain
        if headers.get(ReservedHeaderKey.CONTENT_TYPE) != CONTENT_TYPE or type(number) is not int:
            raise NotPlain
        current = headers.get(AppConstants.CURRENT_ROUND)
        if current is not None and (type(current) is not int or current != number):
            raise NotPlain
        if type(dxo) is not dict or dxo.keys() != _PARTS or type(dxo["meta"]) is not dict:
            raise NotPlain
        difference = dxo["kind"] is DataKind.WEIGHT_DIFF
        if not difference and dxo["kind"] is not DataKind.WEIGHTS:
            raise NotPlain
        first, total = headers.get(AppConstants.START_ROUND), headers.get(AppConstants.NUM_ROUNDS)
        return PlainResult._of(dxo["data"], dxo["meta"], difference, first, total)

    @staticmethod
    def _of(params: Any, meta: dict[Any, Any], difference: bool, first: Any, total: Any) -> PlainResult:
        if type(params) is not dict or not params:
            raise NotPlain
        if not (first is None or type(first) is int) or not (total is None or type(total) is int):
            raise NotPlain
        if _VALIDATE in meta:  # which becomes a header.
            raise NotPlain
        values: list[Any] = []
        kinds: list[tuple[str, _Kind]] = []
        for name, value in meta.items():
            if type(name) is not str:
                raise NotPlain
            if type(value) in ATOMS:
                values.append(value)
                kinds.append((name, None))
            elif type(value) is dict:
                kinds.append((name, _written_dict(value, values)))
            else:
                kinds.append((name, _written(value, values)))
        # Nothing that a script sends is an array before numpy is there.
        ndarray = getattr(sys.modules.get("numpy"), "ndarray", None)
        arrays = []
        for name, value in params.items():
            if type(value) is not ndarray or type(name) is not str or not value.flags.c_contiguous:
                raise NotPlain
            dtype = value.dtype
            code = CODES.get(dtype)
            arrays.append((name, code_of(dtype) if code is None else code, value.shape))
        key = tuple(arrays), tuple(kinds), difference, first, total
        form = Form.known.get(key) or Form.of(key)
        if len(params) == 1 and not form.is_large:
            return PlainResult(form, value.tobytes(), tuple(values))
        given = params.values()
        if len(set(map(id, given))) < len(params):
            raise NotPlain  # one object stays one object: pickle sees to that.
        if form.is_large:
            block = gather([v.reshape(-1).view("u1").data for v in given])
            return PlainResult(form, block, tuple(values))
        return PlainResult(form, b"".join([v.tobytes() for v in given]), tuple(values))

    def model(self, number: int | None, *, own: bool) -> FLModel:
        """The result of round `number` as an FLModel; with `own` its arrays are writable and no one else's."""
        form, model = self.form, FLModel.__new__(FLModel)
        meta = form.read(self.values)
        model.__dict__ = {
            "params_type": ParamsType.DIFF if form.difference else ParamsType.FULL,
            "params": self.params(own=own),
            "optimizer_params": None,
            "metrics": meta.get(FLMetaKey.INITIAL_METRICS),
            "start_round": form.start_round,
            "current_round": number,
            "total_rounds": form.total_rounds,
            "meta": meta,
            "_summary": {},
        }
        return model

    def shareable(self, number: int | None) -> Shareable:
        """The result as it travels on FLARE."""
        form = self.form
        kind = DataKind.WEIGHT_DIFF if form.difference else DataKind.WEIGHTS
        shareable = DXO(kind, self.params(own=True), form.read(self.values)).to_shareable()
        for header, value in zip(_ROUND_HEADERS, (form.start_round, number, form.total_rounds), strict=True):
            if value is not None:
                shareable[ReservedHeaderKey.HEADERS][header] = value
        return shareable

    def params(self, *, own: bool) -> dict[str, Any]:
        """The parameters: numpy arrays by name."""
        form, view = self.form, memoryview(view_of(self.raw)).toreadonly()
        arrays = {
            name: array_of(code, shape, view, begin)
            for (name, code, shape), (begin, _) in zip(form.arrays, form.places, strict=True)
        }
        return {name: array.copy() for name, array in arrays.items()} if own else arrays


#: What a message carries besides its headers.
Body = Frozen | PlainResult


def _written(value: Any, values: list[Any]) -> _Kind:
    """Add a value of the meta that is neither an atom nor a dict to the values; its kind. Raises NotPlain."""
    if type(value) is list and ATOMS.issuperset(map(type, value)):
        values.append(tuple(value))
        return _LIST
    code, raw = _scalar(value)
    values.append(raw)
    return code


def _written_dict(value: dict[Any, Any], values: list[Any]) -> _Kind:
    """The same for a dict."""
    kinds: list[tuple[str, int | None]] = []
    own: list[Any] = []
    for name, v in value.items():
        if type(name) is not str:
            break
        if type(v) in ATOMS:
            own.append(v)
            kinds.append((name, None))
        else:
            code, raw = _scalar(v)
            own.append(raw)
            kinds.append((name, code))
    else:
        values += own
        return tuple(kinds)
    if not ATOMS.issuperset(map(type, value)):
        raise NotPlain
    values.append({name: v if type(v) in ATOMS else _scalar(v) for name, v in value.items()})
    return _WHOLE


def _scalar(value: Any) -> tuple[int, bytes]:
    """What stands for a number of numpy's: the code of its dtype, and its bytes. Raises NotPlain."""
    generic = getattr(sys.modules.get("numpy"), "generic", None)
    if generic is None or not isinstance(value, generic):
        raise NotPlain
    return code_of(value.dtype), value.tobytes()


def _read(kind: _Kind, values: Iterator[Any]) -> Any:
    """The inverse of `_written`, a fresh copy."""
    if kind is None:
        return next(values)
    if type(kind) is tuple:
        return {name: next(values) if inner is None else _number(inner, next(values)) for name, inner in kind}
    if kind == _LIST:
        return list(next(values))
    if kind == _WHOLE:
        return {name: _number(*v) if type(v) is tuple else v for name, v in next(values).items()}
    return _number(kind, next(values))


def _number(code: int, raw: bytes) -> Any:
    return array_of(code, (), raw)[()]
