"""Replace what differs from machine to machine before it reaches a golden, and say so."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Normaliser:
    """Every match of `pattern` becomes `replacement`.

    ``{n}`` in the replacement counts distinct matches in order of appearance, so that two
    references to one thing still are.
    """

    name: str
    pattern: re.Pattern[str]
    replacement: str
    #: What every match contains, where looking for that first saves time.
    sign: re.Pattern[str] | None = None

    def occurs(self, text: str) -> bool:
        """Whether there is something to replace in `text`."""
        maybe = self.sign is None or self.sign.search(text) is not None
        return maybe and self.pattern.search(text) is not None


_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
#: Begins with a literal, which the pattern of a whole UUID cannot: found, or not, ten times faster.
_IN_UUID = re.compile(r"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-")
_IN_TMP = r"(/pytest-of-[^/\s]+/pytest-\d+(/popen-gw\d+)?(/[^/\s]+)?|/tmp\w{8})?"
_ONE_TEST = r"(/[^/\s]+)?"


@lru_cache(maxsize=64)
def built_in(project: Path, tmp: Path | None = None) -> tuple[Normaliser, ...]:
    """Temporary directories, the project's directory, the home directory, UUIDs.

    `tmp` holds one directory for each test.
    """
    temporary = _path(Path(tempfile.gettempdir()), _IN_TMP)
    if tmp is not None:
        temporary = re.compile(f"{_path(tmp, _ONE_TEST).pattern}|{temporary.pattern}")
    return (
        Normaliser(name="tmp", pattern=temporary, replacement="<tmp>"),
        Normaliser(name="project", pattern=_path(project), replacement="<project>"),
        Normaliser(name="home", pattern=_path(Path.home()), replacement="<home>"),
        Normaliser(name="uuid", pattern=_UUID, replacement="<uuid-{n}>", sign=_IN_UUID),
    )


def normalise(tree: Any, normalisers: Sequence[Normaliser]) -> tuple[Any, tuple[str, ...]]:
    """`tree` with every string normalised, and the names of the normalisers that changed something."""
    used = []
    for normaliser in normalisers:
        replaced: dict[str, str] = {}
        tree = _walk(tree, partial(normaliser.pattern.sub, _replacer(normaliser, replaced)))
        if replaced:
            used.append(normaliser.name)
    return tree, tuple(used)


def _path(path: Path, more: str = "") -> re.Pattern[str]:
    """Match `path` where it ends at a separator; the root of the file system is nobody's own."""
    if len(path.parts) < 2:
        return re.compile(r"(?!)")
    return re.compile(re.escape(str(path)) + more + r"(?![\w.-])")


def _replacer(normaliser: Normaliser, replaced: dict[str, str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        number = len(replaced) + 1
        return replaced.setdefault(match[0], normaliser.replacement.replace("{n}", str(number)))

    return replace


def _walk(tree: Any, change: Callable[[str], str]) -> Any:
    if isinstance(tree, str):
        return change(tree)
    if isinstance(tree, Mapping):
        return {change(key): _walk(value, change) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_walk(value, change) for value in tree]
    return tree
