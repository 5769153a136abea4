"""The releases of FLARE that a job can be exported for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from fedjob.errors import ReleaseError


@dataclass(frozen=True, order=True, slots=True)
class Release:
    """A minor release of FLARE; releases compare by age: ``Release.of("2.6") < Release.of("2.9")``."""

    major: int
    minor: int

    @classmethod
    def of(cls, release: Release | str | None) -> Release:
        """`release` as a Release; None is the newest. Raises ReleaseError for one we do not know.

        A release is what its last patch levels export, which is the same. A patch level may be given; an earlier one,
        which exports something else, is an error.
        """
        if isinstance(release, Release):
            return release
        if release is None:
            return NEWEST
        known = cls.of_version(release)
        first = _FIRST_PATCHES.get(known)
        patch = _PATCH.match(release)
        if first is not None and patch is not None and int(patch[1]) < first:
            raise ReleaseError(
                f"FLARE {release} writes and reads other configurations than {known}.{first} and later, which we export "
                f"for; upgrade it, and give {known}"
            )
        return known

    @classmethod
    def of_version(cls, version: str) -> Release:
        """The minor release of a version, whatever its patch level. Raises ReleaseError for one we do not know."""
        known = next((r for r in RELEASES if f"{version}.".startswith(f"{r}.")), None)
        if known is None:
            names = ", ".join(map(str, RELEASES))
            raise ReleaseError(f"unknown FLARE release {version!r}; releases are {names}")
        return known

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


RELEASES = tuple(Release(2, minor) for minor in (5, 6, 7, 8, 9))
R25, R26, R27, R28, R29 = RELEASES
NEWEST = RELEASES[-1]

#: From which patch level on a release exports what the later ones do: see FEDJOB_FLARE_PATCHES in CONTRIBUTING.
_FIRST_PATCHES = {R25: 1, R26: 2, R27: 2}
_PATCH = re.compile(r"\d+\.\d+\.(\d+)")


@cache
def span(since: str | None, before: str | None) -> tuple[Release, ...]:
    """The known releases from `since` (inclusive) to `before` (exclusive); None is open."""
    first = Release.of(since) if since else RELEASES[0]
    return tuple(r for r in RELEASES if r >= first and (before is None or r < Release.of(before)))
