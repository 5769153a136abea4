"""What can be done with a described job: export it, simulate it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedjob.engines import RunRequest, get
from fedjob.errors import JobError, RunFailed
from fedjob.flare.releases import Release
from fedjob.folder.write import write
from fedjob.job.config import check_positive_int
from fedjob.job.defs import ALL_SITES
from fedjob.job.freeze import freeze

if TYPE_CHECKING:
    from fedjob.job.api import FedJob

#: True makes `FedJob.simulator_run` return 2 for a failed run, as FLARE 2.9 does, instead of raising: the job
#: script then ends with success although its job failed.
SILENT = False

#: FLARE's `simulator_run` knows no deadline; a day ends a run that nobody waits for.
DEADLINE = 24 * 3600.0

FAILED = 2

_hand_over: list[Callable[[Any], None]] = []


@contextmanager
def handing_over(take: Callable[[Any], None]) -> Iterator[None]:
    """Within the block, jobs that would be exported or run by a script go to `take` instead."""
    _hand_over.append(take)
    try:
        yield
    finally:
        _hand_over.remove(take)


def handed_over(job: FedJob | Path, sites: int | Sequence[str] | None = None) -> bool:
    """Give `job`, described or a folder, to whoever takes jobs now; False when nobody does.

    `sites`, a number or names, are those that the script would run it with; a folder does not remember them.
    """
    if _hand_over:
        if sites and not isinstance(job, Path):
            job.default_sites = sites if isinstance(sites, int) else tuple(sites)
        _hand_over[-1](job)
    return bool(_hand_over)


def is_handing_over() -> bool:
    """Whether somebody takes jobs now, to export or run them later."""
    return bool(_hand_over)


def export(job: FedJob, root: Path, release: Release | str | None = None) -> Path:
    """Write `job` below `root`; returns the job folder. An earlier export is replaced in one step."""
    return write(freeze(job, release).model, root)


def simulate(
    job: FedJob,
    *,
    workspace: Path,
    n_clients: int | None,
    threads: int | None,
    gpu: str | None,
    log_config: str | None,
) -> int:
    """Run `job` on the local engine in `workspace`; returns 0, raises RunFailed with the result."""
    clients = _clients(job, n_clients)
    request = RunRequest(
        workspace=workspace,
        clients=clients,
        threads=threads,
        gpu=gpu,
        timeout=DEADLINE,
        log_config=log_config,
        source_roots=source_roots(),
    )
    with tempfile.TemporaryDirectory(prefix="fedjob-") as root:
        return run_folder(export(job, Path(root)), request, job.name)


def run_folder(folder: Path, request: RunRequest, name: str) -> int:
    """Run a job folder on the local engine; returns 0, raises RunFailed with the result (see `SILENT`)."""
    result = get("local").run(folder, request)
    if result.ok:
        return 0
    if SILENT:
        return FAILED
    raise RunFailed(f"job {name!r} failed: {'; '.join(result.problems) or result.status}", result=result)


def source_roots() -> tuple[Path, ...]:
    """Where a user's originals may be: the current directory and what is imported from."""
    found = (Path(entry).resolve() for entry in ("", *sys.path))
    return tuple(dict.fromkeys(path for path in found if path.is_dir() and "site-packages" not in path.parts))


def _clients(job: FedJob, n_clients: int | None) -> tuple[str, ...]:
    if ALL_SITES not in job.clients:
        if n_clients and job.clients:
            raise JobError(
                f"job {job.name!r} names its clients {job.clients}, so n_clients={n_clients} cannot be used; leave "
                "one of them out"
            )
        return tuple(job.clients)
    if not n_clients:
        raise JobError(
            f"job {job.name!r} goes to all clients and does not say how many there are; give n_clients or clients"
        )
    check_positive_int("n_clients", n_clients)
    return tuple(f"site-{i}" for i in range(1, n_clients + 1))
