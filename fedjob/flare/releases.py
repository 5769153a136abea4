"""The releases of FLARE that a job can be exported for."""

from __future__ import annotations

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

        A patch level is read over: FLARE's format does not change within a minor release.
        """
        if isinstance(release, Release):
            return release
        if release is None:
            return NEWEST
        known = next((r for r in RELEASES if f"{release}.".startswith(f"{r}.")), None)
        if known is None:
            names = ", ".join(map(str, RELEASES))
            raise ReleaseError(f"unknown FLARE release {release!r}; releases are {names}")
        return known

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


RELEASES = tuple(Release(2, minor) for minor in (5, 6, 7, 8, 9))
R25, R26, R27, R28, R29 = RELEASES
NEWEST = RELEASES[-1]


@cache
def span(since: str | None, before: str | None) -> tuple[Release, ...]:
    """The known releases from `since` (inclusive) to `before` (exclusive); None is open."""
    first = Release.of(since) if since else RELEASES[0]
    return tuple(r for r in RELEASES if r >= first and (before is None or r < Release.of(before)))
