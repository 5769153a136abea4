"""The pytest plugin: hooks, options and fixtures.

This module is imported in every pytest process of the environment, so it imports nothing heavy:
implementations are imported where they are first used.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_fedjob.rewriting import leave_ours_alone

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_fedjob.fixture import FedJobFixture
    from pytest_fedjob.options import Settings
    from pytest_fedjob.tally import Tally

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
TALLY: pytest.StashKey[Tally] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    leave_ours_alone(pluginmanager)  # of our modules, those imported from here on.
    from pytest_fedjob.options import add_options

    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from pytest_fedjob import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    from pytest_fedjob.ahead import Ahead
    from pytest_fedjob.options import read_settings
    from pytest_fedjob.session import Controller, Worker

    config.addinivalue_line(
        "markers",
        "fedjob(engine, timeout, seed, isolation): defaults of the simulations in this test",
    )
    settings = config.stash[SETTINGS] = read_settings(config)
    if hasattr(config, "workeroutput"):
        config.pluginmanager.register(Worker(config), "fedjob-worker")
    else:
        config.pluginmanager.register(Controller(config, settings), "fedjob-controller")
    config.pluginmanager.register(Ahead(config, settings), "fedjob-ahead")
    _answer_flare_imports(settings)


def _answer_flare_imports(settings: Settings) -> None:
    """Without FLARE, a test module's own ``import nvflare...`` is answered by our implementation."""
    from importlib.util import find_spec

    if settings.shim == "always" or (settings.shim == "auto" and find_spec("nvflare") is None):
        from fedjob.flare import first_use

        # With the classes that are known by signature: a test may describe and pin what only FLARE can run.
        first_use.install()


def pytest_report_header(config: pytest.Config) -> str:
    from fedjob import __version__

    settings = config.stash[SETTINGS]
    release = f"FLARE {settings.release}" if settings.release else "newest FLARE"
    return (
        f"fedjob {__version__}: {', '.join(settings.engines)} engine, {release}, goldens: {settings.golden}"
    )


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    engines = metafunc.config.stash[SETTINGS].engines
    chosen = any("engine" in mark.kwargs for mark in metafunc.definition.iter_markers("fedjob"))
    if "fedjob_engine" in metafunc.fixturenames and len(engines) > 1 and not chosen:
        metafunc.parametrize("fedjob_engine", engines, indirect=True)


@pytest.fixture
def fedjob_engine(request: pytest.FixtureRequest) -> str | None:
    """The engine that ``--fedjob-engine=a,b`` runs this test on; None when there is one for all."""
    engine: str | None = getattr(request, "param", None)
    return engine


@pytest.fixture
def fedjob(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    fedjob_engine: str | None,
) -> FedJobFixture:
    """Describe, pin and simulate federated jobs: export, golden, simulate, script."""
    from pytest_fedjob import markers
    from pytest_fedjob.fixture import FedJobFixture
    from pytest_fedjob.tally import Tally

    markers.check_markers(request.node)
    tally = request.node.stash[TALLY] = Tally()
    return FedJobFixture(
        item=request.node,
        settings=request.config.stash[SETTINGS],
        factory=tmp_path_factory,
        tmp_path=tmp_path,
        tally=tally,
        engine=fedjob_engine,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if "fedjob" not in getattr(item, "fixturenames", ()):
        return report
    from pytest_fedjob.session import ATTRIBUTE
    from pytest_fedjob.tally import properties

    tally = item.stash.get(TALLY, None)
    told = report.when == "call" and tally is not None
    setattr(report, ATTRIBUTE, tally.to_json() if told and tally else {})
    if told and tally:
        item.user_properties.extend(properties(tally))
        if report.failed:
            report.sections += [("fedjob run", section) for section in tally.sections]
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    from pytest_fedjob.compare import compare_results

    return compare_results(left, right) if op == "==" else None
