"""Findings as SARIF 2.1.0, the form that code-scanning pages read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fedjob.folder.checks.finding import Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(findings: Sequence[tuple[str, Finding]], version: str) -> dict[str, Any]:
    """One run of fedjob; each finding comes with what was checked, a script or a folder."""
    codes = sorted({finding.code for _, finding in findings})
    rules = [{"id": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "fedjob", "version": version, "rules": rules}},
                "results": [
                    _result(finding, codes.index(finding.code), source) for source, finding in findings
                ],
            }
        ],
    }


def _result(finding: Finding, rule: int, source: str) -> dict[str, Any]:
    file, line = _file(finding.place, source)
    physical: dict[str, Any] = {"artifactLocation": {"uri": file}}
    if line:
        physical["region"] = {"startLine": line}
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": f"{finding.reason}. To do: {finding.remedy}."},
        "locations": [
            {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": finding.place}]}
        ],
    }


def _file(place: str, source: str) -> tuple[str, int | None]:
    """The file that a place lies in: a script stands for all of the job that it describes."""
    if source.endswith(".py"):
        return source, None
    app, colon, inner = place.partition(": ")
    if not colon:
        return f"{source}/meta.json" if place.startswith("meta") else source, None
    if inner.startswith(("server", "client")):
        return f"{source}/{app}/config/config_fed_{inner[:6]}.json", None
    path, _, number = inner.partition(":")
    return f"{source}/{app}/{path}", int(number) if number.isdigit() else None
