"""Write what was measured to ``benchmarks/results/``: JSON for programs, Markdown for readers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.row import Row, markdown

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Rows with all that is needed to judge them."""

    rows: Sequence[Row]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    #: Why a peer took no part.
    missing: Mapping[str, str] = field(default_factory=dict)
    #: Parts that could not be run, and why.
    failed: Mapping[str, str] = field(default_factory=dict)
    seconds: float
    when: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def notes(self) -> list[str]:
        """What a reader must know of the table."""
        missed = [row.what for row in self.rows if row.met is False]
        return [
            *(f"MISSING {name}: {why}" for name, why in sorted(self.missing.items())),
            *(f"NOT RUN {name}: {why}" for name, why in sorted(self.failed.items())),
            f"{sum(row.met is True for row in self.rows)} targets met, {len(missed)} not",
        ]

    def json(self) -> str:
        content = {
            "when": self.when.isoformat(timespec="seconds"),
            "seconds": round(self.seconds),
            "machine": dict(self.machine),
            "versions": dict(sorted(self.versions.items())),
            "missing": dict(self.missing),
            "failed": dict(self.failed),
            "rows": [{**asdict(row), "met": row.met} for row in self.rows],
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        facts = [f"- {name.replace('_', ' ')}: {value}" for name, value in self.machine.items()]
        packages = ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))
        return "\n".join(
            [
                f"# Benchmarks, {self.when:%Y-%m-%d %H:%M} UTC",
                "",
                f"`make bench`, {self.seconds / 60:.1f} minutes. Memory is that of the whole tree of processes, shared pages once.",
                "",
                markdown(self.rows),
                "",
                *(f"- {note}" for note in self.notes()),
                "",
                "## On",
                "",
                *facts,
                f"- packages: {packages}",
                "",
            ]
        )

    def write(self, directory: Path = RESULTS) -> Path:
        """Write both files; returns the JSON."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.when:%Y-%m-%d-%H%M%S}.json"
        path.write_text(self.json(), encoding="utf-8")
        path.with_suffix(".md").write_text(self.markdown(), encoding="utf-8")
        return path
