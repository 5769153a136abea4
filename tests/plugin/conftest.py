"""A little user repo in which pytest runs, alone and with two workers."""

from __future__ import annotations

import re
import textwrap

import pytest

from fedjob.folder.write import write
from tests.folder.models import make_job

#: What most suites need: a job folder, whose number of rounds a test may change.
HEAD = """
import pytest
from pathlib import Path
from fedjob.engines.fake import FakeEngine

JOBS = Path(__file__).parent / "jobs"
"""


class Suite:
    """Files of a user's repo, and pytest runs in it."""

    def __init__(self, pytester: pytest.Pytester, workers: bool) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.workers = workers
        self.job()

    def job(self, **changes) -> None:
        """Write the job folder ``jobs/hello``."""
        write(
            make_job(self.pytester.mkdir(f"bytes{len(list(self.path.iterdir()))}"), **changes),
            self.path / "jobs",
        )

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test(self, text: str, name: str = "test_it.py") -> None:
        self.write(name, HEAD + text)

    def read(self, name: str) -> str:
        return (self.path / name).read_text()

    def run(self, *arguments: str) -> pytest.RunResult:
        # Hypothesis' plugin takes half of a small run's time and has no say in it.
        common = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "error"]
        more = ["-n", "2"] if self.workers else []
        self.result = self.pytester.runpytest_subprocess(*common, *more, *arguments)
        return self.result

    @property
    def failure(self) -> str:
        """The message of the (only) failure, whole."""
        lines = [line[1:].rstrip() for line in self.result.outlines if re.match(r"E( |$)", line)]
        return textwrap.dedent("\n".join(lines))

    @property
    def summary(self) -> str:
        """The text of the fedjob section."""
        lines = self.result.outlines
        start = next((i for i, line in enumerate(lines) if line.strip("=") == " fedjob "), None)
        if start is None:
            return ""
        ends = (i for i in range(start + 1, len(lines)) if re.match(r"===|\d+ passed", lines[i]))
        end = next(ends)
        return "\n".join(lines[start + 1 : end])


@pytest.fixture(params=["alone", "xdist"])
def suite(request, pytester, monkeypatch) -> Suite:
    monkeypatch.delenv("CI", raising=False)
    for word in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(word, raising=False)
    return Suite(pytester, workers=request.param == "xdist")
