"""The one door to every engine: a folder and a request in, a result out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from fedjob.engines.request import RunRequest
from fedjob.result import RunResult


class Engine(Protocol):
    """Runs a job folder.

    `run` returns a result for every run that began, however it ended; it raises a
    RequestError or FolderError when the run cannot begin.
    """

    name: str

    def run(self, folder: Path, request: RunRequest) -> RunResult: ...
