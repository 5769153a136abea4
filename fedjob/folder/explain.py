"""A diff as text: one pure function from changes to lines, for pytest, CLI and reports alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fedjob.folder.change import ABSENT, Change, Words

#: Longer values are cut in the middle: both ends of a path or a list tell most.
_WIDTH = 160
#: More changes than this are counted, not shown.
_SHOWN = 40


def explain(changes: Sequence[Change], heading: str, command: str | None = None) -> list[str]:
    """`heading`, then each change with what was expected before what was obtained, then `command`.

    `command` is the sentence that says what to run next.
    """
    lines = [heading]
    for change in changes[:_SHOWN]:
        lines += ["", *change_lines(change)]
    if len(changes) > _SHOWN:
        lines += ["", f"  ... and {len(changes) - _SHOWN} more"]
    return [*lines, *(["", command] if command else [])]


def change_lines(change: Change) -> list[str]:
    """One change as two or three lines, and those inside a file whose text is known on both sides."""
    lines = [f"  {change.kind}: {change.place}"]
    for word, value in (("expected", change.expected), ("obtained", change.obtained)):
        if value is not ABSENT:
            lines.append(f"    {word}: {show(value)}")
    return [*lines, *(f"    {line}".rstrip() for line in change.detail)]


def count(number: int, word: str) -> str:
    """``1 difference``, ``2 differences``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def show(value: Any) -> str:
    """A value on one line, as it stands in the file."""
    text = str(value) if isinstance(value, Words) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= _WIDTH:
        return text
    return f"{text[: _WIDTH // 2]} ... {text[-_WIDTH // 4 :]} ({len(text)} characters)"
