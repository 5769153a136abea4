"""Data with its kind and meta, as components exchange it: ``nvflare.apis.dxo``."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, cast

from fedjob.exchange import fobs
from fedjob.exchange.keys import FLMetaKey
from fedjob.exchange.shareable import ReservedHeaderKey, Shareable

#: The key under which a Shareable holds a DXO, and the content type that says so.
CONTENT_TYPE = "DXO"
_KIND, _DATA, _META = "kind", "data", "meta"


class DataKind(str, Enum):
    """What the data of a DXO is."""

    FL_MODEL = "FL_MODEL"
    WEIGHTS = "WEIGHTS"
    WEIGHT_DIFF = "WEIGHT_DIFF"
    METRICS = "METRICS"
    ANALYTIC = "ANALYTIC"
    COLLECTION = "COLLECTION"  #: a dict of DXOs
    STATISTICS = "STATISTICS"
    PSI = "PSI"
    APP_DEFINED = "APP_DEFINED"  #: anything, not only a dict


class MetaKey(FLMetaKey):
    """Keys of a DXO's meta."""


class DXO:
    """A data exchange object. Raises ValueError when data or meta is no dict (data of APP_DEFINED may be)."""

    def __init__(self, data_kind: str, data: Any, meta: dict[str, Any] | None = None) -> None:
        self.data_kind = data_kind
        self.data: Any = {} if data is None else data
        self.meta: dict[str, Any] = {} if meta is None else meta
        if error := self.validate():
            raise ValueError(f"invalid DXO: {error}")

    def get_meta_prop(self, key: str, default: Any = None) -> Any:
        return (self.meta or {}).get(key, default)

    def set_meta_prop(self, key: str, value: Any) -> None:
        self.meta[key] = value

    def remove_meta_props(self, keys: Iterable[str] | None) -> None:
        for key in keys or ():
            self.meta.pop(key, None)

    def get_meta_props(self) -> dict[str, Any]:
        return self.meta

    def update_meta_props(self, meta: dict[str, Any]) -> None:
        """Add a copy of `meta`."""
        self.meta.update(copy.deepcopy(meta))

    def to_dict(self) -> dict[str, Any]:
        return {_KIND: self.data_kind, _DATA: self.data, _META: self.meta}

    def update_shareable(self, s: Shareable) -> Shareable:
        """Put the DXO into `s`, whose other content stays; returns `s`."""
        s.set_header(ReservedHeaderKey.CONTENT_TYPE, CONTENT_TYPE)
        s[CONTENT_TYPE] = self.to_dict()
        return s

    def to_shareable(self) -> Shareable:
        return self.update_shareable(Shareable())

    def to_bytes(self) -> bytes:
        return fobs.dumps(self)

    def to_file(self, file_path: str | Path) -> None:
        fobs.dumpf(self, file_path)

    def validate(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if type(self.data) is dict and type(self.meta) is dict:
            return ""
        if self.data is None:
            return "data is missing"
        if self.data_kind != DataKind.APP_DEFINED and not isinstance(self.data, dict):
            return f"data of kind {_name(self.data_kind)} must be a dict, but is {type(self.data).__name__}"
        if not isinstance(self.meta, dict):
            return f"meta must be a dict, but is {type(self.meta).__name__}"
        return ""

    def add_filter_history(self, filter_name: str | list[str] | None) -> None:
        """Note the filter, or filters, that the DXO has passed."""
        if not filter_name:
            return
        history = self.get_meta_prop(MetaKey.FILTER_HISTORY)
        if not history:
            history = []
            self.set_meta_prop(MetaKey.FILTER_HISTORY, history)
        history.extend([filter_name] if isinstance(filter_name, str) else filter_name)

    def get_filter_history(self) -> list[str] | None:
        return cast("list[str] | None", self.get_meta_prop(MetaKey.FILTER_HISTORY))

    def __repr__(self) -> str:
        held = ", ".join(map(str, self.data)) if isinstance(self.data, dict) else type(self.data).__name__
        return f"DXO({_name(self.data_kind)}: {held})"


def _name(kind: Any) -> str:
    return kind.value if isinstance(kind, Enum) else str(kind)


def from_shareable(s: Shareable) -> DXO:
    """The DXO in `s`, sharing its data and meta. Raises ValueError when there is none."""
    content_type = s.get_header(ReservedHeaderKey.CONTENT_TYPE)
    if content_type != CONTENT_TYPE:
        raise ValueError(
            f"the Shareable holds no DXO: its content type is {content_type!r}, its return code {s.get_return_code()}"
        )
    encoded = s.get(CONTENT_TYPE)
    if not encoded:
        raise ValueError("the Shareable says that it holds a DXO, but it is empty")
    return from_dict(encoded)


def from_dict(encoded: dict[str, Any]) -> DXO:
    """The DXO of a `DXO.to_dict` result. Raises ValueError."""
    if not isinstance(encoded, dict):
        raise ValueError(f"a DXO is encoded as a dict, not as {type(encoded).__name__}")
    return DXO(cast("str", encoded.get(_KIND)), encoded.get(_DATA), encoded.get(_META))


def from_bytes(data: bytes) -> DXO:
    """The DXO that `DXO.to_bytes` wrote. Raises ValueError when it is something else."""
    loaded = fobs.loads(data)
    if not isinstance(loaded, DXO):
        raise ValueError(f"the bytes hold a {type(loaded).__name__}, not a DXO")
    return loaded


def from_file(file_path: str | Path) -> Any:
    """What `DXO.to_file` wrote."""
    return fobs.loadf(file_path)


def get_leaf_dxos(dxo: DXO, root_name: str = "") -> tuple[dict[str, DXO], list[str]]:
    """The DXOs at the ends of nested COLLECTIONs, by dotted path, and what was wrong on the way."""
    leaves: dict[str, DXO] = {}
    errors: list[str] = []
    _gather(dxo, root_name, leaves, errors, set())
    return leaves, errors


def _gather(dxo: Any, name: str, leaves: dict[str, DXO], errors: list[str], seen: set[int]) -> None:
    if id(dxo) in seen:
        return
    seen.add(id(dxo))
    if not isinstance(dxo, DXO):
        errors.append(f"{name!r} is {type(dxo).__name__}, not a DXO")
    elif dxo.data_kind != DataKind.COLLECTION:
        leaves[name] = dxo
    elif not isinstance(dxo.data, dict):
        errors.append(f"{name!r} is a collection, but its data is {type(dxo.data).__name__}, not a dict")
    else:
        for key, value in dxo.data.items():
            _gather(value, f"{name}.{key}", leaves, errors, seen)
