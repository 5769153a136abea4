"""The `fedjob` fixture: describe, pin and run federated jobs in a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedjob.errors import RunFailed
from pytest_fedjob import goldens, markers, runs
from pytest_fedjob.frames import without_our_frames
from pytest_fedjob.options import Settings, installed, shim_for
from pytest_fedjob.tally import Tally

if TYPE_CHECKING:
    from fedjob.engines.protocol import Engine
    from fedjob.engines.request import Isolation, RunRequest
    from fedjob.folder.checks.finding import Finding
    from fedjob.folder.model import JobModel
    from fedjob.golden.content import Content
    from fedjob.golden.match import Match
    from fedjob.golden.metrics import Tolerance
    from fedjob.result import RunResult


@dataclass(repr=False)
class FedJobFixture:
    """Build, export, pin and simulate jobs; everything it makes lies in the test's temporary directory."""

    item: pytest.Function
    settings: Settings
    factory: pytest.TempPathFactory
    tmp_path: Path
    tally: Tally
    engine: str | None = None  #: the engine this test was parametrised with
    _numbers: dict[str, int] = field(default_factory=dict, init=False)
    _roots: dict[Path, None] = field(default_factory=dict, init=False)  #: directories of job scripts

    def __repr__(self) -> str:
        return f"<fedjob of {self.item.name}>"

    @without_our_frames
    def export(self, job: Any, *, release: str | None = None) -> Path:
        """Write `job` as a job folder and return the folder.

        `release` is the FLARE release to export for, by default ini ``fedjob_release`` or the newest.
        """
        from fedjob.folder.write import write

        return write(self._model(job, release), self._scratch("jobs"))

    @without_our_frames
    def script(self, path: str | Path, args: Sequence[str] = ()) -> Any:
        """Run a job script as ``__main__`` and return the job that it exports or runs, without running it.

        `path` is relative to the test file, or to the working directory when it is not there.
        """
        from fedjob.job import load_script

        __tracebackhide__ = True
        beside = self.item.path.parent / path
        script = beside if beside.exists() else Path(path)
        self._roots[script.resolve().parent] = None
        return load_script(script, args, shim=shim_for(self.settings))

    @without_our_frames
    def golden(
        self,
        obtained: Any,
        name: str | None = None,
        *,
        rtol: Tolerance | None = None,
        atol: Tolerance | None = None,
        equal_nan: bool = False,
        release: str | None = None,
        match: Match = "exact",
        ignore: Sequence[str] = (),
        bodies: Sequence[str] = (),
    ) -> None:
        """Fail unless `obtained`, a job, a job folder or a result, is what the test's golden says.

        Goldens lie beside the test file, named after the test, or `name`. For results `rtol` and
        `atol` are one number or one by metric name, and NaN equals nothing unless `equal_nan`. For jobs
        `match` is ``exact``, ``structure`` or ``subset``, and `ignore` lists places that may differ,
        e.g. ``server.components[persistor].args.model``. `bodies` lists files whose text stands in the
        golden beside their hash, e.g. ``custom/*.py``.
        """
        __tracebackhide__ = True
        content = self._content(obtained, rtol, atol, equal_nan, release, match, ignore, bodies)
        desk = goldens.Desk(
            mode=self.settings.golden,
            rootpath=self.settings.rootpath,
            nodeid=goldens.plain_nodeid(self.item),
            claims=runs.shared_directory(self.factory) / "goldens",
        )
        path = self._golden_path(name)
        outcome = desk.settle(goldens.for_release(path, content.release, desk.mode), content)
        self.tally.add_golden(goldens.shown(outcome.path, self.settings.rootpath), outcome.state)
        if outcome.lines:
            pytest.fail("\n".join(outcome.lines))

    @without_our_frames
    def check(
        self, job: Any, *, release: str | None = None, ignore: Sequence[str] = (), imports: bool = False
    ) -> tuple[Finding, ...]:
        """Fail if the checks find an error in `job`; return what they found besides.

        `ignore` lists codes of findings, beside those of ``[tool.fedjob.check]``. Nothing is executed, unless
        `imports` asks to import the job's classes in an isolated interpreter that has only ``custom/``.
        """
        __tracebackhide__ = True
        model, left_out = self._described(job, release)
        found = self._findings(model, left_out, release, imports=imports)
        left = [f for f in found if f.code not in ignore]
        errors = [f for f in left if f.severity == "error"]
        if errors:
            pytest.fail("\n".join(line for f in errors for line in [*f.lines(), ""]).rstrip())
        return tuple(left)

    @without_our_frames
    def simulate(
        self,
        job: Any,
        clients: int | Sequence[str] | None = None,
        n_clients: int | None = None,
        *,
        seed: int | None = None,
        engine: str | Engine | None = None,
        timeout: float | None = None,
        isolation: Isolation | None = None,
        threads: int | None = None,
        gpu: str | None = None,
        release: str | None = None,
        fresh: bool = False,
        check: bool = True,
    ) -> RunResult:
        """Run `job` and return its result.

        `clients` is a number of sites or their names; without it the sites are those of the job, else those that its
        script runs it with, else two or as many as the job needs. What else is not given comes from the ``fedjob``
        marker, then from the options. A run equal to an earlier one of this session is not
        repeated unless `fresh`. Raises `RunFailed` with the client's traceback when the run did not
        succeed; with ``check=False`` the failed result is returned instead.
        """
        from fedjob.result.failure import failure_lines

        __tracebackhide__ = True
        model, left_out = self._described(job, release)
        chosen = (
            engine
            if engine is not None
            else markers.value(self.item, "engine", self.engine or self.settings.engines[0])
        )
        wish = {
            "n_clients": clients if isinstance(clients, int) else n_clients,
            "clients": tuple(clients) if clients is not None and not isinstance(clients, int) else (),
            "default_sites": getattr(job, "default_sites", None),
            "seed": markers.value(self.item, "seed", self.settings.seed) if seed is None else seed,
            "isolation": isolation or markers.value(self.item, "isolation", self.settings.isolation),
            "threads": threads,
            "gpu": gpu,
        }
        place = self._place(model, chosen, wish, fresh=fresh)
        request = self._request(model, wish, timeout, place)
        request.sites(model)
        found = self._findings(model, left_out, release)
        hook = self.item.ihook
        hook.pytest_fedjob_before_run(item=self.item, model=model, request=request)
        try:
            result, ran = runs.run(model, chosen, request, place)
        except Exception:
            self.tally.add_findings(found)
            raise
        self.tally.add_run(result, ran=ran, findings=found)
        hook.pytest_fedjob_result(item=self.item, result=result)
        if check and not result.ok:
            # What the checks say may well be the cause.
            advice = [line for f in found for line in ("", *f.lines())]
            raise RunFailed("\n".join([*failure_lines(result), *advice]), result=result)
        self.tally.add_findings(found)
        return result

    def _model(self, job: Any, release: str | None) -> JobModel:
        from fedjob.folder.model import JobModel
        from fedjob.folder.read import read

        # Neither needs the description side of fedjob, which is slow to import.
        if isinstance(job, (JobModel, str, Path)):
            return job if isinstance(job, JobModel) else read(job)
        from fedjob.job.given import to_model

        return to_model(job, release or self.settings.release, self._scratch("foreign"))

    def _described(self, job: Any, release: str | None) -> tuple[JobModel, tuple[Finding, ...]]:
        """The job as data, and what its export leaves out."""
        from fedjob.folder.model import JobModel

        if isinstance(job, (JobModel, str, Path)):
            return self._model(job, release), ()
        from fedjob.job.exported import described

        return described(job, release or self.settings.release, self._scratch("foreign"))

    def _findings(
        self, model: JobModel, left_out: tuple[Finding, ...], release: str | None, *, imports: bool = False
    ) -> tuple[Finding, ...]:
        from fedjob import plugins
        from fedjob.flare.releases import Release
        from fedjob.folder.checks.config import read_config

        target = Release.of(release or self.settings.release)
        found = (*left_out, *plugins.findings(model, target, imports=imports))
        return read_config(self.settings.rootpath).apply(found)

    def _content(
        self,
        obtained: Any,
        rtol: Tolerance | None,
        atol: Tolerance | None,
        equal_nan: bool,
        release: str | None,
        match: Match,
        ignore: Sequence[str],
        bodies: Sequence[str],
    ) -> Content:
        from fedjob.golden.content import JobContent, ResultContent
        from fedjob.result import RunResult

        if isinstance(obtained, RunResult):
            return ResultContent(
                obtained,
                rtol=self.settings.rtol if rtol is None else rtol,
                atol=self.settings.atol if atol is None else atol,
                equal_nan=equal_nan,
            )
        return JobContent(
            self._model(obtained, release),
            release=_release_of(obtained, release or self.settings.release),
            normalisers=self._normalisers(),
            match=match,
            ignore=ignore,
            bodies=bodies,
        )

    def _normalisers(self) -> list[Any]:
        from fedjob.golden.normalise import built_in

        more = self.item.ihook.pytest_fedjob_normalisers(config=self.item.config)
        return [
            *built_in(self.settings.rootpath, self.factory.getbasetemp()),
            *(n for given in more for n in given),
        ]

    def _golden_path(self, name: str | None) -> Path:
        key = name or ""
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return goldens.golden_path(self.item, self.settings.golden_dir, name, self._numbers[key], self.engine)

    def _request(
        self, model: JobModel, wish: dict[str, Any], timeout: float | None, place: runs.Place
    ) -> RunRequest:
        from fedjob.engines.request import RunRequest
        from fedjob.folder.sources import source_roots

        return RunRequest(
            workspace=place.workspace,
            timeout=markers.value(self.item, "timeout", self.settings.timeout)
            if timeout is None
            else timeout,
            source_roots=source_roots(
                model, *self._roots, self.item.path.parent, Path.cwd(), self.settings.rootpath
            ),
            preload=installed(self.settings.preload),
            concurrent_runs=runs.at_a_time(),
            **wish,
        )

    def _place(
        self, model: JobModel, engine: str | Engine, wish: dict[str, Any], *, fresh: bool
    ) -> runs.Place:
        """Inline runs see the test's monkeypatches and engine objects carry state: neither is shared."""
        if fresh or wish["isolation"] == "inline" or not isinstance(engine, str):
            return runs.Place(directory=self._scratch("runs"), shared=False)
        return runs.shared_place(self.factory, model, engine, wish)

    def _scratch(self, word: str) -> Path:
        """A new directory of this test's own."""
        number = self._numbers[f"/{word}"] = self._numbers.get(f"/{word}", 0) + 1
        return self.tmp_path / f"{word}-{number}"


def _release_of(obtained: Any, release: str | None) -> str | None:
    """The release that an object was exported for; a folder is what it is."""
    from fedjob.flare.releases import Release
    from fedjob.folder.model import JobModel

    if isinstance(obtained, (str, Path, JobModel)):
        return None if release is None else str(Release.of(release))
    from fedjob.job.foreign import ForeignJob

    if isinstance(obtained, ForeignJob):
        return str(Release.of_version(version("nvflare")))
    return str(Release.of(release))
