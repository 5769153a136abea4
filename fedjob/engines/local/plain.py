"""A shorter way through pickle for what mostly travels: dicts of numbers, strings and small numpy arrays.

Ten thousand sites send such a result in every round, and pickle calls Python several times for each array and object.
Here one walk turns them into tuples that pickle takes in one go. Whatever is none of the types below is left to pickle.

A value that is turned into something else becomes a tuple that begins with a mark; a tuple itself does as well. A dict
with such values inside says which, so that the others are not looked at again. (marshal would be as short, but it
interns every string, which in a large process costs more than all the rest.)
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

from fedjob.exchange.dxo import DataKind
from fedjob.exchange.fl_model import ParamsType
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable

#: Bytes; larger arrays are for pickle, which leaves their buffers where they are.
_LARGE = 1024

MARK = b"\0"

#: Types whose values cannot be changed and travel as they are.
ATOMS = frozenset({str, int, float, bool, bytes, type(None)})
_NAMES = frozenset({str})
_MEMBERS: tuple[Any, ...] = (*DataKind, *ParamsType)
_NUMBER_OF = {(type(member), member.value): number for number, member in enumerate(_MEMBERS)}


#: The marks.
_DICT, _SHAREABLE, _LIST, _TUPLE, _ARRAY, _SCALAR, _MEMBER, _REPLY = range(8)

#: Where a Shareable holds a DXO, and what that consists of.
_DXO = "DXO"
_PARTS = frozenset({"kind", "data", "meta"})


class NotPlain(Exception):
    """The object holds something that only pickle can encode."""


def dumps(obj: Any) -> bytes:
    """`obj` as bytes that begin with MARK, as no pickle does. Raises NotPlain."""
    _seen.clear()
    try:
        return MARK + pickle.dumps(_encoded(obj), 5)
    except RecursionError as e:
        raise NotPlain from e


def dumps_reply(reply: Shareable) -> bytes:
    """`dumps` of ``(reply, None)``, shorter still for a reply that holds a DXO of arrays. Raises NotPlain."""
    dxo = reply.get(_DXO)
    headers = reply.get(ReservedHeaderKey.HEADERS)
    if type(dxo) is not dict or dxo.keys() != _PARTS or type(headers) is not dict or len(reply) != 2:
        return dumps((reply, None))
    kind, data, meta = dxo["kind"], dxo["data"], dxo["meta"]
    if type(kind) is not DataKind or type(data) is not dict or type(reply) is not Shareable or reply.__dict__:
        return dumps((reply, None))
    _seen.clear()
    arrays = {}
    for name, value in data.items():
        if type(value) is not _ndarray or type(name) is not str:
            return dumps((reply, None))
        arrays[name] = _array(value)[1:]
    for name, value in headers.items():
        if type(name) is not str or (type(value) not in ATOMS and _encoded(value) is not value):
            return dumps((reply, None))
    return MARK + pickle.dumps((_REPLY, headers, _member(kind)[1], arrays, _encoded(meta)), 5)


def loads(data: bytes) -> Any:
    """A fresh object from the bytes of `dumps`; its arrays are writable."""
    obj = pickle.loads(memoryview(data)[1:])
    return obj if type(obj) is not tuple else _decoded(obj)


def _encoded(value: Any) -> Any:
    """The value itself if pickle takes it in one go with all that is in it, else a tuple that begins with a mark."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is dict:
        marked = _marked(value)
        return (_DICT, {**value, **marked}, tuple(marked)) if marked else value
    encode = _ENCODERS.get(kind)
    if encode is None:
        encode = _numpy_encoder(kind)
    return encode(value)


def _marked(items: dict[Any, Any]) -> dict[str, Any] | None:
    """The values, by key, that cannot stay as they are."""
    if not _NAMES.issuperset(map(type, items)):
        raise NotPlain
    if ATOMS.issuperset(map(type, items.values())):
        return None
    marked = {}
    for key, value in items.items():
        if type(value) not in ATOMS:
            encoded = _encoded(value)
            if encoded is not value:
                marked[key] = encoded
    return marked


