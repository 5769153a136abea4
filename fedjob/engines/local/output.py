"""What a site prints, where sites share a process: to the site's own log, without a descriptor for each."""

from __future__ import annotations

import io
from pathlib import Path
from typing import ClassVar

#: Characters that are kept in memory at most.
_ROOM = 1 << 16


class Output(io.TextIOBase):
    """A text stream that gathers what is written and appends it to a file when it is flushed."""

    #: The one of the site whose turn it is, if it has one.
    current: ClassVar[Output | None] = None

    def __init__(self, path: str) -> None:
        self._path = path
        #: What has not been written yet.
        self.pieces: list[str] = []
        self._size = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.pieces.append(text)
        self._size += len(text)
        if self._size > _ROOM:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self.pieces:
            text, self.pieces, self._size = "".join(self.pieces), [], 0
            with Path(self._path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
