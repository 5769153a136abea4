"""What an upgrade of FLARE does to a job: its export, its classes, its defaults, its checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fedjob.flare import names, signatures
from fedjob.flare.releases import Release
from fedjob.flare.signatures import MISSING
from fedjob.folder.change import ABSENT, Change
from fedjob.folder.checks import check
from fedjob.folder.checks.finding import Finding
from fedjob.folder.checks.walk import Spot, spots
from fedjob.folder.diff import diff
from fedjob.folder.explain import change_lines, count, show
from fedjob.folder.model import JobModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Default:
    """An argument that the job leaves to FLARE, and that FLARE now sees otherwise."""

    place: str
    argument: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """The report on one job."""

    job: str
    old: Release
    new: Release
    changes: tuple[Change, ...]  #: between the exports for the two releases
    gone: tuple[str, ...]  #: classes of the old export that the new release lacks
    come: tuple[str, ...]  #: classes of the new export that the old release lacks
    defaults: tuple[Default, ...]
    solved: tuple[Finding, ...]  #: found in the old export for the old release, no more in the new
    found: tuple[Finding, ...]  #: what the checks find in the new export for the new release
    #: True when the folder exported for the old release runs on the new one as it is.
    old_folder_runs: bool

    @property
    def quiet(self) -> bool:
        """True when nothing changes and nothing is found."""
        return not (self.changes or self.defaults or self.found)

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Headings with their lines; empty sections are left out."""
        yield "Export", [line for change in self.changes for line in change_lines(change)]
        yield f"Classes that FLARE {self.new} no longer has", list(self.gone)
        yield f"Classes that FLARE {self.old} does not have", list(self.come)
        yield (
            "Defaults that change",
            [f"{d.place}.{d.argument}: {_shown(d.before)} becomes {_shown(d.after)}" for d in self.defaults],
        )
        yield f"Checks of the export for {self.new}", [line for f in self.found for line in f.lines()]
        yield "Findings that the upgrade solves", [f"{f.code}: {f.place}" for f in self.solved]

    def lines(self) -> list[str]:
        """The report as text."""
        lines = [f"{self.job}: FLARE {self.old} to {self.new}: {self._verdict()}"]
        for heading, body in self.sections():
            if body:
                lines += ["", f"{heading}:", *(f"  {line}" for line in body)]
        return lines

    def markdown(self) -> list[str]:
        """The report for a pull request."""
        lines = [f"## {self.job}: FLARE {self.old} to {self.new}", "", self._verdict().capitalize()]
        for heading, body in self.sections():
            if body:
                lines += ["", f"### {heading}", "", "```text", *body, "```"]
        return lines

    def to_dict(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "from": str(self.old),
            "to": str(self.new),
            "changes": [change_to_dict(change) for change in self.changes],
            "classes_gone": list(self.gone),
            "classes_new": list(self.come),
            "defaults": [
                {
                    "place": d.place,
                    "argument": d.argument,
                    "before": _plain(d.before),
                    "after": _plain(d.after),
                }
                for d in self.defaults
            ],
            "findings": [asdict(finding) for finding in self.found],
            "solved": [asdict(finding) for finding in self.solved],
            "old_folder_runs": self.old_folder_runs,
        }

    def _verdict(self) -> str:
        errors = sum(f.severity == "error" for f in self.found)
        parts = [count(len(self.changes), "change"), count(len(self.defaults), "changed default")]
        parts.append(count(errors, "error") if errors else "checks pass")
        advice = "" if self.old_folder_runs else "; folders exported before must be exported again"
        return f"{', '.join(parts)}{advice}."


def compare(before: JobModel, after: JobModel, old: Release, new: Release) -> Upgrade:
    """The report on a job whose exports for `old` and `new` are `before` and `after`."""
    paths = [_flare_paths(model) for model in (before, after)]
    was, now = check(before, old), check(after, new)
    known = {(f.code, f.place) for f in now}
    return Upgrade(
        job=after.meta.name,
        old=old,
        new=new,
        changes=diff(before, after),
        gone=tuple(
            p for p in paths[0] if signatures.of(p, old) is not None and signatures.of(p, new) is None
        ),
        come=tuple(
            p for p in paths[1] if signatures.of(p, new) is not None and signatures.of(p, old) is None
        ),
        defaults=tuple(_defaults(before, after, old, new)),
        solved=tuple(f for f in was if (f.code, f.place) not in known),
        found=now,
        old_folder_runs=not any(f.severity == "error" for f in check(before, new)),
    )


def _flare_paths(model: JobModel) -> list[str]:
    found = dict.fromkeys(s.component.path for s in spots(model) if names.is_flare(s.component.path))
    return sorted(found)


def _defaults(before: JobModel, after: JobModel, old: Release, new: Release) -> Iterator[Default]:
    """Arguments that neither export gives and whose defaults differ, component by component.

    A component whose class was replaced counts as the same one: what it did by default may change as well.
    """
    partners = {spot.place: spot for spot in spots(before)}
    for spot in spots(after):
        partner = partners.get(spot.place)
        if partner is None:
            continue
        one = signatures.of(partner.component.path, old) or {}
        two = signatures.of(spot.component.path, new) or {}
        for word in one:
            if word in two and _left_open(word, partner, spot) and one[word].default != two[word].default:
                yield Default(
                    place=spot.place, argument=word, before=one[word].default, after=two[word].default
                )


def _left_open(word: str, *pair: Spot) -> bool:
    return all(word not in spot.component.args for spot in pair)


def _shown(value: Any) -> str:
    return "required" if value is MISSING else show(value)


def _plain(value: Any) -> Any:
    return None if value is MISSING else value


def change_to_dict(change: Change) -> dict[str, Any]:
    sides: Sequence[tuple[str, Any]] = (("before", change.expected), ("after", change.obtained))
    return {"kind": change.kind, "place": change.place, **{w: v for w, v in sides if v is not ABSENT}}
