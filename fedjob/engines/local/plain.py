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
from fedjob.exchange.shareable import Shareable

#: Bytes; larger arrays are for pickle, which leaves their buffers where they are.
_LARGE = 1024

MARK = b"\0"

#: Types whose values cannot be changed and travel as they are.
ATOMS = frozenset({str, int, float, bool, bytes, type(None)})
_NAMES = frozenset({str})
_MEMBERS: tuple[Any, ...] = (*DataKind, *ParamsType)
_NUMBER_OF = {(type(member), member.value): number for number, member in enumerate(_MEMBERS)}


#: The marks.
_DICT, _SHAREABLE, _LIST, _TUPLE, _ARRAY, _SCALAR, _MEMBER = range(7)


class NotPlain(Exception):
    """The object holds something that only pickle can encode."""


def dumps(obj: Any) -> bytes:
    """`obj` as bytes that begin with MARK, as no pickle does. Raises NotPlain."""
    _seen.clear()
    try:
        return MARK + pickle.dumps(_encoded(obj), 5)
    except RecursionError as e:
        raise NotPlain from e


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
#: The number of each dtype that can be sent.
CODES: dict[Any, int] = {}
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
        if dtype not in CODES:
            CODES[dtype] = len(_dtypes)
            _dtypes.append(dtype)
            _ENCODERS[dtype.type] = _scalar
    _ENCODERS[np.ndarray] = _array


def code_of(dtype: Any) -> int:
    """The number of a dtype. Raises NotPlain for one that is not known."""
    if _ndarray is None:
        _learn_numpy()
    code = CODES.get(dtype)
    if code is None:
        raise NotPlain
    return code


def array_of(code: int, shape: tuple[int, ...], buffer: Any, offset: int = 0) -> Any:
    """An array over a buffer, by its dtype's number; it can be written to if the buffer can."""
    dtype = dtype_of(code)  # which also makes numpy known.
    return _ndarray(shape, dtype, buffer, offset)


def dtype_of(code: int) -> Any:
    """The dtype of that number."""
    if _ndarray is None:
        # What has come holds arrays, and nothing here has used any before.
        import numpy  # noqa: F401, ICN001

        _learn_numpy()
    return _dtypes[code]


def _array(value: Any) -> Any:
    code = CODES.get(value.dtype)
    if id(value) in _seen:  # one object stays one object: pickle sees to that.
        raise NotPlain
    _seen.add(id(value))
    if code is None or value.nbytes >= _LARGE or not value.flags.c_contiguous:
        raise NotPlain
    return _ARRAY, code, value.shape, value.tobytes()


def _scalar(value: Any) -> Any:
    return _SCALAR, CODES[value.dtype], value.tobytes()


def _decoded(value: Any) -> Any:
    """What a marked tuple stands for."""
    mark = value[0]
    if mark == _ARRAY:
        return array_of(value[1], value[2], bytearray(value[3]))
    if mark in (_DICT, _SHAREABLE):
        items = value[1]
        for key in value[2]:
            items[key] = _decoded(items[key])
        return items if mark == _DICT else _shareable_of(items)
    if mark == _MEMBER:
        return _MEMBERS[value[1]]
    if mark == _SCALAR:
        return array_of(value[1], (), value[2])[()]
    items = [_decoded(item) if type(item) is tuple else item for item in value[1]]
    return items if mark == _LIST else tuple(items)


def _shareable_of(items: dict[str, Any]) -> Shareable:
    shareable = Shareable.__new__(Shareable)
    shareable.update(items)
    return shareable
