"""Which files travel with an app, and to which place.

Code of the user's classes and scripts travels with what it imports, as each release of FLARE follows
imports (`imports`, `imports_legacy`); directories and single files travel as they are.
"""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path, PurePosixPath

from fedjob.errors import ResourceError
from fedjob.flare.releases import R29, Release
from fedjob.folder.model import File
from fedjob.folder.read import hash_file
from fedjob.job import sources
from fedjob.job.findings import Finding
from fedjob.job.imports import CodeFollower, Follower
from fedjob.job.imports_legacy import LegacyFollower
from fedjob.job.plan import Script, Source

CUSTOM = "custom"


class Bundle:
    """Collects the files of one app. Raises ResourceError for what must not travel."""

    def __init__(self, release: Release, cwd: Path, app_packages: tuple[str, ...] = ()) -> None:
        self.findings: list[Finding] = []
        self._files: dict[str, Path] = {}
        kept_out = frozenset({"nvflare", *app_packages})
        self._code: Follower = (CodeFollower if release >= R29 else LegacyFollower)(
            kept_out, self._put_code, cwd
        )

    def add_class(self, cls: type) -> str:
        """Let the code of a user's class travel; returns the module path under which it will be found."""
        source = sources.find(cls)
        if source is None:
            raise ResourceError(f"{cls.__module__}.{cls.__qualname__} has no Python source that could travel")
        module = cls.__module__
        if module == "__main__":
            module = self._code.main_module(source)
        if _is_installed(source):
            self._not_copied(module, source)
        else:
            self._code.add_module(module, source)
        return module

    def add_script(self, script: Script) -> None:
        if script.path.exists():
            self._code.add_script(script)

    def add_dir(self, path: Path) -> None:
        """The content of `path` lands in custom/ itself."""
        self._put_tree(path, PurePosixPath(CUSTOM))

    def add_source(self, source: Source) -> None:
        place = PurePosixPath(source.folder or CUSTOM, source.dest_dir or "")
        if ".." in place.parts:
            raise ResourceError(f"dest_dir {source.dest_dir!r} leaves the app; use a path below it")
        if source.path.is_file():
            self._put(place / source.path.name, source.path)
        elif source.path.is_dir():
            self._put_tree(source.path, place)
        else:
            raise ResourceError(f"{source.path} is neither a file nor a directory and cannot travel")

    def files(self) -> tuple[File, ...]:
        """All files, hashed."""
        return tuple(_file(place, source) for place, source in self._files.items())

    def _put_code(self, place: str, source: Path) -> None:
        if ".." in PurePosixPath(place).parts:
            raise ResourceError(f"{source} would leave custom/; run from a directory above it")
        self._put(PurePosixPath(CUSTOM, place), source)

    def _put(self, place: PurePosixPath, source: Path) -> None:
        # Where two sources have one place, the later one overwrites, as copying does.
        self._files[str(place)] = source

    def _put_tree(self, root: Path, place: PurePosixPath) -> None:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                self._put(place / path.relative_to(root).as_posix(), path)

    def _not_copied(self, module: str, source: Path) -> None:
        package = module.partition(".")[0]
        finding = Finding(
            code="CodeNotCopied",
            place=f"module {module}",
            message=f"{package} is an installed package, so its code does not travel (FLARE copies {source.name} "
            "and what it imports); it must be installed at the site",
        )
        if finding not in self.findings:
            self.findings.append(finding)


def _file(place: str, source: Path) -> File:
    size, sha256 = hash_file(source)
    return File(path=place, size=size, sha256=sha256, source=source)


def _is_installed(source: Path) -> bool:
    parts = source.parts
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    return source.is_relative_to(_stdlib())


@cache
def _stdlib() -> str:
    return sysconfig.get_path("stdlib")
