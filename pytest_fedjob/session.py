"""What a whole session knows: kept by the controller, or by the only process when there is no xdist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_fedjob.gate import Gate
from pytest_fedjob.options import Settings
from pytest_fedjob.orphans import Orphans

#: The key under which a worker hands its part to the controller.
OUTPUT = "fedjob"
#: The attribute of a report that carries `Tally.to_json`.
ATTRIBUTE = "fedjob"


class Worker:
    """In an xdist worker: says at the end how many tests it was told to leave out."""

    def __init__(self, config: pytest.Config) -> None:
        self.deselected = 0
        self._output: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._output[OUTPUT] = {"deselected": self.deselected}


class Controller:
    """Collects from reports, decides the exit status once, and is the only one who prints."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.gate = Gate()
        self.orphans = Orphans(rootpath=settings.rootpath, golden_dir=settings.golden_dir)
        self.orphans.partial = any("::" in argument for argument in config.args)
        self.runs: list[tuple[str, dict[str, Any]]] = []
        self.goldens: list[dict[str, str]] = []
        self.unused: list[str] = []
        self.pruned: list[str] = []
        self.problems: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.gate.collected.update(item.nodeid for item in getattr(session, "items", ()))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        self.gate.collected.update(ids)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.orphans.partial |= bool(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        output = getattr(node, "workeroutput", {}).get(OUTPUT)
        # A worker that died says nothing: what it did not run is unknown.
        self.orphans.partial |= output is None or bool(output["deselected"])

    def pytest_internalerror(self) -> None:
        self.gate.internal_errors += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told: dict[str, Any] | None = getattr(report, ATTRIBUTE, None)
        self.gate.add_report(report, federated=told is not None)
        module = self.settings.rootpath / report.nodeid.partition("::")[0]
        self.orphans.modules.add(module)
        if report.outcome != "passed":
            self.orphans.spoiled.add(module)
        for run in (told or {}).get("runs", ()):
            self.runs.append((report.nodeid, run))
        for golden in (told or {}).get("goldens", ()):
            self.goldens.append(golden)
            self.orphans.used.add(self.orphans._plain(self.settings.rootpath / golden["path"]))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.config.option.collectonly:
            return
        self.problems = self.gate.problems(session)
        green = session.exitstatus == pytest.ExitCode.OK
        if self.problems and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif green and not self.problems:
            self._settle_orphans()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.runs or self.goldens or self.unused or self.pruned or self.problems:
            from pytest_fedjob.summary import write_summary

            write_summary(terminalreporter, self)

    def _settle_orphans(self) -> None:
        from pytest_fedjob.goldens import shown

        for path in self.orphans.find():
            if self.settings.prune:
                path.unlink()
            (self.pruned if self.settings.prune else self.unused).append(shown(path, self.settings.rootpath))
