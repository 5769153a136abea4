"""Goldens that no test asked for: named after a full run, deleted only on request."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

#: A file is ours only if it says so near its top; anything else in the directory is the user's.
_MARK = b"\ngolden: "
_HEAD = 400


class Orphans:
    """Gathers which test modules ran in full, and which goldens they used."""

    def __init__(self, rootpath: Path, golden_dir: str) -> None:
        self.rootpath = rootpath
        self.golden_dir = golden_dir
        self.used: set[Path] = set()
        self.modules: set[Path] = set()  #: collected
        self.spoiled: set[Path] = set()  #: a test failed, was skipped or did not run
        self.partial = False  #: the user selected tests, or a worker was lost

    def find(self) -> list[Path]:
        """Unused goldens of modules whose every test passed, and those of modules that are gone.

        Empty for a partial run: a golden is not unused because its test was not asked to run.
        """
        if self.partial:
            return []
        folders = [m.parent / self.golden_dir / m.stem for m in self.modules - self.spoiled]
        folders += self._of_gone_modules()
        files = {file for folder in folders for file in folder.glob("*.yaml")}
        return sorted(file for file in files if self._plain(file) not in self.used and _is_golden(file))

    def _of_gone_modules(self) -> Iterable[Path]:
        for directory in {module.parent for module in self.modules}:
            for folder in (directory / self.golden_dir).glob("*/"):
                if not (directory / f"{folder.name}.py").exists():
                    yield folder

    @staticmethod
    def _plain(file: Path) -> Path:
        """``name@2.8.yaml`` is in use while ``name.yaml`` is: another release's run may not see it."""
        return file.with_name(file.stem.partition("@")[0] + ".yaml")


def _is_golden(file: Path) -> bool:
    with file.open("rb") as stream:
        return _MARK in b"\n" + stream.read(_HEAD)
