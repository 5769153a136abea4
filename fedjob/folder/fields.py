"""Read typed values out of parsed JSON, naming the exact place of whatever is wrong.

A place is ``"<file>: <path>"``, e.g. ``app/config/config_fed_server.json: workflows[0].path``;
`inside` and `at` extend it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fedjob.errors import FolderError

T = TypeVar("T")

#: What a user calls the JSON types.
_WORDS = {dict: "object", list: "list", type(None): "null"}


def document(file: str) -> str:
    """The place of a whole file; keys are then named after a colon."""
    return f"{file}: "


def inside(place: str, key: str) -> str:
    """The place of `key` inside the object at `place`."""
    return f"{place}{key}" if not place or place.endswith(": ") else f"{place}.{key}"


def at(place: str, index: int) -> str:
    """The place of element `index` of the list at `place`."""
    return f"{place}[{index}]"


def wrong(value: object, expected: str, place: str) -> FolderError:
    """The error for a value of the wrong type."""
    kind = type(value)
    return fault(f"unexpected type {_WORDS.get(kind, kind.__name__)} (expected {expected})", place)


def fault(message: str, place: str) -> FolderError:
    """A `FolderError` at `place`."""
    return FolderError(message, place=place.removesuffix(": "))


def text(value: object, place: str) -> str:
    if isinstance(value, str):
        return value
    raise wrong(value, "str", place)


def whole(value: object, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong(value, "int", place)


def mapping(value: object, place: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise wrong(value, "object", place)


def sequence(value: object, place: str) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise wrong(value, "list", place)


def each(convert: Callable[[object, str], T]) -> Callable[[object, str], tuple[T, ...]]:
    """A converter of lists whose elements are converted by `convert`."""

    def convert_all(value: object, place: str) -> tuple[T, ...]:
        return tuple(convert(item, at(place, i)) for i, item in enumerate(sequence(value, place)))

    return convert_all


texts = each(text)


def required(data: dict[str, Any], key: str, place: str, convert: Callable[[object, str], T]) -> T:
    """Take `key` out of `data`; it must be there."""
    if key not in data:
        raise fault("missing required value", inside(place, key))
    return convert(data.pop(key), inside(place, key))


def optional(
    data: dict[str, Any], key: str, place: str, convert: Callable[[object, str], T], default: T
) -> T:
    """Take `key` out of `data`; `default` where it is absent."""
    return convert(data.pop(key), inside(place, key)) if key in data else default


def text_or_none(value: object, place: str) -> str | None:
    return None if value is None else text(value, place)


def deploy_map(value: object, place: str) -> dict[str, tuple[str, ...]]:
    """Which app goes to which sites, in any of FLARE's spellings: ``"a"``, ``["a"]``, ``{"sites": ["a"]}``."""
    sites_by_app = mapping(value, place)
    for app in sites_by_app:
        check_name(app, "app")
    return {app: _sites(sites, inside(place, app)) for app, sites in sites_by_app.items()}


def _sites(value: object, place: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, dict):
        key = next((k for k in ("targets", "sites") if k in value), None)
        if key is None:
            raise fault("missing required value", inside(place, "sites"))
        return _sites(value[key], inside(place, key))
    return tuple(site for i, item in enumerate(sequence(value, place)) for site in _sites(item, at(place, i)))


def check_name(name: str, what: str) -> None:
    """A name becomes one directory: anything that would be a path is refused with `FolderError`."""
    if not name or name in {".", ".."} or any(c in name for c in "/\\\0"):
        raise FolderError(f"{what} name {name!r} is not a plain directory name")


def plain(value: object, place: str) -> Any:
    """`value` as JSON data: what YAML and HOCON can say beyond JSON (dates, odd keys) is refused."""
    if isinstance(value, Mapping):
        return {_key(k, place): plain(v, inside(place, str(k))) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, at(place, i)) for i, v in enumerate(value)]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise wrong(value, "a JSON value", place)


def _key(key: object, place: str) -> str:
    if isinstance(key, str):
        return key
    raise fault(f"key {key!r} is not text; put it in quotes", place)
