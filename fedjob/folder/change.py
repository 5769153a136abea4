"""One difference between two jobs, and the differences of plain JSON values."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

Kind = Literal[
    "added",
    "removed",
    "changed",
    "type changed",
    "moved class",
    "reordered",
    "file added",
    "file removed",
    "file changed",
]


class Absent(Enum):
    """The side of a change on which there is nothing (JSON's null is a value)."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Words(str):
    """A side of a change that is described, not quoted: a file, an app."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference, at its exact place."""

    kind: Kind
    place: str  #: e.g. ``app: server.workflows[controller].args.num_rounds``
    expected: Any = ABSENT
    obtained: Any = ABSENT
    detail: tuple[str, ...] = ()  #: more lines to show: what changed inside a file


def diff_values(expected: Any, obtained: Any, place: str) -> Iterator[Change]:
    """Differences of two JSON values: mappings by key, lists by position."""
    if _json_type(expected) is not _json_type(obtained):
        yield Change(kind="type changed", place=place, expected=expected, obtained=obtained)
    elif isinstance(expected, Mapping):
        yield from diff_mappings(expected, obtained, place)
    elif isinstance(expected, (list, tuple)):
        yield from _diff_lists(expected, obtained, place)
    elif not _same(expected, obtained):
        yield Change(kind="changed", place=place, expected=expected, obtained=obtained)


def _json_type(value: Any) -> type:
    """The JSON type of a value: bool before int, and a job's tuples are the folder's lists."""
    kinds = (bool, int, float, str, Mapping, (list, tuple))
    found = next((kind for kind in kinds if isinstance(value, kind)), type(None))
    return list if isinstance(found, tuple) else found


def _same(a: Any, b: Any) -> bool:
    # A NaN in a configuration is the same NaN in the other.
    return bool(a == b) or (a != a and b != b)  # noqa: PLR0124


def diff_mappings(expected: Mapping[str, Any], obtained: Mapping[str, Any], place: str) -> Iterator[Change]:
    """Differences by key; a key that only one side has is added or removed."""
    for key in [*expected, *(k for k in obtained if k not in expected)]:
        here = f"{place}.{key}"
        if key in expected and key in obtained:
            yield from diff_values(expected[key], obtained[key], here)
        else:
            yield appeared(here, expected.get(key, ABSENT), obtained.get(key, ABSENT))


def _diff_lists(expected: Sequence[Any], obtained: Sequence[Any], place: str) -> Iterator[Change]:
    old, new = ([json.dumps(v, sort_keys=True) for v in side] for side in (expected, obtained))
    if old != new and Counter(old) == Counter(new):
        yield Change(kind="reordered", place=place, expected=expected, obtained=obtained)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        common = min(i2 - i1, j2 - j1)
        for i, j in zip(range(i1, i1 + common), range(j1, j1 + common), strict=True):
            yield from diff_values(expected[i], obtained[j], f"{place}[{i}]")
        for i in range(i1 + common, i2):
            yield Change(kind="removed", place=f"{place}[{i}]", expected=expected[i])
        for j in range(j1 + common, j2):
            yield Change(kind="added", place=f"{place}[{j}]", obtained=obtained[j])


def appeared(place: str, expected: Any, obtained: Any) -> Change:
    """The change when only one side is there; the other is `ABSENT`."""
    kind: Kind = "added" if expected is ABSENT else "removed"
    return Change(kind=kind, place=place, expected=expected, obtained=obtained)
