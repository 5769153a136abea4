"""What of a task is decoded when somebody looks at it, because it grows with the number of sites.

FLARE's FedAvg sends every site, in the model's meta, how all the sites were weighted: sites x sites in all. Hardly any
site looks at that, so it travels beside the task, encoded by itself and once for all of them.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

from fedjob.engines.local.slab import Lease
from fedjob.engines.local.wire import Frozen, encoded
from fedjob.exchange.app_constants import AppConstants
from fedjob.exchange.shareable import Shareable

#: The entries of a model's meta that are decoded so, where they are dicts.
_LATE = frozenset({AppConstants.METRICS_AGGREGATION_INFO})


def take_out(data: Shareable) -> bytes:
    """Take these entries out of a task of our own, where None keeps their places; nothing if there are none.

    What they are in is copied, `data` itself excepted.
    """
    dxo = data.get("DXO")
    meta = dxo.get("meta") if type(dxo) is dict else None
    if type(dxo) is not dict or type(meta) is not dict:
        return b""
    late = {key: value for key, value in meta.items() if type(value) is dict and key in _LATE}
    if not late:
        return b""
    data["DXO"] = {**dxo, "meta": {**meta, **dict.fromkeys(late)}}
    return encoded(late)


def put_back(data: Shareable, late: bytes) -> None:
    """Put what was taken out, if anything was, into a task that has come: each entry is decoded when it is looked at."""
    if not late:
        return
    meta = data["DXO"]["meta"]
    for key in _LATE:
        if key in meta and meta[key] is None:
            meta[key] = Postponed(partial(_entry, late, key))


def take_back(data: Shareable, late: bytes) -> bytes:
    """Before a task goes on: `late` again, taken out as `take_out` does it, if nobody has looked at it; else nothing."""
    dxo = data.get("DXO")
    meta = dxo.get("meta") if type(dxo) is dict else None
    if type(dxo) is not dict or type(meta) is not dict:
        return b""
    entries = {key: meta[key] for key in _LATE if key in meta}
    unseen = [key for key, entry in entries.items() if type(entry) is Postponed and entry.is_unseen()]
    if not unseen or len(unseen) < len(entries):
        return b""
    data["DXO"] = {**dxo, "meta": {**meta, **dict.fromkeys(unseen)}}
    return late


def _entry(late: bytes, key: str) -> dict[Any, Any]:
    entry: dict[Any, Any] = pickle.loads(late)[key]
    return entry


class Late:
    """Has what comes with many bodies travel over a cable once: with the first of them."""

    def __init__(self) -> None:
        self._sent = self._received = b""

    def parts_of(self, body: Frozen) -> tuple[Any, ...]:
        """What makes up a body but for its block; True stands for what came with the last that had something."""
        late: bytes | bool = body.later
        if late is self._sent and late:
            late = True
        elif late:
            self._sent = body.later
        return body.pickle, body.sizes, late

    def body_of(self, parts: tuple[Any, ...], block: bytes | Lease) -> Frozen:
        """The body that was sent so."""
        encoded_body, sizes, late = parts
        if late is True:
            late = self._received
        elif late:
            self._received = late
        return Frozen(pickle=encoded_body, sizes=sizes, block=block, later=late)


class Postponed(dict[Any, Any]):
    """A dict that `load` gives when it is looked at for the first time; what is copied or encoded from it is a plain one."""

    __slots__ = ("_load",)

    def __init__(self, load: Callable[[], dict[Any, Any]]) -> None:
        # Not empty: the encoder in C of json asks for no more than that.
        super().__init__({None: None})
        self._load: Callable[[], dict[Any, Any]] | None = load

    def is_unseen(self) -> bool:
        """Whether nobody has looked at it."""
        return self._load is not None

    def _looked_at(self) -> None:
        if self._load is not None:
            load, self._load = self._load, None
            dict.clear(self)
            dict.update(self, load())

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return dict, (dict(self.items()),)


def _looking(name: str) -> Callable[..., Any]:
    """The method of a dict, of one that was looked at."""
    method = getattr(dict, name)

    def look(self: Postponed, *args: Any, **kwargs: Any) -> Any:
        self._looked_at()
        return method(self, *args, **kwargs)

    look.__name__ = name
    look.__doc__ = method.__doc__
    return look


for _name in (
    *("__contains__", "__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__len__", "__ne__"),
    *("__or__", "__repr__", "__reversed__", "__ror__", "__setitem__", "__sizeof__"),
    *("clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"),
):
    setattr(Postponed, _name, _looking(_name))