def _shareable(value: Shareable) -> Any:
    if value.__dict__:
        raise NotPlain
    marked = _marked(value) or {}
    return _SHAREABLE, {**value, **marked}, tuple(marked)


def _list(value: list[Any]) -> Any:
    encoded = [item if type(item) in ATOMS else _encoded(item) for item in value]
    unchanged = all(new is old for new, old in zip(encoded, value, strict=True))
    return value if unchanged else (_LIST, encoded)


def _tuple(value: tuple[Any, ...]) -> Any:
    return _TUPLE, [_encoded(item) for item in value]


def _member(value: Any) -> Any:
    return _MEMBER, _NUMBER_OF[type(value), value._value_]


_ENCODERS: dict[type, Any] = {
    Shareable: _shareable,
    list: _list,
    tuple: _tuple,
    DataKind: _member,
    ParamsType: _member,
}


# numpy, once it has been imported.

_dtypes: list[Any] = []
_code_of: dict[Any, int] = {}
_ndarray: Any = None

#: The arrays that the object has shown so far.
_seen: set[int] = set()


def _numpy_encoder(kind: type) -> Any:
    """The encoder of a type of numpy's, or NotPlain; the types are added to the table when numpy is there."""
    if _ndarray is None:
        _learn_numpy()
    try:
        return _ENCODERS[kind]
    except KeyError:
        raise NotPlain from None


def _learn_numpy() -> None:
    global _ndarray  # noqa: PLW0603
    np = sys.modules.get("numpy")
    if not hasattr(np, "ndarray"):
        return
    assert np is not None
    _ndarray = np.ndarray
    for code in "?bhilqBHILQefdFD":
        dtype = np.dtype(code)
        if dtype not in _code_of:
            _code_of[dtype] = len(_dtypes)
            _dtypes.append(dtype)
            _ENCODERS[dtype.type] = _scalar
    _ENCODERS[np.ndarray] = _array


def _import_numpy() -> None:
    """What has come holds arrays, and nothing here has used any before."""
    import numpy  # noqa: F401, ICN001

    _learn_numpy()


def _array(value: Any) -> Any:
    code = _code_of.get(value.dtype)
    if id(value) in _seen:  # one object stays one object: pickle sees to that.
        raise NotPlain
    _seen.add(id(value))
    if code is None or value.nbytes >= _LARGE or not value.flags.c_contiguous:
        raise NotPlain
    return _ARRAY, code, value.shape, value.tobytes()


def _scalar(value: Any) -> Any:
    return _SCALAR, _code_of[value.dtype], value.tobytes()


def _decoded(value: Any) -> Any:
    """What a marked tuple stands for."""
    mark = value[0]
    if mark == _REPLY:
        return _reply(*value[1:])
    if mark == _ARRAY:
        if _ndarray is None:
            _import_numpy()
        return _ndarray(value[2], _dtypes[value[1]], bytearray(value[3]))
    if mark in (_DICT, _SHAREABLE):
        items = value[1]
        for key in value[2]:
            items[key] = _decoded(items[key])
        return items if mark == _DICT else _shareable_of(items)
    if mark == _MEMBER:
        return _MEMBERS[value[1]]
    if mark == _SCALAR:
        if _ndarray is None:
            _import_numpy()
        return _ndarray((), _dtypes[value[1]], value[2])[()]
    items = [_decoded(item) if type(item) is tuple else item for item in value[1]]
    return items if mark == _LIST else tuple(items)


def _reply(headers: dict[str, Any], kind: int, arrays: dict[str, Any], meta: Any) -> Any:
    if _ndarray is None:
        _import_numpy()
    data = {
        name: _ndarray(shape, _dtypes[code], bytearray(raw)) for name, (code, shape, raw) in arrays.items()
    }
    meta = meta if type(meta) is dict else _decoded(meta)
    dxo = {"kind": _MEMBERS[kind], "data": data, "meta": meta}
    return _shareable_of({ReservedHeaderKey.HEADERS: headers, _DXO: dxo}), None


def _shareable_of(items: dict[str, Any]) -> Shareable:
    shareable = Shareable.__new__(Shareable)
    shareable.update(items)
    return shareable
