"""How strictly a job must match its golden, and which places may differ."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from fedjob.errors import GoldenError
from fedjob.folder.change import Change

#: ``exact``: every change counts. ``structure``: values may differ, not what is there nor its
#: type. ``subset``: the job may hold more than the golden.
Match = Literal["exact", "structure", "subset"]

_FORGIVEN: dict[str, set[str]] = {
    "exact": set(),
    "structure": {"changed", "file changed"},
    "subset": {"added", "file added"},
}


def relevant(
    changes: Iterable[Change], match: Match = "exact", ignore: Sequence[str] = ()
) -> tuple[Change, ...]:
    """The changes that `match` and `ignore` leave.

    An ignore pattern names a place and covers all below it: ``server.components[persistor].args.model``
    in every app, or ``app: server...`` in one; ``*`` and ``?`` stand for any text.
    Raises `GoldenError` for an unknown `match`.
    """
    if match not in _FORGIVEN:
        raise GoldenError(f"match={match!r} is unknown; choose one of {', '.join(get_args(Match))}")
    patterns = [_compile(pattern) for pattern in ignore]
    return tuple(c for c in changes if c.kind not in _FORGIVEN[match] and not _covered(c.place, patterns))


def _covered(place: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    within_app = place.partition(": ")[2] or place
    return any(pattern.match(place) or pattern.match(within_app) for pattern in patterns)


def _compile(pattern: str) -> re.Pattern[str]:
    # Brackets hold ids in a place; fnmatch would read them as a set of characters.
    escaped = pattern.replace("[", "[[]")
    glob = fnmatch.translate(escaped).removesuffix(r"\Z").removesuffix(r"\z")
    return re.compile(glob + r"(?=[.\[/]|\Z)")
