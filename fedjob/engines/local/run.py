"""The local engine: a folder and a request in, a result out."""

from __future__ import annotations

import time
from pathlib import Path

from fedjob.engines.local import logs, measure
from fedjob.engines.local.layout import lay_out
from fedjob.engines.local.nursery import environment
from fedjob.engines.local.plan import Plan, gpus, shards
from fedjob.engines.local.record import Recorder
from fedjob.engines.local.supervisor import Inline, Workers
from fedjob.engines.request import RunRequest
from fedjob.folder.read import read
from fedjob.result import RunResult


class LocalEngine:
    """Runs a job folder with no FLARE installed, in forked workers or inside this process."""

    name = "local"

    def run(self, folder: Path, request: RunRequest) -> RunResult:
        """Run `folder` to its end.

        Returns a result for every run that began, also a failed one. Raises FolderError for a folder that
        is not a job, RequestError for a request that does not fit it, and what interrupted the run (Ctrl-C)
        once nothing of it is left.
        """
        plan = _plan(Path(folder), request)
        record = Recorder(plan.layout.events, start=plan.start)
        record.emit(
            "run_started",
            engine=self.name,
            job=plan.model.meta.name,
            sites=list(plan.sites),
            seed=request.seed,
            isolation=request.isolation,
        )
        try:
            status = carry_out(plan, record)
            record.emit("run_ended", status=status, reason=None)
        except BaseException as error:
            record.error(site="server", kind="interrupted", message=f"the run was interrupted by {error!r}")
            record.emit("run_ended", status="interrupted", reason=repr(error))
            raise
        finally:
            record.close()
        return RunResult.load(plan.layout.workspace)


def carry_out(plan: Plan, record: Recorder) -> str:
    """Run a plan, in workers or in this process; the status for ``run_ended``."""
    return (Inline if plan.request.isolation == "inline" else Workers)(plan, record).run()


def _plan(folder: Path, request: RunRequest) -> Plan:
    start = time.monotonic()
    model = read(folder)
    sites = request.sites(model)
    cards = gpus(request.gpu, sites)
    return Plan(
        model=model,
        layout=lay_out(folder, model, sites, request.workspace, request.isolation),
        request=request,
        sites=sites,
        shards=shards(sites, request.isolation, request.concurrent_runs),
        gpus=cards,
        start=start,
        coverage=measure.settings(),
        environ=environment(),
        logs=logs.read(request.log_config),
    )
