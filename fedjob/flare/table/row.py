"""A row of the table of names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Some names of one module of FLARE."""

    flare: str  #: module without the leading "nvflare."; "" is the package itself
    home: str  #: our module, without the leading "fedjob."
    names: str  #: separated by blanks
    since: str | None = None  #: first release that has the names
    before: str | None = None  #: first release that has them no more
