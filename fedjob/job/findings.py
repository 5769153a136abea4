"""What an export leaves out or cannot vouch for, as data: FLARE says nothing in these places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "ArgumentLost",  # a constructor parameter that cannot be read back
    "ArgumentOpaque",  # an argument that is exported, but not rebuilt as it was
    "CodeNotCopied",  # an installed package that FLARE would copy into custom/
    "FileMissing",  # a script that must be at the site already
    "KeywordsIgnored",  # keywords of to() that nothing takes
    "ObjectsDropped",  # objects for single sites beside objects for all clients
    "TasksExploded",  # a string where a list of tasks belongs
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing to know about an export."""

    code: Code
    place: str  #: e.g. "app: workflow 'controller'"
    message: str

    def __str__(self) -> str:
        return f"{self.code} in {self.place}: {self.message}"
