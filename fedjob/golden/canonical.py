"""JSON data as canonical YAML: one text for one value, on any machine and any Python.

Equal goldens are then equal bytes, so the usual check parses nothing. The writer is ours
because PyYAML's is slow and its line breaks are not promised.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any

from fedjob.errors import GoldenError
from fedjob.folder.yaml_text import parse_yaml

#: Keys that read best first; all others follow in alphabetical order.
_FIRST = (
    "golden", "kind", "release", "normalised", "job", "sites", "rounds", "meta", "apps", "id", "tasks", "path", "class_path", "name",
    "executor", "filters", "args", "server", "client", "format_version", "workflows", "executors", "components",
    "task_data_filters", "task_result_filters", "files",
)  # fmt: skip
_RANK = {key: f"{i:03}" for i, key in enumerate(_FIRST)}
_LINE = 100
_NEWLINE = "\n"
_FILE = {"size", "sha256"}

#: Text that YAML 1.1 and 1.2 both read back as the same text without quotes.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
_NOT_TEXT = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
#: What a YAML reader refuses or changes when it stands raw inside quotes.
_UNPRINTABLE = re.compile(
    "[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufdcf\\ufdf0-\\ufffd\\U00010000-\\U0010ffff]|[\\u2028\\u2029\\ufeff]"
)


def dump(data: dict[str, Any]) -> str:
    """`data` as canonical YAML, ending in a newline."""
    lines: list[str] = []
    _mapping(data, "", lines)
    lines.append("")
    return "\n".join(lines)


def load(text: str, place: str) -> Any:
    """Parse YAML; raises `GoldenError` that says where `place` (the file) is broken."""
    import yaml

    marker = re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE)
    if marker:
        line = text.count("\n", 0, marker.start()) + 1
        raise GoldenError(
            f"golden {place} holds the conflict markers of a merge (line {line}); resolve them first"
        )
    try:
        return parse_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if isinstance(error, RecursionError):
            problem = "it is nested too deeply"
        raise GoldenError(f"golden {place} is not YAML{where}: {problem}; restore or update it") from None


def _mapping(data: dict[str, Any], indent: str, lines: list[str]) -> None:
    for key in sorted(data, key=_rank):
        _entry(f"{indent}{_text(key)}:", data[key], indent, lines)


def _sequence(data: list[Any] | tuple[Any, ...], indent: str, lines: list[str]) -> None:
    for value in data:
        if isinstance(value, dict) and value:
            first = len(lines)
            _mapping(value, f"{indent}  ", lines)
            lines[first] = f"{indent}- {lines[first].lstrip(' ')}"
        else:
            _entry(f"{indent}-", value, indent, lines)


def _entry(head: str, value: Any, indent: str, lines: list[str]) -> None:
    """`value` after `head`: on the same line if it is flat and fits, else below."""
    if isinstance(value, str):
        if "\n" not in value or not _as_block(value, head, indent, lines):
            lines.append(f"{head} {_text(value)}")
        return
    if not isinstance(value, (dict, list, tuple)):
        lines.append(f"{head} {_scalar(value)}")
        return
    flow = _flow(value)
    if flow is not None and (not value or isinstance(value, dict) or len(head) + len(flow) < _LINE):
        lines.append(f"{head} {flow}")
        return
    lines.append(head)
    if isinstance(value, dict):
        _mapping(value, f"{indent}  ", lines)
    else:
        _sequence(value, f"{indent}  ", lines)


def _as_block(text: str, head: str, indent: str, lines: list[str]) -> bool:
    """Lines as lines, so that a reader and a merge see them; False for what YAML would not give back."""
    if _UNPRINTABLE.search(text.replace("\n", "").replace("\t", "")):
        return False
    # The number says where the lines begin, whatever the first one begins with; + and - keep the last ends.
    lines.append(f"{head} |2{'+' if text.endswith(_NEWLINE) else '-'}")
    lines += [f"{indent}  {line}" if line else "" for line in text.removesuffix(_NEWLINE).split(_NEWLINE)]
    return True


@lru_cache(maxsize=4096)
def _rank(key: str) -> tuple[str, str]:
    return _RANK.get(key, "999"), key


def _flow(value: dict[str, Any] | list[Any] | tuple[Any, ...]) -> str | None:
    """A flat list, a file's entry (however long), or an empty container as one line."""
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, dict):
        if len(value) == len(_FILE) and value.keys() == _FILE:
            return f"{{size: {_scalar(value['size'])}, sha256: {_scalar(value['sha256'])}}}"
        return None
    if any(isinstance(item, (dict, list, tuple)) for item in value):
        return None
    return f"[{', '.join(map(_scalar, value))}]"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(float(value))
    raise GoldenError(f"{type(value).__name__} {value!r} cannot stand in a golden; it holds JSON data only")


def _float(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if value != value else (".inf" if value > 0 else "-.inf")  # noqa: PLR0124
    digits, e, exponent = repr(value).partition("e")
    # YAML 1.1 reads 1e-05 as text: it wants the point.
    return f"{digits}{'' if '.' in digits else '.0'}{e}{exponent}"


@lru_cache(maxsize=4096)
def _text(value: str) -> str:
    if _PLAIN.match(value) and value.lower() not in _NOT_TEXT:
        return value
    return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
