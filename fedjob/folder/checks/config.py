"""The user's word on findings: ``[tool.fedjob.check]`` in pyproject.toml."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from fedjob.errors import FolderError
from fedjob.folder.checks.finding import Finding, Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckConfig:
    """Codes to leave out, and codes to weigh otherwise."""

    ignore: frozenset[str] = frozenset()
    severity: Mapping[str, Severity] = field(default_factory=dict)

    def apply(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """What is left, errors first."""
        left = [
            replace(f, severity=self.severity.get(f.code, f.severity))
            for f in findings
            if f.code not in self.ignore
        ]
        return tuple(sorted(left, key=lambda finding: finding.severity != "error"))


def read_config(directory: Path) -> CheckConfig:
    """The configuration of the project in or above `directory`; the default when it has none.

    Raises `FolderError` for one that cannot be.
    """
    file = next(
        (d / "pyproject.toml" for d in (directory, *directory.parents) if (d / "pyproject.toml").is_file()),
        None,
    )
    if file is None:
        return CheckConfig()
    table = _parse(file).get("tool", {}).get("fedjob", {}).get("check", {})
    unknown = sorted(table.keys() - {"ignore", "severity"})
    if unknown:
        raise FolderError(f"unknown key {unknown[0]!r} (there are ignore and severity)", place=_place(file))
    for code, severity in table.get("severity", {}).items():
        if severity not in get_args(Severity):
            choices = " or ".join(get_args(Severity))
            raise FolderError(
                f"{severity!r} is no severity (choose {choices})", place=f"{_place(file)}.severity.{code}"
            )
    return CheckConfig(ignore=frozenset(table.get("ignore", ())), severity=dict(table.get("severity", {})))


def _place(file: Path) -> str:
    return f"{file.name}: tool.fedjob.check"


def _parse(file: Path) -> dict[str, Any]:
    # pytest brings tomli along before Python 3.11.
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        data: dict[str, Any] = toml.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FolderError(f"not TOML: {error}", place=file.name) from error
    return data
