"""References to secrets: a job holds where a secret is, the site that runs it what it is (FLARE >= 2.9).

Answers ``nvflare.recipe.secrets``. A reference is ``${secret:NAME}``, an environment variable of the site, or
``${secret:file:PATH}``, a file there. What is resolved here must be neither logged nor written.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from itertools import dropwhile
from pathlib import Path
from typing import Any

__all__ = ["SECRET_REF_PATTERN", "has_secret_refs", "resolve_secret_refs", "secret_file_ref", "secret_ref"]

SECRET_REF_PATTERN = re.compile(
    r"\$\{secret:(?:file:(?P<file>[^{}\s\x00]+)|(?P<env>[A-Za-z_][A-Za-z0-9_]*))\}"
)
_MARK = "${secret:"
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<inner>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)""")
_BEFORE_QUOTES = "=([{,:"
_ASSIGNED = re.compile(r"\w+=")
_SHELLS = {"ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "zsh"}
_PYTHON = re.compile(r"(python|pypy)[\d.]*")


def secret_ref(env_var: str) -> str:
    """The reference to an environment variable of the site. Raises ValueError for what cannot be a variable's name."""
    return _checked(
        f"{_MARK}{env_var}}}", "env", env_var, "env_var must be the name of an environment variable"
    )


def secret_file_ref(path: str) -> str:
    """The reference to a text file at the site. Raises ValueError for a `path` with blanks, braces or no characters."""
    return _checked(
        f"{_MARK}file:{path}}}", "file", path, "path must be printable, without blanks and braces"
    )


def _checked(reference: str, kind: str, given: Any, rule: str) -> str:
    match = (
        SECRET_REF_PATTERN.fullmatch(reference) if isinstance(given, str) and given.isprintable() else None
    )
    if match is None or match[kind] != given:
        raise ValueError(f"{rule}, but is {given!r}")
    return reference


def has_secret_refs(value: Any) -> bool:
    return isinstance(value, str) and SECRET_REF_PATTERN.search(value) is not None


def is_malformed(text: str) -> bool:
    """Whether something in `text` begins like a reference and is none."""
    return _MARK in SECRET_REF_PATTERN.sub("", text)


def resolve_secret_refs(value: Any, env: Mapping[str, str] | None = None) -> Any:
    """`value` with every reference in its texts resolved, from `env` (the process's by default) and from files.

    Goes into dicts (not their keys), lists and tuples, which are copied. A line end at the end of a file is dropped. Raises
    ValueError, without any secret in its text, for a malformed reference and for one that leads nowhere.
    """
    source = os.environ if env is None else env
    if isinstance(value, str):
        if is_malformed(value):
            raise ValueError("a reference to a secret must be ${secret:NAME} or ${secret:file:PATH}")
        return SECRET_REF_PATTERN.sub(lambda match: _look_up(match, source), value)
    if isinstance(value, Mapping):
        return {key: resolve_secret_refs(inner, source) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(resolve_secret_refs(inner, source) for inner in value)
    return value


def _look_up(match: re.Match[str], env: Mapping[str, str]) -> str:
    if name := match["env"]:
        if name not in env:
            raise ValueError(
                f"cannot resolve {match[0]}: this site has no environment variable {name}; set it"
            )
        return env[name]
    try:
        return Path(match["file"]).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cannot resolve {match[0]}: {type(error).__name__} when reading it at this site"
        ) from None


def script_words(arguments: str) -> list[str]:
    """The arguments of a script in its site's process: split at blanks, quotes count only around references."""
    if _MARK not in arguments:
        return arguments.split()
    shield = _Shield()
    words = shield.quotes(shield.references(arguments)).split()
    return [resolve_secret_refs(shield.restored(word)) for word in words]


def command_words(command: str | list[str]) -> list[str]:
    """The command of a process. Raises ValueError for a reference in code that a shell or Python would parse once more."""
    if isinstance(command, str):
        shield = _Shield()
        command = [shield.restored(word) for word in shlex.split(shield.references(command))]
    if option := _nested(command):
        raise ValueError(
            f"a reference to a secret stands in code after {option}; read the secret in that code instead"
        )
    return [resolve_secret_refs(word) for word in command]


class _Shield:
    """Keeps what must not be split, and puts numbers in its place for the time."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def _keep(self, text: str) -> str:
        self._kept.append(text)
        return f"\0{len(self._kept) - 1}\0"

    def references(self, text: str) -> str:
        return SECRET_REF_PATTERN.sub(lambda match: self._keep(match[0]), text)

    def quotes(self, text: str) -> str:
        """Shield what stands in quotes with a reference; other quotes stay, as those of FLARE's script runner do."""
        out: list[str] = []
        i = 0
        while i < len(text):
            quoted = _QUOTED.match(text, i)
            if quoted and "\0" in quoted["inner"]:
                out.append(self._keep(quoted["inner"]))
            elif not (quoted and (i == 0 or text[i - 1].isspace() or text[i - 1] in _BEFORE_QUOTES)):
                quoted = None
                out.append(text[i])
            else:
                out.append(quoted[0])
            i = quoted.end() if quoted else i + 1
        return "".join(out)

    def restored(self, text: str) -> str:
        while "\0" in text:
            text = re.sub(r"\0(\d+)\0", lambda match: self._kept[int(match[1])], text)
        return text


def _nested(words: list[str]) -> str | None:
    """A shell or Python and its option after which code stands that has a reference."""
    while words and Path(words[0]).name == "env":
        words = [*dropwhile(_ASSIGNED.match, words[1:])]
    program = Path(words[0]).name.casefold() if words else ""
    if program not in _SHELLS and not _PYTHON.fullmatch(program):
        return None
    for i, option in enumerate(words[1:], start=1):
        if not option.startswith("-") or option == "--":
            return None
        if re.match(r"-[A-Za-z]*c", option):
            found = any(has_secret_refs(word) for word in words[i : i + 2])
            return f"{program} {option}" if found else None
    return None
