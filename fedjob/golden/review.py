"""Pending goldens: what a failing test obtained, waiting to be accepted or rejected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fedjob.errors import GoldenError
from fedjob.folder.change import Change
from fedjob.folder.diff import diff
from fedjob.folder.explain import count, explain
from fedjob.golden import metrics
from fedjob.golden.config import read_model, read_text
from fedjob.golden.files import write_whole

SUFFIX = ".new"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """One ``.yaml.new`` file and the golden that it would replace."""

    file: Path
    golden: Path

    def lines(self, read: Callable[[Path], str]) -> list[str]:
        """What would change."""
        if not self.golden.exists():
            return [f"{self.golden} would be written for the first time:", "", *read(self.file).splitlines()]
        try:
            changes = differences(read(self.golden), read(self.file), str(self.golden))
        except GoldenError as error:
            return [f"{self.golden} would be replaced: {error}", "", *read(self.file).splitlines()]
        return explain(changes, f"{self.golden} would change in {count(len(changes), 'place')}:")

    def accept(self) -> None:
        write_whole(self.golden, self.file.read_text(encoding="utf-8"))
        self.file.unlink()

    def reject(self) -> None:
        self.file.unlink()


def find(project: Path, artifact: Path | None = None) -> list[Pending]:
    """All pending goldens below `project`, or below `artifact`, each with its golden in `project`.

    An artifact may have lost its leading directories; then the place is found by its tail.
    Raises `GoldenError` when there are several such places, or none.
    """
    found = sorted((artifact or project).rglob(f"*.yaml{SUFFIX}"))
    if artifact is None:
        return [Pending(file=file, golden=file.with_name(file.name.removesuffix(SUFFIX))) for file in found]
    return [Pending(file=file, golden=_home(project, file.relative_to(artifact))) for file in found]


def differences(expected: str, obtained: str, place: str) -> tuple[Change, ...]:
    """What differs between two golden texts of one kind; raises `GoldenError` for unreadable ones."""
    kind = "result" if "\nkind: result\n" in obtained else "job"
    old, new = read_text(expected, place, kind)[1], read_text(obtained, f"{place}{SUFFIX}", kind)[1]
    if kind == "job":
        return diff(read_model(old, place), read_model(new, f"{place}{SUFFIX}"))
    metrics.check(old, place)
    metrics.check(new, f"{place}{SUFFIX}")
    return metrics.compare(old, new, equal_nan=True)


def _home(project: Path, relative: Path) -> Path:
    golden = relative.with_name(relative.name.removesuffix(SUFFIX))
    straight = project / golden
    if straight.exists() or straight.parent.exists():
        return straight
    tails = _with_tail(project, golden)
    if not tails and len(golden.parts) > 1:  # one that is new: its directory tells its place
        tails = [folder / golden.name for folder in _with_tail(project, golden.parent) if folder.is_dir()]
    if len(tails) == 1:
        return tails[0]
    problem = f"fits {', '.join(map(str, tails))}" if tails else "has no place in the project"
    raise GoldenError(f"pending {relative} {problem}; unpack the artifact at the project's root")


def _with_tail(project: Path, tail: Path) -> list[Path]:
    return sorted(path for path in project.rglob(tail.name) if path.parts[-len(tail.parts) :] == tail.parts)
