"""Hooks that a conftest.py or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedjob.engines.request import RunRequest
    from fedjob.folder.model import JobModel
    from fedjob.golden.normalise import Normaliser
    from fedjob.result import RunResult


@pytest.hookspec
def pytest_fedjob_normalisers(config: pytest.Config) -> Sequence[Normaliser]:  # type: ignore[empty-body]
    """Further normalisers for job goldens; they are applied after the built-in ones, in order."""


@pytest.hookspec
def pytest_fedjob_before_run(item: pytest.Item, model: JobModel, request: RunRequest) -> None:
    """Called before a simulation, also before one whose result the session already has.

    Raise to refuse the run.
    """


@pytest.hookspec
def pytest_fedjob_result(item: pytest.Item, result: RunResult) -> None:
    """Called with every result that a test gets, good or bad, before the test sees it."""
